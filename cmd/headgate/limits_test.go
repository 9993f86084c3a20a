package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/admin"
)

// limited is a gateway before an upstream that holds everything, with the given [limits] and what else it needs.
func limited(t *testing.T, rest string) (*running, *upstream) {
	t.Helper()
	cortex := holding(t)
	return start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")+rest)), cortex
}

// statusOf reads /status.
func statusOf(t *testing.T, r *running) admin.Status {
	t.Helper()
	var status admin.Status
	if err := json.Unmarshal([]byte(request{method: "GET", url: r.adminURL("/status")}.must(t, newClient(t)).body), &status); err != nil {
		t.Fatal(err)
	}
	return status
}

// TestReadsAndPushesHaveSlotsOfTheirOwn fills those of the reads: a further one is refused, a push is not.
func TestReadsAndPushesHaveSlotsOfTheirOwn(t *testing.T) {
	r, cortex := limited(t, "[limits]\nmax_in_flight = 1\nmax_in_flight_reads = 1\nqueue_timeout = \"10ms\"\nmax_buffered = \"1MiB\"\n")
	read := heldRequest(t, r, cortex)
	client := newClient(t)
	second := request{method: "GET", url: r.url("/prometheus/api/v1/query?query=2"), user: "prometheus-a", password: "one"}
	if a := second.must(t, client); a.status != 429 || a.header.Get("X-Headgate-Reason") != "overloaded" || a.header.Get("Retry-After") == "" {
		t.Errorf("a second read: %d %q, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
	}
	push := request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}
	pushed := make(chan answer, 1)
	go func() {
		a, err := push.send(newClient(t))
		if err != nil {
			a.body = err.Error()
		}
		pushed <- a
	}()
	eventually(t, "the upstream has the push", func() bool { return len(cortex.seen()) == 2 })
	if a := push.must(t, client); a.status != 503 || a.header.Get("X-Headgate-Reason") != "overloaded" {
		t.Errorf("a second push: %d %q", a.status, a.body)
	}

	want := map[string]admin.Limit{
		"limits.max_in_flight":       {Used: 1, Limit: 1},
		"limits.max_in_flight_reads": {Used: 1, Limit: 1},
		"limits.max_buffered":        {Used: int64(len("samples")), Limit: 1 << 20},
	}
	for _, limit := range statusOf(t, r).Limits {
		if w, ok := want[limit.Key]; ok && (limit.Used != w.Used || limit.Limit != w.Limit) {
			t.Errorf("%s: %d of %d, want %d of %d", limit.Key, limit.Used, limit.Limit, w.Used, w.Limit)
		}
		delete(want, limit.Key)
	}
	for key := range want {
		t.Errorf("/status does not show %s", key)
	}
	if page := (request{method: "GET", url: r.adminURL("/")}).must(t, client).body; !strings.Contains(page, `max="1048576" high="838860" value="7"`) {
		t.Errorf("the page does not show the limits:\n%s", page)
	}

	// A reload changes them at once.
	r.write(gate(everything(cortex.URL) + tenant("team-a", "prometheus-a", "one") +
		"[limits]\nmax_in_flight_reads = 1\nqueue_timeout = \"0s\"\nreject_status_reads = 503\n"))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if a := second.must(t, client); a.status != 503 {
		t.Errorf("a second read, with reject_status_reads = 503: %d %q", a.status, a.body)
	}
	close(cortex.hold)
	for name, answers := range map[string]<-chan answer{"the read": read, "the push": pushed} {
		if a := <-answers; a.status != 200 {
			t.Errorf("%s that was under way: %d %q", name, a.status, a.body)
		}
	}
}

func TestARouteHasSlotsOfItsOwn(t *testing.T) {
	r, cortex := limited(t, "[limits]\nqueue_timeout = \"0s\"\n[[routes]]\npath = \"/prometheus/api/v1/query\"\nupstream = \"all\"\nmax_in_flight = 1\n")
	read := heldRequest(t, r, cortex)
	client := newClient(t)
	if a := (request{method: "GET", url: r.url("/prometheus/api/v1/query?query=2"), user: "prometheus-a", password: "one"}).must(t, client); a.status != 429 {
		t.Errorf("a second request to the route: %d %q", a.status, a.body)
	}
	other := make(chan answer, 1)
	go func() {
		a, _ := request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-a", password: "one"}.send(newClient(t))
		other <- a
	}()
	eventually(t, "another route is free", func() bool { return len(cortex.seen()) == 2 })
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
	for _, series := range []string{"headgate_route_admitted_requests{path=\"/prometheus/api/v1/query\",", "headgate_route_admitted_requests_limit{path=\"/prometheus/api/v1/query\","} {
		if !strings.Contains(metrics, series) {
			t.Errorf("the metrics have no %s", series)
		}
	}
	shown := false
	for _, route := range statusOf(t, r).Routes {
		shown = shown || route.Path == "/prometheus/api/v1/query" && route.MaxInFlight == 1
	}
	if !shown {
		t.Error("/status does not show the route's max_in_flight")
	}
	close(cortex.hold)
	<-read
	<-other
}

