package contest

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/rivals"
)

// mallocs is what a Go program has allocated, and what reading that allocates itself.
type mallocs struct {
	count  float64
	scrape float64
}

// since returns the objects allocated between two readings, without those of the later one, which reads twice. It is false
// when the readings allocated more than all the rest: then the difference means nothing.
func (m mallocs) since(before mallocs) (float64, bool) {
	readings := 2 * before.scrape
	rest := m.count - before.count - readings
	return max(rest, 0), rest > readings
}

// readMallocs reads the count twice: the difference is the price of a reading.
func readMallocs(ctx context.Context, r *rivals.Running) (mallocs, error) {
	addr := r.Setting.Listen
	if r.Variant.Proxy == rivals.Headgate {
		addr = r.Setting.Admin
	}
	first, err := scrape(ctx, "http://"+addr.String()+"/metrics")
	if err != nil {
		return mallocs{}, err
	}
	second, err := scrape(ctx, "http://"+addr.String()+"/metrics")
	if err != nil {
		return mallocs{}, err
	}
	return mallocs{count: second, scrape: second - first}, nil
}

func scrape(ctx context.Context, url string) (float64, error) {
	const name = "go_memstats_mallocs_total"
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("read metrics: %s is not there", name)
}
