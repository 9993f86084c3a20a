package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestDNS writes without a pause while the name of Cortex has two addresses,
// then one, then two again. The load is shared, follows the answer, and no
// write fails.
func TestDNS(t *testing.T) {
	const first, second = "127.0.0.1", "127.0.0.2"
	needHeadgate(t)
	needAddress(t, second)
	c := startCortex(t, cortexOptions{})
	port := freePort(t, first, second)
	one := startFront(t, first, port, c, "team-a")
	two := startFront(t, second, port, c, "team-a")
	names := startNameserver(t, "cortex.e2e.test", first, second)
	g := startHeadgate(t, gatewayOptions{
		Upstreams: []string{fmt.Sprintf("http://cortex.e2e.test:%d", port)}, DNS: names.addr,
	})

	writers := startWriters(t, g.as("prometheus-a"), 4)
	both := func(what string) {
		t.Helper()
		before1, before2 := one.requests.Load(), two.requests.Load()
		eventually(t, what, func() error {
			writers.check(t)
			n1, n2 := one.requests.Load()-before1, two.requests.Load()-before2
			// Round robin: half each, but for what is under way.
			if n1+n2 < 200 || n1 < 2*(n1+n2)/5 || n2 < 2*(n1+n2)/5 {
				return fmt.Errorf("%d requests to %s and %d to %s", n1, first, n2, second)
			}
			return nil
		})
	}

	both("both addresses have their half")

	names.answer(first)
	eventually(t, "the address that left is drained", func() error {
		if n := two.connections.Load(); n != 0 {
			return fmt.Errorf("%d connections to %s are open", n, second)
		}
		return nil
	})
	before1, before2 := one.requests.Load(), two.requests.Load()
	eventually(t, "the other address has it all", func() error {
		writers.check(t)
		if n := one.requests.Load() - before1; n < 200 {
			return fmt.Errorf("%d requests to %s", n, first)
		}
		return nil
	})
	if n := two.requests.Load() - before2; n != 0 {
		t.Errorf("%d requests to %s after it was drained", n, second)
	}

	names.answer(first, second)
	both("both addresses have their half again")

	written := writers.stop(t)
	if n := int(one.requests.Load() + two.requests.Load()); n != written {
		t.Errorf("%d requests reached Cortex for %d pushes", n, written)
	}
	eventually(t, "every accepted sample is in Cortex", func() error {
		held, err := g.reader("team-a").rawSamples()
		if err == nil && held != written {
			err = fmt.Errorf("%d accepted, %d in Cortex", written, held)
		}
		return err
	})
	for address, f := range map[string]*front{first: one, second: two} {
		if n := f.wrongTenant.Load(); n != 0 {
			t.Errorf("%d requests to %s did not have exactly one tenant, team-a", n, address)
		}
	}
}

// writers push one sample after the other until they are stopped.
type writers struct {
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu      sync.Mutex
	written int
	failure error // the first; its writer stops
}

// startWriters starts n of them, each with a series of its own.
func startWriters(t *testing.T, c caller, n int) *writers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{cancel: cancel}
	for i := range n {
		w.group.Go(func() { w.write(ctx, c, fmt.Sprint(i)) })
	}
	t.Cleanup(func() {
		cancel()
		w.group.Wait()
	})
	return w
}

// write pushes samples a millisecond apart, starting in the past so that their
// times never repeat however fast the pushes are.
func (w *writers) write(ctx context.Context, c caller, name string) {
	at := time.Now().Add(-30 * time.Minute)
	for ctx.Err() == nil {
		at = at.Add(time.Millisecond)
		err := c.push("dns_writes", name, at, 1)
		w.mu.Lock()
		if err == nil {
			w.written++
		} else if w.failure == nil {
			w.failure = err
		}
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// check ends the test if a push has failed.
func (w *writers) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure != nil {
		t.Fatalf("after %d accepted pushes: %v", w.written, w.failure)
	}
}

// stop ends the writers, fails the test if a push has failed, and returns how
// many were accepted.
func (w *writers) stop(t *testing.T) int {
	t.Helper()
	w.cancel()
	w.group.Wait()
	w.check(t)
	return w.written
}
