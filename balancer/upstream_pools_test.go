package balancer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// shows wants each of the lines once among the series.
func shows(t *testing.T, set *metrics.Set, lines ...string) {
	t.Helper()
	got := text(set)
	for _, line := range lines {
		if strings.Count(got, line+"\n") != 1 {
			t.Errorf("want %q once in\n%s", line, got)
		}
	}
}

const (
	ofUpstream = `{upstream="distributor"} `
	ofFirst    = `{upstream="distributor",host="10.0.0.1:9009"} `
	ofSecond   = `{upstream="distributor",host="10.0.0.2:9009"} `
)

// TestHostsThatAreIllAndUsedAllTheSameAreShown: probes take out half of the hosts at most, so an upstream whose probes all
// fail has hosts to try and none that is healthy.
func TestHostsThatAreIllAndUsedAllTheSameAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		network.set("10.0.0.1:9009", "10.0.0.2:9009")
		set := metrics.NewSet()
		p := New(Options{
			Name: "distributor", Targets: literals(2), probe: network.probe, Metrics: NewMetrics(set),
			Health: Health{Path: "/ready", Interval: time.Second, Fall: 2, Rise: 2},
		}, nil)
		defer p.Close()
		shows(t, set, "headgate_upstream_hosts_healthy"+ofUpstream+"2", "headgate_upstream_host_healthy"+ofFirst+"1")
		time.Sleep(10 * time.Second)
		shows(t, set,
			"headgate_upstream_hosts"+ofUpstream+"2", "headgate_upstream_hosts_available"+ofUpstream+"1",
			"headgate_upstream_hosts_healthy"+ofUpstream+"0",
			"headgate_upstream_host_healthy"+ofFirst+"0", "headgate_upstream_host_healthy"+ofSecond+"0")
		network.set("10.0.0.2:9009")
		time.Sleep(10 * time.Second)
		shows(t, set, "headgate_upstream_hosts_healthy"+ofUpstream+"1",
			"headgate_upstream_host_healthy"+ofFirst+"1", "headgate_upstream_host_healthy"+ofSecond+"0")
	})
}

// TestPoolsOfOneUpstreamAreShownAsOne has a second pool, as routes with an idle_timeout of their own make it: each finds
// out for itself that a host fails.
func TestPoolsOfOneUpstreamAreShownAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := metrics.NewSet()
		o := Options{
			Name: "distributor", Targets: literals(2), Metrics: NewMetrics(set), MaxFails: 1, FailTimeout: time.Hour,
			MaxConnections: 10, probe: (&prober{}).probe,
		}
		shared := New(o, nil)
		defer shared.Close()
		o.IdleTimeout = time.Minute
		own := New(o, nil)
		defer own.Close()
		u := Upstream{shared, own}

		for _, h := range append(shared.Hosts(), own.Hosts()...) {
			h.Begin()
		}
		own.Hosts()[0].Begin()
		time.Sleep(time.Second)
		failed := time.Now()
		own.Hosts()[0].Failed()
		time.Sleep(time.Second)
		shared.Hosts()[0].Failed()

		addresses := u.Addresses()
		if len(addresses) != 2 || addresses[0].String() != "10.0.0.1:9009" || addresses[1].String() != "10.0.0.2:9009" {
			t.Fatalf("the addresses are %v", addresses)
		}
		if c := addresses[0].Condition(); c != (Condition{PassedOver: true, Cause: failingCause, Since: failed}) {
			t.Errorf("a host that fails in both pools: %+v", c)
		}
		if c := addresses[1].Condition(); c != (Condition{}) {
			t.Errorf("a host that is well in both pools: %+v", c)
		}
		if n := addresses[0].InFlight(); n != 3 {
			t.Errorf("%d requests in flight, want 3", n)
		}
		if _, _, most := addresses[0].Connections(); most != 20 {
			t.Errorf("%d connections at most, want those of both pools", most)
		}
		if n := addresses[0].Traffic().Requests; n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
		shows(t, set,
			"headgate_upstream_hosts"+ofUpstream+"2", "headgate_upstream_hosts_available"+ofUpstream+"1",
			"headgate_upstream_host_in_flight"+ofFirst+"3", "headgate_upstream_host_max_connections"+ofFirst+"20")

		// The pool that few use is the one that finds the second host gone as well.
		if since := u.UnhealthySince(); !since.IsZero() {
			t.Errorf("unhealthy since %v with a healthy host in each pool", since)
		}
		gone := time.Now()
		own.Hosts()[1].Failed()
		if since := u.UnhealthySince(); !since.Equal(gone) {
			t.Errorf("unhealthy since %v, want %v", since, gone)
		}
		shows(t, set, "headgate_upstream_hosts_available"+ofUpstream+"0", "headgate_upstream_hosts_healthy"+ofUpstream+"0",
			"headgate_upstream_host_available"+ofSecond+"0")
	})
}

// TestAPoolThatFoundNoHostIsTheUpstreams: the names of one pool were answered, those of the other were not.
func TestAPoolThatFoundNoHostIsTheUpstreams(t *testing.T) {
	set := metrics.NewSet()
	balancing := NewMetrics(set)
	target := []Target{{Name, "a.test", 9009}}
	answering := &scriptedResolver{ips: map[string][]string{"a.test": {"10.0.0.1"}}}
	failing := &scriptedResolver{fails: map[string]error{"a.test": errDNS}}
	known, r := steppedPool(t, Options{Name: "distributor", Targets: target, Resolver: answering, Metrics: balancing}, nil)
	r.first()
	lost, s := steppedPool(t, Options{Name: "distributor", Targets: target, Resolver: failing, Metrics: balancing}, nil)
	s.first()
	u := Upstream{known, lost}
	if ok, at := u.Resolved(); ok || !at.IsZero() || u.ResolveError() == nil {
		t.Errorf("resolved %v at %v, error %v", ok, at, u.ResolveError())
	}
	if u.UnhealthySince().IsZero() {
		t.Error("the upstream is healthy though one of its pools has no host")
	}
	shows(t, set, "headgate_upstream_hosts"+ofUpstream+"1", "headgate_upstream_hosts_available"+ofUpstream+"0",
		"headgate_upstream_dns_resolved_timestamp_seconds"+ofUpstream+"0", "headgate_upstream_host_available"+ofFirst+"1")
}
