package proxy

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// TestAHostThatHangsCostsFewPushes: one host of three takes connections and hangs. Senders that do not wait for each other
// come to it once for each connect that found it, and to none of them more than that; when it is well again it gets its
// share.
func TestAHostThatHangsCostsFewPushes(t *testing.T) {
	t.Parallel()
	var well atomic.Bool
	hangs := startScripted(t, func(l *line) {
		for l.request() && well.Load() {
			l.say(answerOK)
		}
		l.hang()
	})
	one, two := startScripted(t, healthy), startScripted(t, healthy)
	// On a machine with much else to do the others may be late now and then, but not that often in a row.
	pool := testPoolWith(t, func(o *balancer.Options) { o.FailTimeout, o.MaxFails = short, 20 }, hangs.addr, one.addr, two.addr)
	host := hostAt(t, pool, hangs.addr)
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = patience, ample }))

	const senders = 64
	var stopped atomic.Bool
	var sent atomic.Int64
	var group sync.WaitGroup
	defer group.Wait()
	defer stopped.Store(true)
	for range senders {
		c := g.caller(t)
		group.Go(func() {
			for !stopped.Load() {
				if got := c.ask(requestOf("write", fmt.Sprint(sent.Add(1)), "samples")); got.status != 200 {
					t.Errorf("a push: %v: %s", got, got.body)
					return
				}
				time.Sleep(time.Millisecond) // the machine has to do the other tests, too
			}
		})
	}
	eventually(t, "the host is passed over, and nobody waits for it", func() bool { return !host.Available() && host.InFlight() == 0 })
	tries, opened := hangs.seen.Load(), hangs.opened.Load()
	const rounds = 5
	eventually(t, "the host has been tried a few times", func() bool { return hangs.seen.Load() >= tries+rounds })
	tries, opened = hangs.seen.Load()-tries, hangs.opened.Load()-opened
	// Each try has a connection of its own, and so has the probe before it.
	if 2*tries > opened+2 {
		t.Errorf("%d pushes came to the host over %d connections, probes among them: want one for each probe", tries, opened)
	}
	well.Store(true)
	eventually(t, "the host is back", host.Available)
	share := hangs.seen.Load()
	eventually(t, "the host has its share", func() bool { return hangs.seen.Load() >= share+10*senders })
}

// hostAt is the host of a pool with an address.
func hostAt(t *testing.T, pool *balancer.Pool, addr string) *balancer.Host {
	t.Helper()
	for _, h := range pool.Hosts() {
		if h.Addr() == addr {
			return h
		}
	}
	t.Fatalf("the pool has no host %s", addr)
	return nil
}
