package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// TestReadsLeaveConnectionsToPushes: queries that hang take three of an upstream's four connections, one more is told to
// come again, and pushes pass.
func TestReadsLeaveConnectionsToPushes(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	u := startScripted(t, holdingThose(answer, isQuery))
	pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.QueueTimeout = 4, short }, u.addr)
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = patience, patience }))
	held := make(chan reply)
	for range 3 {
		c := g.caller(t)
		go func() { held <- c.ask(query) }()
	}
	eventually(t, "three queries hang", func() bool { return u.seen.Load() == 3 })
	if got := g.ask(t, query); got.status != 503 || got.reason != "no_connection" {
		t.Errorf("a fourth query: %v: %s", got, got.body)
	}
	for range 5 {
		if got := g.ask(t, push("samples")); got.status != 200 {
			t.Errorf("a push: %v: %s", got, got.body)
		}
		eventually(t, "its connection is free again", func() bool { return g.InFlight() == 3 })
	}
	close(answer)
	for range 3 {
		if got := <-held; got.status != 200 {
			t.Errorf("a query that hung: %v: %s", got, got.body)
		}
	}
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
	g.wantNobodyInLane(t)
}

// wantNobodyInLane wants every slot of the slow lanes to be free.
func (g *gateway) wantNobodyInLane(t *testing.T) {
	t.Helper()
	for _, r := range g.snapshot.Load().routes.all {
		for _, s := range []*slots{&r.lane.reads, &r.lane.bodies, &r.lane.both} {
			if n := s.used.Load(); n != 0 {
				t.Errorf("%s: %d slots of the slow lane were not given back", r.Path, n)
			}
		}
	}
}

// TestBodiesThatDoNotComeLeaveConnectionsToPushes: clients that announce large bodies and send only the beginning of them
// take three of an upstream's four connections, a further one is told to come again, and pushes that are whole pass.
func TestBodiesThatDoNotComeLeaveConnectionsToPushes(t *testing.T) {
	t.Parallel()
	for name, framed := range map[string]func(string) string{"with a length": nil, "in chunks": inChunks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, healthy)
			pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.QueueTimeout = 4, short }, u.addr)
			g := startPatient(t, testRoutes(pool, func(r *Route) {
				r.Timeout, r.ReadTimeout, r.BodyTimeout = patience, patience, patience
				r.RetryBodySize = smallBody // so that chunks are not waited for
			}))
			raw := requestOf("write", "n", strings.Repeat("x", 200_000))
			if framed != nil {
				raw = framed(raw)
			}
			half := len(raw) / 2
			var slow []*caller
			for range 3 {
				c := g.caller(t)
				io.WriteString(c, raw[:half]) //nolint:errcheck // the upstream tells
				slow = append(slow, c)
			}
			eventually(t, "three bodies are on their way", func() bool { return u.seen.Load() == 3 })
			c := g.caller(t)
			io.WriteString(c, raw[:half]) //nolint:errcheck // the answer tells
			if got := c.read("POST"); got.status != 503 || got.reason != "no_connection" {
				t.Errorf("a fourth body: %v: %s", got, got.body)
			}
			for range 5 {
				if got := g.ask(t, push("samples")); got.status != 200 {
					t.Errorf("a push: %v: %s", got, got.body)
				}
				eventually(t, "its connection is free again", func() bool { return g.InFlight() == 3 })
			}
			for _, c := range slow {
				if got := c.ask(raw[half:]); got.status != 200 {
					t.Errorf("a slow body: %v: %s", got, got.body)
				}
			}
			eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
			g.wantNobodyInLane(t)
		})
	}
}

// TestABodyThatHasComeIsInNobodysWay: while it waits for its answer it is as good as a small one.
func TestABodyThatHasComeIsInNobodysWay(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	u := startScripted(t, holding(answer))
	pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.QueueTimeout = 4, short }, u.addr)
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = patience, patience }))
	got := make(chan reply)
	for n := range 4 {
		c := g.caller(t)
		go func() { got <- c.ask(requestOf("write", fmt.Sprint(n), bodies["medium"])) }()
		eventually(t, "the body has come", func() bool {
			return u.seen.Load() == int64(n+1) && g.snapshot.Load().routes.all[0].lane.both.used.Load() == 0
		})
	}
	close(answer)
	for range 4 {
		if got := <-got; got.status != 200 {
			t.Errorf("a large push: %v: %s", got, got.body)
		}
	}
}

// TestSlowLane: what is left for others, however many connections there are.
func TestSlowLane(t *testing.T) {
	for _, c := range []struct{ connections, each, both int64 }{
		{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}, {4, 3, 3}, {8, 6, 7}, {16, 12, 14}, {512, 384, 448}, {1536, 1152, 1344},
	} {
		var l slowLane
		l.fit(int(c.connections))
		if reads, bodies, both := l.reads.limit.Load(), l.bodies.limit.Load(), l.both.limit.Load(); reads != c.each || bodies != c.each || both != c.both {
			t.Errorf("of %d connections: %d for reads, %d for bodies, %d for both; want %d, %d, %d",
				c.connections, reads, bodies, both, c.each, c.each, c.both)
		}
	}
}

// TestAHostThatIsPassedOverHasNoConnectionsToShare: what reads may have follows from those that can be used.
func TestAHostThatIsPassedOverHasNoConnectionsToShare(t *testing.T) {
	pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.MaxFails, o.FailTimeout = 8, 1, time.Hour }, "127.0.0.1:1", "127.0.0.1:2")
	for i, want := range []int{16, 8, 16} {
		if got := pool.MaxConnections(); got != want {
			t.Errorf("with %d of two hosts passed over, %d connections; want %d", i, got, want)
		}
		if i < 2 {
			pool.Hosts()[i].Failed()
		}
	}
}

// TestReadsHaveAnUpstreamOfTheirOwnToThemselves: where nothing but reads goes, nothing is kept from them.
func TestReadsHaveAnUpstreamOfTheirOwnToThemselves(t *testing.T) {
	writes, reads := testPool(t, "127.0.0.1:1"), testPool(t, "127.0.0.1:2")
	table, err := newRouteTable(testRoutes(writes, func(r *Route) {
		if r.Path == "/prometheus" {
			r.Pool = reads
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.all {
		if got, want := r.lane != nil, r.Pool == writes; got != want {
			t.Errorf("%v %s: connections are kept from it: %v, want %v", r.Methods, r.Path, got, want)
		}
	}
}
