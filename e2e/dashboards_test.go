package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Of the panels "Gateway" of the dashboards cortex-writes and cortex-reads that
// Cortex ships (cortexproject/cortex-jsonnet, cortex-mixin), with their variables
// filled in: which requests they look at, and the questions they ask about them.
// The middle ones go through recording rules of the same mixin.
const gatewayJob = `cluster=~"e2e", job=~"(cortex)/((gateway|cortex-gw|cortex-gw-internal))"`

var (
	gatewayPanels = map[string]string{
		"cortex-writes": `route=~"api_(v1|prom)_push"`,
		"cortex-reads":  `route=~"(prometheus|api_prom)_api_v1_.+"`,
	}
	gatewayQuestions = map[string]string{
		"requests in all": `sum(rate(cortex_request_duration_seconds_count{%[1]s, %[2]s}[5m]))`,
		"requests by status": `sum by (status) (label_replace(label_replace(rate(cortex_request_duration_seconds_count{%[1]s, %[2]s}[1m]),
			"status", "${1}xx", "status_code", "([0-9]).."), "status", "${1}", "status_code", "([a-z]+)"))`,
		"p99":             `histogram_quantile(0.99, sum by (le) (cluster_job_route:cortex_request_duration_seconds_bucket:sum_rate{%[1]s, %[2]s})) * 1e3`,
		"p50":             `histogram_quantile(0.50, sum by (le) (cluster_job_route:cortex_request_duration_seconds_bucket:sum_rate{%[1]s, %[2]s})) * 1e3`,
		"average":         `1e3 * sum(cluster_job_route:cortex_request_duration_seconds_sum:sum_rate{%[1]s, %[2]s}) / sum(cluster_job_route:cortex_request_duration_seconds_count:sum_rate{%[1]s, %[2]s})`,
		"p99 by instance": `histogram_quantile(0.99, sum by(le, instance) (rate(cortex_request_duration_seconds_bucket{%[1]s, %[2]s}[1m])))`,
	}
)

// headlines of cortex-reads, which name single routes.
var headlines = []string{
	`sum(rate(cortex_request_duration_seconds_count{%[1]s, route=~"(prometheus|api_prom)_api_v1_query"}[1m]))`,
	`sum(rate(cortex_request_duration_seconds_count{%[1]s, route=~"(prometheus|api_prom)_api_v1_query_range"}[1m]))`,
}

// cortexRules are the recording rules of the mixin that these panels read.
const cortexRules = `groups:
- name: cortex_api_2
  rules:
  - {record: 'cluster_job_route:cortex_request_duration_seconds_bucket:sum_rate', expr: 'sum(rate(cortex_request_duration_seconds_bucket[1m])) by (le, cluster, job, route)'}
  - {record: 'cluster_job_route:cortex_request_duration_seconds_sum:sum_rate', expr: 'sum(rate(cortex_request_duration_seconds_sum[1m])) by (cluster, job, route)'}
  - {record: 'cluster_job_route:cortex_request_duration_seconds_count:sum_rate', expr: 'sum(rate(cortex_request_duration_seconds_count[1m])) by (cluster, job, route)'}
`

// TestCortexsOwnDashboards asks what Cortex's dashboards ask, of a Prometheus
// that has scraped nothing but a gateway.
func TestCortexsOwnDashboards(t *testing.T) {
	cortex := startStandIn(t, "127.0.0.1", 0)
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{cortex.url}, LogLevel: "error"})
	w := watch(t, g, "cortex/gateway", cortexRules)
	traffic := func() {
		for _, path := range []string{"/api/v1/push", "/api/prom/push"} {
			g.as("prometheus-a").call(t, http.MethodPost, path, "samples")
		}
		for _, prefix := range []string{"/prometheus", "/api/prom"} {
			for _, path := range []string{"query?query=up", "query_range?query=up&start=0&end=1&step=1", "labels", "label/job/values"} {
				g.as("reader-a").call(t, http.MethodGet, prefix+"/api/v1/"+path, "")
			}
		}
	}
	has := func(expr string) error {
		traffic()
		got, err := w.value(expr)
		if err != nil {
			return err
		}
		if len(got) == 0 {
			return fmt.Errorf("no data for %s", expr)
		}
		for series, value := range got {
			if value == "NaN" || value == "0" && !strings.Contains(series, "xx") {
				return fmt.Errorf("%s is %s for %s", series, value, expr)
			}
		}
		return nil
	}
	for dashboard, requests := range gatewayPanels {
		for question, expr := range gatewayQuestions {
			eventually(t, dashboard+" shows "+question, func() error { return has(fmt.Sprintf(expr, gatewayJob, requests)) })
		}
		status := fmt.Sprintf(gatewayQuestions["requests by status"], gatewayJob, requests)
		eventually(t, dashboard+" shows good answers", func() error {
			got, err := w.value(status)
			if good := got[`{status="2xx"}`]; err == nil && (good == "" || good == "0") {
				err = fmt.Errorf("requests by status are %v", got)
			}
			return err
		})
	}
	for _, expr := range headlines {
		eventually(t, "a headline of cortex-reads", func() error { return has(fmt.Sprintf(expr, gatewayJob)) })
	}
	eventually(t, "the dashboards find the gateway's build", func() error {
		got, err := w.value("cortex_build_info{" + gatewayJob + "}")
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("%v", got)
		}
		return err
	})
}
