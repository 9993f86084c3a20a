package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// target is a small shop that can be scraped, in OpenMetrics because that
// carries exemplars: counters that rise with every scrape, a histogram, a gauge.
type target struct {
	addr    string
	stock   int // further gauges, to make a scrape as large as a story wants
	scrapes atomic.Int64
}

// startTarget serves a target until the test ends.
func startTarget(t *testing.T) *target { return startStockedTarget(t, 0) }

// startStockedTarget serves a target with so many further gauges.
func startStockedTarget(t *testing.T, stock int) *target {
	t.Helper()
	g := &target{stock: stock}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.addr = server.Listener.Addr().String()
	return g
}

// ServeHTTP answers one scrape.
func (g *target) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	n := g.scrapes.Add(1)
	exemplar := fmt.Sprintf(`# {trace_id="trace-%d"} 0.05 %.3f`, n, float64(time.Now().UnixMilli())/1000)
	w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
	fmt.Fprintf(w, `# HELP shop_requests Requests served.
# TYPE shop_requests counter
shop_requests_total{path="/orders"} %[1]d %[2]s
shop_requests_total{path="/users"} %[3]d
# TYPE shop_latency_seconds histogram
shop_latency_seconds_bucket{le="0.1"} %[1]d %[2]s
shop_latency_seconds_bucket{le="1.0"} %[1]d
shop_latency_seconds_bucket{le="+Inf"} %[1]d
shop_latency_seconds_sum %[4]g
shop_latency_seconds_count %[1]d
# TYPE shop_carts gauge
shop_carts %[5]d
`, n, exemplar, 2*n, 0.05*float64(n), n%7)
	if g.stock > 0 {
		fmt.Fprintln(w, "# TYPE shop_stock gauge")
	}
	for item := range g.stock {
		fmt.Fprintf(w, "shop_stock{item=\"%d\"} %d\n", item, n+int64(item))
	}
	fmt.Fprintln(w, "# EOF")
}

// series are the label sets that Prometheus makes of the target, in the form of
// labelSet.String, as owner sees them.
func (g *target) series(owner string) []string {
	var all []string
	for _, s := range []string{
		`shop_requests_total path=/orders`, `shop_requests_total path=/users`,
		`shop_latency_seconds_bucket le=0.1`, `shop_latency_seconds_bucket le=1.0`, `shop_latency_seconds_bucket le=+Inf`,
		`shop_latency_seconds_sum`, `shop_latency_seconds_count`, `shop_carts`,
		`up`, `scrape_duration_seconds`, `scrape_samples_scraped`, `scrape_samples_post_metric_relabeling`, `scrape_series_added`,
	} {
		words := strings.Fields(s)
		labels := labelSet{"__name__": words[0], "instance": g.addr, "job": "shop", "owner": owner}
		if len(words) > 1 {
			name, value, _ := strings.Cut(words[1], "=")
			labels[name] = value
		}
		all = append(all, labels.String())
	}
	return all
}
