package main

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/admin"
)

// TestAHostIsShownAsEveryPoolFindsIt: a route with an idle_timeout has connections of its own, to the same hosts. Whichever
// of the two has the requests, /status, /ready and the metrics tell of them, and of a host that is gone.
func TestAHostIsShownAsEveryPoolFindsIt(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+"max_fails = 1\n[[routes]]\npath = \"/prometheus/api/v1/query\"\nupstream = \"all\"\nidle_timeout = \"75ms\"\n"+
		tenant("team-a", "prometheus-a", "one")))
	client := newClient(t)
	query := request{method: "GET", url: r.url("/prometheus/api/v1/query?query=up"), user: "prometheus-a", password: "one"}
	push := request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}
	for _, each := range []request{query, query, push} {
		if a := each.must(t, client); a.status != 200 {
			t.Fatalf("%s: %d %q", each.url, a.status, a.body)
		}
	}
	eventually(t, "all three are counted for the host", func() bool { return statusOf(t, r).Upstreams[0].Hosts[0].Requests == 3 })
	status := statusOf(t, r)
	if len(status.Upstreams) != 1 || len(status.Upstreams[0].Hosts) != 1 {
		t.Fatalf("the upstreams are %+v", status.Upstreams)
	}
	if host := status.Upstreams[0].Hosts[0]; host.State != admin.HostUp || host.MaxConnections != 1024 {
		t.Errorf("the host is %+v, want it up with the connections of both pools", host)
	}

	// Only the route with its own connections finds out that nobody is there any more.
	cortex.end()
	if a := query.must(t, client); a.status != 503 {
		t.Fatalf("without Cortex: %d %q", a.status, a.body)
	}
	if host := statusOf(t, r).Upstreams[0].Hosts[0]; host.State != admin.HostPassedOver {
		t.Errorf("the host is %+v, want it passed over", host)
	}
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, client).body; !strings.Contains(ready, "upstream all: no host is healthy") {
		t.Errorf("/ready says %q", ready)
	}
	page := request{method: "GET", url: r.adminURL("/")}.must(t, client).body
	if !strings.Contains(page, "no host of all is up") {
		t.Errorf("the page does not say that no host is up:\n%s", page)
	}
	shown := metricsOf(t, r)
	for _, want := range []string{"headgate_upstream_hosts_available", "headgate_upstream_hosts_healthy"} {
		if !strings.Contains(shown, want+`{upstream="all"} 0`+"\n") {
			t.Errorf("%s is not 0", want)
		}
	}
}
