package proxy

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/balancer"
)

// TestRequestsAreCountedByRouteAndOrigin: who gave the answer, and whether it was whole, tells apart what the operator of
// the gateway has to look at from what the operator of Cortex has to.
func TestRequestsAreCountedByRouteAndOrigin(t *testing.T) {
	t.Parallel()
	up := startRecorder(t, func(r *received) string {
		switch {
		case strings.Contains(r.line, "cut"):
			return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900000\r\n\r\nonly so much"
		case strings.Contains(r.line, "bad"):
			return "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n"
		}
		return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	})
	g := startGateway(t, testRoutes(testPool(t, up.addr), nil))
	g.ask(t, push("123"))
	g.ask(t, strings.Replace(push("123"), basicA, "Basic bm9ib2R5OndhdA==", 1))
	g.ask(t, query)
	g.ask(t, strings.Replace(query, "query=up", "query=bad", 1))
	g.ask(t, strings.Replace(query, "query=up", "query=cut", 1))
	g.ask(t, strings.Replace(query, "/prometheus/", "/nowhere/", 1))
	g.ask(t, "GET /healthz HTTP/1.1\r\nHost: gw.test\r\n\r\n")
	g.finished(t)
	want := `{route="api_v1_push",scope="write",status="2xx",origin="upstream"} 1
{route="api_v1_push",scope="write",status="4xx",origin="headgate"} 1
{route="other",scope="none",status="2xx",origin="headgate"} 1
{route="other",scope="none",status="4xx",origin="headgate"} 1
{route="prometheus",scope="read",status="2xx",origin="upstream"} 1
{route="prometheus",scope="read",status="4xx",origin="upstream"} 1
{route="prometheus",scope="read",status="cut",origin="headgate"} 1
`
	if got := g.shown("headgate_requests_total"); got != want {
		t.Errorf("requests are\n%s\nwant\n%s", got, want)
	}
	want = `{reason="no_route",origin="headgate",scope="none"} 1
{reason="status_422",origin="upstream",scope="read"} 1
{reason="unauthorized",origin="headgate",scope="write"} 1
{reason="upstream_closed",origin="headgate",scope="read"} 1
`
	if got := sorted(g.shown("headgate_refusals_total")); got != want {
		t.Errorf("refusals are\n%s\nwant\n%s", got, want)
	}
	// To Cortex's dashboards it is all one.
	want = `{method="GET",route="other",status_code="200",ws="false"} 1
{method="GET",route="other",status_code="404",ws="false"} 1
{method="GET",route="prometheus",status_code="200",ws="false"} 2
{method="GET",route="prometheus",status_code="422",ws="false"} 1
{method="POST",route="api_v1_push",status_code="200",ws="false"} 1
{method="POST",route="api_v1_push",status_code="401",ws="false"} 1
`
	if got := sorted(g.shown("cortex_request_duration_seconds_count")); got != want {
		t.Errorf("durations are counted\n%s\nwant\n%s", got, want)
	}
	for _, r := range g.Traffic().Routes {
		if r.Route == "prometheus" && (r.Requests != 3 || r.Failed != 1 || r.Refused != 1 || r.Time <= 0) {
			t.Errorf("Traffic tells %+v", r)
		}
	}
}

func sorted(lines string) string {
	all := strings.SplitAfter(lines, "\n")
	all = all[:len(all)-1]
	for i := range all {
		for k := i; k > 0 && all[k] < all[k-1]; k-- {
			all[k], all[k-1] = all[k-1], all[k]
		}
	}
	return strings.Join(all, "")
}

// TestSeriesAreThereBeforeTheirFirstRequest: else the first of anything would be no increase.
func TestSeriesAreThereBeforeTheirFirstRequest(t *testing.T) {
	t.Parallel()
	g := startGateway(t, testRoutes(testPool(t, "127.0.0.1:1"), nil))
	for _, series := range []string{
		`headgate_requests_total{route="api_v1_push",scope="write",status="4xx",origin="headgate"}`,
		`headgate_requests_total{route="api_v1_push",scope="write",status="5xx",origin="upstream"}`,
		`headgate_requests_total{route="api_v1_rules_namespace_groupname",scope="rules",status="cut",origin="headgate"}`,
		`headgate_requests_total{route="other",scope="none",status="4xx",origin="headgate"}`,
		`headgate_refusals_total{reason="scope_missing",origin="headgate",scope="write"}`,
		`headgate_refusals_total{reason="status_400",origin="upstream",scope="write"}`,
		`cortex_request_duration_seconds_count{method="POST",route="api_v1_push",status_code="200",ws="false"}`,
		`cortex_request_duration_seconds_count{method="POST",route="api_v1_push",status_code="401",ws="false"}`,
		`cortex_request_duration_seconds_count{method="GET",route="prometheus",status_code="200",ws="false"}`,
	} {
		if got := g.metric(series); got != "0" {
			t.Errorf("%s is %q, want 0", series, got)
		}
	}
}

// TestHostsAreCounted: one row for each way in which an attempt ends.
func TestHostsAreCounted(t *testing.T) {
	t.Parallel()
	answering := func(answer string) func(*testing.T) string {
		return func(t *testing.T) string { return startRecorder(t, func(*received) string { return answer }).addr }
	}
	for name, tc := range map[string]struct {
		host  func(*testing.T) string
		raw   string
		want  string
		again bool // the request is tried twice
	}{
		"answered":      {answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), query, "", false},
		"connect":       {refusing, query, "connect", true},
		"closed":        {closing, push("1"), "closed", true},
		"status_5xx":    {answering("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), query, "status_5xx", false},
		"unavailable":   {answering("HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n"), push("1"), "status_5xx", true},
		"wrong_machine": {answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), push("1"), "wrong_machine", true},
		"bad_answer":    {answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nless"), query, "bad_answer", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, target, err := balancer.ParseURL("http://" + tc.host(t))
			if err != nil {
				t.Fatal(err)
			}
			set := metrics.NewSet()
			pool := balancer.New(balancer.Options{
				Name: "test", Targets: []balancer.Target{target}, ConnectTimeout: patience, Metrics: balancer.NewMetrics(set),
			}, nil)
			t.Cleanup(pool.Close)
			g := startGateway(t, testRoutes(pool, func(r *Route) { r.Retries = 1 }))
			g.ask(t, tc.raw)
			g.finished(t)
			traffic := balancer.Address(pool.Hosts()).Traffic()
			attempts, errors, answers := uint64(1), uint64(1), uint64(0)
			switch {
			case tc.want == "":
				errors, answers = 0, 1
			case tc.again:
				attempts, errors = 2, 2
			case tc.want == "status_5xx":
				answers = 1
			}
			if traffic.Requests != attempts || traffic.Errors != errors || traffic.Repeats != attempts-1 || traffic.Answers != answers {
				t.Errorf("%+v, want %d requests, %d errors, %d answers", traffic, attempts, errors, answers)
			}
			g.set = set
			labels := fmt.Sprintf("{upstream=\"test\",host=%q,kind=%q} %d\n", pool.Hosts()[0], tc.want, errors)
			if errors == 0 {
				labels = ""
			}
			if got := g.shown("headgate_upstream_host_errors_total"); got != labels {
				t.Errorf("the errors are\n%s\nwant\n%s", got, labels)
			}
		})
	}
}

// refusing is an address where nobody listens.
func refusing(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// closing is the address of somebody who listens to a request and says nothing.
func closing(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 64<<10)) //nolint:errcheck // whatever it was
			c.Close()
		}
	}()
	return ln.Addr().String()
}
