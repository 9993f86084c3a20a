package proxy

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// TestAThousandConnectionsOfOneTenant are before an upstream of one host that never answers them: whatever is scarce, the
// connections of the host, the route's slots or the process's, every push and every query of another tenant finds one at
// once. That it does not depend on the first tenant is the proof of its latency: nothing of his ends before all of the
// other's have.
func TestAThousandConnectionsOfOneTenant(t *testing.T) {
	for _, c := range []struct {
		scarce, scope string
		connections   int   // of the host
		route         int   // max_in_flight
		process       int64 // limits.max_in_flight, and that of reads
		most          int64 // that he gets: the last sixty-fourth is not for him
	}{
		{"the host's connections", "write", 512, 0, 10_000, 504},
		{"the host's connections, three quarters of them", "read", 512, 0, 10_000, 378},
		{"the route's slots", "write", 2000, 200, 10_000, 197},
		{"the process's slots", "write", 2000, 0, 800, 788},
		{"the process's slots for reads", "read", 2000, 0, 800, 788},
	} {
		t.Run(c.scarce, func(t *testing.T) {
			answer := make(chan struct{})
			var holds atomic.Int64
			u := startScripted(t, holdingThose(answer, func(l *line) bool {
				if l.nonce != "many" {
					return false
				}
				holds.Add(1)
				return true
			}))
			pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections = c.connections }, u.addr)
			g := startPatient(t, testRoutes(pool, func(r *Route) {
				r.Timeout, r.ReadTimeout, r.MaxInFlight = patience, patience, c.route
			}))
			g.snapshot.Load().limits.QueueTimeout = time.Second
			g.writes.bound(c.process)
			g.reads.bound(c.process)
			var over atomic.Bool
			var all sync.WaitGroup
			for range 1000 {
				sender := g.caller(t)
				all.Go(func() {
					for !over.Load() { // a sender that is refused comes again
						sender.ask(requestOf(c.scope, "many", "samples"))
					}
				})
			}
			eventually(t, "he has all that he can have", func() bool { return holds.Load() >= c.most })
			other := g.caller(t)
			start := time.Now()
			for i := range 100 {
				if got := other.ask(strings.Replace(requestOf(c.scope, "few", "samples"), basicA, basicB, 1)); got.status != 200 {
					t.Fatalf("request %d of the other: %v: %s", i, got, got.body)
				}
			}
			t.Logf("a request of the other took %v", time.Since(start)/100)
			if n := holds.Load(); n != c.most {
				t.Errorf("he has %d, want %d", n, c.most)
			}
			over.Store(true)
			close(answer)
			all.Wait()
		})
	}
}
