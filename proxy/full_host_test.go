package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// crowded makes a pool of hosts with room for one request each, for which it is waited that long.
func crowded(queue time.Duration) func(*balancer.Options) {
	return func(o *balancer.Options) { o.MaxConnections, o.QueueTimeout = 1, queue }
}

// holding answers the requests of a connection when the test says so.
func holding(answer <-chan struct{}) func(*line) {
	return holdingThose(answer, func(*line) bool { return true })
}

// holdingThose answers some requests when the test says so, and the others at once.
func holdingThose(answer <-chan struct{}, held func(*line) bool) func(*line) {
	return func(l *line) {
		for l.request() {
			if held(l) {
				select {
				case <-answer:
				case <-l.up.over:
					return
				}
			}
			l.say(answerOK)
		}
	}
}

// isQuery is for holdingThose.
func isQuery(l *line) bool { return strings.HasPrefix(l.requestLine, "GET ") }

// TestAFullHostIsNoReasonToRefuse: all connections of one host are in use. Whatever comes goes to the other at once, though
// no further attempt is allowed, and nobody holds it against the full one.
func TestAFullHostIsNoReasonToRefuse(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"write", "read", "rules"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			answer := make(chan struct{})
			slow, quick := startScripted(t, holding(answer)), startScripted(t, healthy)
			pool := testPoolWith(t, crowded(patience), slow.addr, quick.addr)
			g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout, r.Retries = patience, patience, 0 }))
			g.snapshot.Load().limits.QueueTimeout = patience
			held := make(chan reply)
			for slow.seen.Load() == 0 { // round robin comes to the slow one soon
				first := g.caller(t)
				go func() { held <- first.ask(requestOf(scope, "held", "samples")) }()
				eventually(t, "a host has the request", func() bool { return slow.seen.Load()+quick.seen.Load() > 0 })
				if slow.seen.Load() == 0 {
					<-held
					quick.seen.Store(0)
				}
			}
			others := g.caller(t)
			for range 20 {
				if got := others.ask(requestOf(scope, "n", "samples")); got.status != 200 {
					t.Fatalf("client got %v: %s", got, got.body)
				}
			}
			if n := slow.seen.Load(); n != 1 {
				t.Errorf("the full host has seen %d requests, want the one that it holds", n)
			}
			for _, h := range pool.Hosts() {
				if !h.Available() {
					t.Errorf("%s is passed over", h)
				}
			}
			close(answer)
			if got := <-held; got.status != 200 {
				t.Errorf("who held the connection got %v", got)
			}
		})
	}
}

// TestAllHostsFullAreWaitedForOnce: with every connection in use a request waits for one queue_timeout, not for one at
// each host, and is told so.
func TestAllHostsFullAreWaitedForOnce(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	defer close(answer)
	a, b := startScripted(t, holding(answer)), startScripted(t, holding(answer))
	g := startPatient(t, testRoutes(testPoolWith(t, crowded(short), a.addr, b.addr), func(r *Route) { r.Timeout, r.ReadTimeout = patience, patience }))
	g.snapshot.Load().limits.QueueTimeout = short
	for range 2 {
		c := g.caller(t)
		go c.ask(requestOf("write", "held", "samples"))
	}
	eventually(t, "both hosts are busy", func() bool { return a.seen.Load() == 1 && b.seen.Load() == 1 })
	for _, scope := range []string{"write", "read"} {
		if got := g.ask(t, requestOf(scope, "n", "samples")); got.status != 503 || got.reason != "no_connection" {
			t.Errorf("%s: client got %v: %s", scope, got, got.body)
		}
	}
	if a.seen.Load() != 1 || b.seen.Load() != 1 {
		t.Error("a host that was full was sent a request")
	}
}

// TestOneQueueTimeoutForAllQueues: memory, the tenant's slots, the route's and the process's become free one after the
// other; who waits for them waits for one queue_timeout altogether.
func TestOneQueueTimeoutForAllQueues(t *testing.T) {
	for _, c := range []struct {
		name  string
		later [3]time.Duration // when memory, a slot of the route and one of the process become free
		want  time.Duration    // that it waits; a second: refused
	}{
		{"in time", [...]time.Duration{300 * time.Millisecond, 500 * time.Millisecond, 900 * time.Millisecond}, 900 * time.Millisecond},
		{"the last too late", [...]time.Duration{300 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}, time.Second},
		{"the second too late", [...]time.Duration{900 * time.Millisecond, 1800 * time.Millisecond, 0}, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{Shares: NewShares(), MemoryLimit: 100})
				start := time.Now()
				p.memory.inUse = func() int64 {
					if time.Since(start) < c.later[0] {
						return 100
					}
					return 0
				}
				p.writes.bound(1)
				r := &route{Route: Route{Scope: authcache.Write}, slots: new(slots)}
				r.slots.bound(1)
				for i, s := range []*slots{r.slots, &p.writes} {
					taken := s.fill(t, "team-b", 1)
					go func() {
						time.Sleep(c.later[i+1])
						taken[0].free()
					}()
				}
				x := newArrival(p, r, "team-a")
				x.snapshot.limits.QueueTimeout = time.Second
				f := x.admit()
				waited := time.Since(start)
				if (f != nil) != (c.want == time.Second) || waited < c.want || waited > c.want+memoryRetry {
					t.Errorf("admitted %v after %v, want %v", f == nil, waited, c.want)
				}
				time.Sleep(2 * time.Second) // for those that free the slots
			})
		})
	}
}
