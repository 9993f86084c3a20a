package proxy

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// TestARequestThatIsRefusedCostsNone: a request for which there is no slot is not counted against the rates of its tenant.
func TestARequestThatIsRefusedCostsNone(t *testing.T) {
	for _, c := range []struct {
		scope authcache.Scope
		slots func(*exchange) *slots
	}{
		{authcache.Write, func(x *exchange) *slots { return &x.proxy.shares.tenants.enter("team-a").inFlight }},
		{authcache.Write, func(x *exchange) *slots { return x.route.slots }},
		{authcache.Write, func(x *exchange) *slots { return &x.proxy.writes }},
		{authcache.Read, func(x *exchange) *slots { return &x.proxy.reads }},
		{authcache.Read, func(x *exchange) *slots { return &x.route.lane.reads }},
		{authcache.Read, func(x *exchange) *slots { return &x.route.lane.both }},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := New(Options{Shares: NewShares()})
			p.shares.Limit("team-a", &TenantLimits{RequestsPerSecond: 0.001, BytesPerSecond: 10, MaxInFlight: 2})
			pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.MaxFails = 2, 0 }, "127.0.0.1:1")
			defer pool.Close()
			r := &route{Route: Route{Scope: c.scope, Pool: pool}, slots: new(slots), lane: new(slowLane)}
			p.writes.bound(2)
			p.reads.bound(2)
			r.slots.bound(2)
			ask := func() *failure {
				x := newArrival(p, r, "team-a")
				x.head.Length = 1000
				f := x.admit()
				if f != nil {
					x.returnRequest()
					x.leave()
				}
				return f
			}
			scarce := c.slots(newArrival(p, r, "team-a"))
			scarce.bound(2)
			taken := scarce.fill(t, "team-b", 2)
			for range 3 {
				if f := ask(); f == nil {
					t.Fatal("admitted without a slot")
				} else if f.after > 0 {
					t.Fatalf("refused by a rate, %v", f.detail)
				}
			}
			for _, slot := range taken {
				slot.free()
			}
			if f := ask(); f != nil {
				t.Errorf("the first with a slot: %s, %s", f.Reason, f.detail)
			}
			if f := ask(); f == nil || f.after == 0 {
				t.Errorf("the second with a slot: %v, want to be refused by a rate", f)
			}
		})
	}
}

// TestAPushWithoutAConnectionCostsNoRequest: neither is one for which the upstream has no connection.
func TestAPushWithoutAConnectionCostsNoRequest(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	u := startScripted(t, holding(answer))
	shares := NewShares()
	shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 0.001})
	set := metrics.NewSet()
	pool := testPoolWith(t, func(o *balancer.Options) {
		crowded(short)(o)
		o.Metrics = balancer.NewMetrics(set)
	}, u.addr)
	routes := testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = patience, patience })
	g := startGatewayWith(t, routes, Options{HeaderTimeout: patience, IdleTimeout: patience, MaxHeaderSize: 16 << 10, Shares: shares})
	held := make(chan reply)
	c := g.caller(t)
	go func() { held <- c.ask(pushOf(basicB, "held")) }()
	eventually(t, "the connection is in use", func() bool { return u.seen.Load() == 1 })
	for range 2 {
		if got := g.ask(t, push("samples")); got.reason != "no_connection" {
			t.Errorf("without a connection: %v: %s", got, got.body)
		}
	}
	var text bytes.Buffer
	set.WritePrometheus(&text)
	if want := "headgate_upstream_host_no_connection_total{upstream=\"test\",host=\"" + u.addr + "\"} 2\n"; !strings.Contains(text.String(), want) {
		t.Errorf("the metrics have no %s", want)
	}
	close(answer)
	<-held
	eventually(t, "the connection is free", func() bool { return g.InFlight() == 0 })
	for i, want := range []string{"", "tenant_limited"} {
		if got := g.ask(t, push("samples")); got.reason != want {
			t.Errorf("push %d with a connection: %v: %s", i, got, got.body)
		}
	}
}

// TestAPushWithoutAHostCostsNoRequest: nor one that nobody is there to take.
func TestAPushWithoutAHostCostsNoRequest(t *testing.T) {
	t.Parallel()
	shares := NewShares()
	shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 0.001})
	routes := testRoutes(testPoolWith(t, nil), func(r *Route) { r.Timeout, r.ReadTimeout = patience, patience })
	g := startGatewayWith(t, routes, Options{HeaderTimeout: patience, IdleTimeout: patience, MaxHeaderSize: 16 << 10, Shares: shares})
	for i := range 3 {
		if got := g.ask(t, push("samples")); got.reason != noHost.Reason {
			t.Errorf("push %d: %v: %s", i, got, got.body)
		}
	}
}

// TestAWaitForARateHoldsNoSlot: who waits for a rate of its own is in nobody's way.
func TestAWaitForARateHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Shares: NewShares()})
		p.shares.Limit("team-a", &TenantLimits{RequestsPerSecond: 1, MaxInFlight: 5})
		p.writes.bound(5)
		r := &route{slots: new(slots)}
		r.slots.bound(5)
		newArrival(p, r, "team-a").admit()
		x := newArrival(p, r, "team-a")
		x.snapshot.limits.QueueTimeout = 2 * time.Second
		start := time.Now()
		admitted := make(chan *failure)
		go func() { admitted <- x.admit() }()
		synctest.Wait()
		share, _ := p.shares.tenants.find("team-a")
		for i, s := range []*slots{&share.inFlight, r.slots, &p.writes} {
			if used := s.used.Load(); used != 1 {
				t.Errorf("%d slots of %d are taken, want that of the first request", used, i)
			}
		}
		if f := <-admitted; f != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want to be admitted after a second", f, time.Since(start))
		}
	})
}