func TestWaitingForAnUpstreamConnectionEndsAfterTheQueueTimeout(t *testing.T) {
	cortex := holding(t)
	toml := gate("[upstreams.all]\nurl = \"" + cortex.URL + "\"\nmax_connections = 1\nidle_timeout = \"50ms\"\n" +
		tenant("team-a", "prometheus-a", "one") + "[limits]\nqueue_timeout = \"10ms\"\n")
	r := start(t, toml)
	read := heldRequest(t, r, cortex)
	a := request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "x"}.must(t, newClient(t))
	if a.status != 503 || a.header.Get("X-Headgate-Reason") != "no_connection" {
		t.Errorf("a push without a connection to be had: %d %q", a.status, a.body)
	}
	host := statusOf(t, r).Upstreams[0].Hosts[0]
	if host.Connections != 1 || host.MaxConnections != 1 {
		t.Errorf("/status shows %d of %d connections, want 1 of 1", host.Connections, host.MaxConnections)
	}
	close(cortex.hold)
	<-read
}

func TestTheMemoryLimitIsShownWithItsOrigin(t *testing.T) {
	r := start(t, gate(everything("http://127.0.0.1:1")))
	status := statusOf(t, r)
	want := findMemoryLimit(func(string) string { return "" })
	if status.MemoryLimit != (admin.MemoryLimit{Bytes: want.bytes, Origin: want.origin}) {
		t.Errorf("/status shows %+v, want %+v", status.MemoryLimit, want)
	}
	if !strings.Contains(r.log.String(), `"msg":"memory limit","bytes":`) {
		t.Error("the log does not name it")
	}
	config := request{method: "GET", url: r.adminURL("/config")}.must(t, newClient(t)).body
	for _, derived := range []string{"# limits.max_buffered is \"", "# server.max_connections is "} {
		if !strings.Contains(config, derived) {
			t.Errorf("/config has no %q", derived)
		}
	}
}

// TestHostsThatFailAreProbedAndPassedOver has two hosts, of which one fails its probes and is left out.
func TestHostsThatFailAreProbedAndPassedOver(t *testing.T) {
	var ill atomic.Bool
	ill.Store(true)
	var probed atomic.Int64
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			probed.Add(1)
			if r.Host != "cortex.test" {
				t.Errorf("a probe asks for host %q", r.Host)
			}
		}
		if ill.Load() {
			http.Error(w, "ill", http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(sick.Close)
	well := newUpstream(t)
	r := start(t, gate("[upstreams.all]\nurls = [\""+sick.URL+"\", \""+well.URL+"\"]\nhost = \"cortex.test\"\npolicy = \"least_conn\"\nidle_timeout = \"50ms\"\n"+
		"[upstreams.all.health]\npath = \"/ready\"\ninterval = \"100ms\"\nfall = 1\nrise = 1\n"+tenant("team-a", "prometheus-a", "one")))
	available := func() int {
		n := 0
		for _, h := range statusOf(t, r).Upstreams[0].Hosts {
			if h.Available {
				n++
			}
		}
		return n
	}
	eventually(t, "the sick host is passed over", func() bool { return available() == 1 })
	if got := statusOf(t, r).Upstreams[0].Policy; got != "least_conn" {
		t.Errorf("/status shows policy %q", got)
	}
	client := newClient(t)
	for range 20 {
		a := request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-a", password: "one"}.must(t, client)
		if a.status != 200 {
			t.Fatalf("a read went to the sick host: %d", a.status)
		}
	}
	ill.Store(false)
	eventually(t, "it is back", func() bool { return available() == 2 })
	if probed.Load() == 0 {
		t.Error("nobody probed it")
	}
}

// TestHealthUpstreams wants the pool of an upstream that no route uses as well.
func TestHealthUpstreams(t *testing.T) {
	r := start(t, strings.Replace(gate("[upstreams.own]\nurl = \"http://own.invalid\"\n[dns]\nservers = [\"127.0.0.1:1\"]\n"), "[admin]", "health_upstreams = [\"own\"]\n[admin]", 1))
	client := newClient(t)
	if a := (request{method: "GET", url: r.url("/healthz")}).must(t, client); a.status != 200 {
		t.Errorf("before ten seconds: %d %q", a.status, a.body)
	}
	if upstreams := statusOf(t, r).Upstreams; len(upstreams) != 1 || upstreams[0].Name != "own" {
		t.Errorf("/status shows %+v", upstreams)
	}
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, client); !strings.Contains(ready.body, "upstream own: no host is known") {
		t.Errorf("/ready: %q", ready.body)
	}
}
