package proxy

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/balancer"
)

// wrongMachines remembers which hosts of an upstream answered pushes with a status that Cortex's push never gives. When
// all of them did, every further push would find out the same, one host after the other: then one push in a minute finds
// out, and the rest are answered at once.
type wrongMachines struct {
	until atomic.Int64 // Unix nanoseconds; 0: pushes are sent
	some  atomic.Bool  // hosts is not empty

	mu    sync.Mutex
	hosts map[*balancer.Host]bool // guarded by mu
}

// wrongAgain is how often a push finds out whether the machines are still the wrong ones.
const wrongAgain = time.Minute

// maySend reports whether a push is worth sending. Of all that ask after a minute, one may.
func (w *wrongMachines) maySend(now time.Time) bool {
	until := w.until.Load()
	if until == 0 {
		return true
	}
	return now.UnixNano() >= until && w.until.CompareAndSwap(until, now.Add(wrongAgain).UnixNano())
}

// is notes a host that is the wrong machine; all are the hosts of the upstream.
func (w *wrongMachines) is(h *balancer.Host, all []*balancer.Host, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hosts == nil {
		w.hosts = make(map[*balancer.Host]bool)
	}
	w.hosts[h] = true
	w.some.Store(true)
	for _, h := range all {
		if !w.hosts[h] {
			return
		}
	}
	w.until.Store(now.Add(wrongAgain).UnixNano())
}

// right notes that a host took a push after all: whatever was wrong has been mended, and the others are found out anew.
func (w *wrongMachines) right() {
	if !w.some.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts = nil
	w.some.Store(false)
	w.until.Store(0)
}
