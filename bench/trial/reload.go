package trial

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/contest"
	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/procfs"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// Reload is a reload of many tenants under load. Each changes one tenant's password.
type Reload struct {
	Tenants int
	Times   int           // reloads beside each kind of load
	Pause   time.Duration // between two of them
	Window  time.Duration // of finding the most; the windows beside reloads are as long as those take
}

// ReloadResult is how long they took, and what pushes noticed.
type ReloadResult struct {
	Reload
	Idle, Full, Half []time.Duration    // without load, beside the most that headgate can do, beside half of it
	CPU              time.Duration      // of headgate for one reload, without load
	Alone, Beside    report.Measurement // pushes at half of the most, without and beside reloads
}

// RunReload measures.
func RunReload(ctx context.Context, o Options, r Reload) (*ReloadResult, error) {
	if err := o.stayOnLoadCore(); err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(r.Tenants, scenario.Plain)
	if err != nil {
		return nil, err
	}
	s, err := build(ctx, o, rivals.Setting{Tenants: tenants, Connections: 64})
	if err != nil {
		return nil, err
	}
	defer s.takeDown()
	if err := s.running.Check(ctx); err != nil {
		return nil, err
	}
	request, err := scenario.Scenario{Push: pushSize}.Request("gateway.example", tenants[len(tenants)-1].Authorization())
	if err != nil {
		return nil, err
	}
	result := &ReloadResult{Reload: r}
	before, err := procfs.Read(s.running.PIDs)
	if err != nil {
		return nil, err
	}
	if result.Idle, err = r.reload(ctx, s); err != nil {
		return nil, err
	}
	after, err := procfs.Read(s.running.PIDs)
	if err != nil {
		return nil, err
	}
	result.CPU = (after.CPU - before.CPU) / time.Duration(r.Times)
	order := s.order(request, r.Window)
	order.Pace = load.Closed
	most, err := s.load.Measure(ctx, order)
	if err != nil {
		return nil, err
	}
	order.Window = time.Duration(r.Times)*(r.Pause+time.Second) + time.Second
	if result.Full, _, err = r.beside(ctx, s, order); err != nil {
		return nil, err
	}
	order.Pace, order.Rate = load.Open, most.Throughput/2
	if result.Alone, err = s.load.Measure(ctx, order); err != nil {
		return nil, err
	}
	result.Half, result.Beside, err = r.beside(ctx, s, order)
	return result, err
}

// beside reloads while the load runs.
func (r Reload) beside(ctx context.Context, s *stand, order contest.Order) (took []time.Duration, m report.Measurement, err error) {
	type outcome struct {
		m   report.Measurement
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		m, err := s.load.Measure(ctx, order)
		done <- outcome{m, err}
	}()
	took, err = r.reload(ctx, s)
	end := <-done
	if err == nil {
		err = end.err
	}
	return took, end.m, err
}

// reload changes one password in the configuration, asks for a reload and waits for its end, several times.
func (r Reload) reload(ctx context.Context, s *stand) ([]time.Duration, error) {
	name := filepath.Join(s.running.Setting.Dir, "headgate.toml")
	url := "http://" + s.running.Setting.Admin.String() + "/reload"
	var took []time.Duration
	for n := range r.Times {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		changed := changePassword(string(text), n)
		if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(r.Pause):
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, fmt.Errorf("reload: %w", err)
		}
		said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
		_ = answer.Body.Close() // Read to its end.
		if err != nil || answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("reload was answered %d: %s (%v)", answer.StatusCode, strings.TrimSpace(string(said)), err)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// changePassword gives the first tenant a new password.
func changePassword(text string, n int) string {
	const key = `password = "`
	before, rest, found := strings.Cut(text, key)
	if !found {
		return text
	}
	_, after, _ := strings.Cut(rest, `"`)
	return before + key + fmt.Sprintf("new-password-%d", n) + `"` + after
}

// What a reload is meant to take at most, and the worst that 999 of 1000 pushes are meant to see of it.
const (
	longestReload = 1500 * time.Millisecond
	longestP999   = 20 * time.Millisecond
)

// Write writes the result as a table.
func (r *ReloadResult) Write(w io.Writer) {
	fmt.Fprintf(w, "\nreload of %d tenants, one of them changed\n", r.Tenants)
	fmt.Fprintf(w, "  %-22s %8s %8s\n", "took", "median", "longest")
	good := true
	for _, row := range []struct {
		name string
		took []time.Duration
	}{{"without load", r.Idle}, {"beside the most", r.Full}, {"beside half of it", r.Half}} {
		sorted := slices.Sorted(slices.Values(row.took))
		longest := sorted[len(sorted)-1]
		good = good && longest < longestReload
		fmt.Fprintf(w, "  %-22s %8s %8s\n", row.name, sorted[len(sorted)/2].Round(time.Millisecond), longest.Round(time.Millisecond))
	}
	fmt.Fprintf(w, "  %s of processor time each, without load\n", r.CPU.Round(time.Millisecond))
	fmt.Fprintf(w, "  %-22s %8s %8s %8s %9s %9s │ %7s %7s\n", "pushes", "rate/s", "p50 µs", "p99 µs", "p99.9 µs", "max µs", "refused", "failed")
	for _, row := range []struct {
		name string
		m    report.Measurement
	}{{"without a reload", r.Alone}, {"beside reloads", r.Beside}} {
		fmt.Fprintf(w, "  %-22s %8.0f %8.0f %8.0f %9.0f %9.0f │ %7d %7d\n", row.name, row.m.Rate, row.m.P50, row.m.P99, row.m.P999, row.m.Max,
			row.m.Refused, row.m.Failures+row.m.Unfinished)
	}
	fmt.Fprintf(w, "  under %s: %t; p99.9 under %s: %t\n", longestReload, good, longestP999, r.Beside.P999 < micros(longestP999))
}
