package proxy

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// hosts starts so many hosts with a fault and gives their addresses.
func (f *fault) hosts(t testing.TB, w wiring, n int) (addrs []string, upstreams []*scripted) {
	for range n {
		if f.play == nil {
			addrs = append(addrs, startRefusing(t))
			continue
		}
		u := w.start(t, f.play)
		addrs, upstreams = append(addrs, u.addr), append(upstreams, u)
	}
	return addrs, upstreams
}

// readTimeout is the routes' where every host has the fault.
func (f *fault) readTimeout() time.Duration {
	if f.slow {
		return 250 * time.Millisecond
	}
	return patience
}

// TestFaults shows every fault to every scope, all three hosts having it: what the client sees, and how often the hosts
// were asked.
func TestFaults(t *testing.T) {
	t.Parallel()
	wired := wirings(t)
	for _, f := range append(faults(), harmlessFaults()...) {
		for scope, expected := range map[string]want{"write": f.write, "read": f.read, "rules": f.rules} {
			for size, body := range bodies {
				for _, w := range wired {
					t.Run(f.name+"/"+scope+"/"+size+"/"+w.name, func(t *testing.T) {
						t.Parallel()
						f.show(t, w, requestOf(scope, "n", body), expected)
					})
				}
			}
		}
	}
}

// bodies are one that is read whole before a host is asked, and one that is kept while it is sent.
var bodies = map[string]string{"small": "samples", "medium": strings.Repeat("x", 300<<10)}

func (f *fault) show(t *testing.T, w wiring, raw string, expected want) {
	addrs, upstreams := f.hosts(t, w, 3)
	g := startPatient(t, testRoutes(w.pool(t, nil, addrs...), func(r *Route) {
		r.Timeout, r.ReadTimeout = patience, f.readTimeout()
	}))
	got := g.ask(t, raw)
	if got.status != expected.status && expected.status != 0 || got.reason != expected.reason ||
		got.whole != (expected.status != 0) {
		t.Errorf("client got %v, want %+v", got, expected)
	}
	if got.reason != "" && !strings.HasPrefix(got.body, "headgate: "+got.reason+": ") {
		t.Errorf("the refusal reads %q", got.body)
	}
	if (got.status == 503 || got.status == 504) && got.reason != "" && got.header.Get("Retry-After") == "" {
		t.Errorf("%d without Retry-After", got.status)
	}
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
	// A host may come to read the request only when the gateway has turned to another.
	eventually(t, "the hosts have seen the request", func() bool { return sawInAll(upstreams) >= expected.seen })
	if seen := sawInAll(upstreams); seen != expected.seen {
		t.Errorf("the hosts saw the request %d times, want %d", seen, expected.seen)
	}
}

// TestPushesSurviveOneBadHost sends many pushes to three hosts of which one has a fault: all must get 200. With
// FAULT_PUSHES in the environment there are so many for every row; without, 2,000 for one row of each kind, and over TLS
// a few large ones.
func TestPushesSurviveOneBadHost(t *testing.T) {
	t.Parallel()
	pushes, every := 2000, false
	if text := os.Getenv("FAULT_PUSHES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("FAULT_PUSHES=%q: want a number of pushes", text)
		}
		pushes, every = n, true
	}
	wired := wirings(t)
	for _, f := range append(faults(), harmlessFaults()...) {
		if !f.survives || f.alike && !every {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range wired {
				if w.server == nil || every {
					f.survive(t, w, "samples", pushes)
				}
				f.survive(t, w, bodies["medium"], max(pushes/64, 1))
			}
		})
	}
}

func (f *fault) survive(t *testing.T, w wiring, body string, pushes int) {
	addrs, upstreams := f.hosts(t, w, 1)
	for range 2 {
		u := w.start(t, healthy)
		addrs, upstreams = append(addrs, u.addr), append(upstreams, u)
	}
	pool := w.pool(t, func(o *balancer.Options) {
		o.FailTimeout = 100 * time.Millisecond // so that pushes come to the bad host again and again
		if f.slow {
			o.FailTimeout = time.Second
		}
	}, addrs...)
	g := startPatient(t, testRoutes(pool, func(r *Route) {
		r.Timeout, r.ReadTimeout = patience, 8*f.readTimeout() // the other hosts are well, but may be busy
	}))
	began := time.Now()
	f.pushes(t, g, body, pushes)
	t.Logf("%d pushes of %d bytes over %s in %s, sent %s times again", pushes, len(body), w.name, time.Since(began).Round(time.Second), g.metric("headgate_retries_total"))
	if f.play != nil && upstreams[0].opened.Load() == 0 {
		t.Error("the bad host was never tried")
	}
	if total := sawInAll(upstreams); total > 3*int64(pushes) {
		t.Errorf("%d pushes were sent %d times", pushes, total)
	}
}

// sawInAll is how many requests the hosts have seen together.
func sawInAll(upstreams []*scripted) (seen int64) {
	for _, u := range upstreams {
		seen += u.seen.Load()
	}
	return seen
}

// pushes sends so many pushes over a few connections and reports each that did not get a 2xx, or whose connection was
// not left open.
func (f *fault) pushes(t *testing.T, g *gateway, body string, pushes int) {
	t.Helper()
	workers := 8
	if f.slow {
		workers = 64 // they may all hang at once, and then need a further attempt each: the budget has to allow for it
	}
	var sent, failed atomic.Int64
	var running sync.WaitGroup
	for range workers {
		c := g.caller(t)
		running.Go(func() {
			for n := sent.Add(1); n <= int64(pushes); n = sent.Add(1) {
				c.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the push would tell
				if got := c.ask(requestOf("write", fmt.Sprint(n), body)); got.status/100 != 2 || !got.whole {
					if failed.Add(1) <= 3 {
						t.Errorf("push %d: %v: %s", n, got, got.body)
					}
					return
				}
			}
		})
	}
	running.Wait()
	if n := failed.Load(); n > 0 {
		t.Errorf("%d connections ended with a failed push", n)
	}
}
