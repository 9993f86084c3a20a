package proxy

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/balancer"
)

// wrongMachines remembers which hosts of an upstream answered a push with a status that Cortex's push never gives, by what
// they were asked ("POST /api/v1/push"): an old Cortex may lack one path and have the others. When every host there is
// said so, a further push of this kind would find out the same, one host after the other: then one push in a minute finds
// out, and the rest are answered at once. The zero value is ready.
type wrongMachines struct {
	asked atomic.Pointer[map[string]*wrongAnswers] // nil: none; replaced, never changed
	mu    sync.Mutex                               // held by whoever replaces asked
}

// wrongAnswers are the hosts that are wrong for one question.
type wrongAnswers struct {
	mu    sync.Mutex
	said  map[*balancer.Host]time.Time // when they said so last; guarded by mu
	until time.Time                    // no push before; zero: not every host has said so yet; guarded by mu
}

const (
	// wrongAgain is how long the word of a host counts, and so how often a push finds out whether it still holds.
	wrongAgain = time.Minute
	// wrongTry is how long such a push is waited for before another one tries.
	wrongTry = time.Second
	// maxWrong bounds the questions that are remembered, because below a prefix clients choose the path. What is not
	// remembered is sent.
	maxWrong = 64
)

// wrongForPush reports whether Cortex's push endpoints never give a status, so that whatever did is not Cortex. To
// Prometheus each of these means that the data can go.
func wrongForPush(status int) bool {
	switch status {
	case 401, 403, 404, 405, 407, 408, 411, 421, 426, 431:
		return true
	}
	return status >= 300 && status < 400
}

// wrongForAll reports whether such a status says nothing of the one request alone: not of how it is framed, how large its
// head is, or how fast it comes, which is up to its sender.
func wrongForAll(status int) bool { return status != 408 && status != 411 && status != 431 }

// mayFindRightMachine reports whether a push is worth sending, for all that is known of its upstream.
func (x *exchange) mayFindRightMachine() bool {
	w := x.route.wrong
	return w.empty() || w.maySend(x.out.asked(), x.route.Pool.Hosts(), time.Now())
}

// foundRightMachine notes that the last host tried took the push.
func (x *exchange) foundRightMachine() {
	if w := x.route.wrong; !w.empty() {
		w.right(x.out.asked())
	}
}

// foundWrongMachine notes that the last host tried answered the push with such a status.
func (x *exchange) foundWrongMachine(status int) {
	if wrongForAll(status) {
		x.route.wrong.is(x.host, x.out.asked(), x.route.Pool.Hosts(), time.Now())
	}
}

// maySend reports whether a push is worth sending to an upstream with these hosts. It takes a lock only where every host
// was found wrong.
func (w *wrongMachines) maySend(asked []byte, hosts []*balancer.Host, now time.Time) bool {
	a := w.find(asked)
	return a == nil || a.maySend(hosts, now)
}

// empty reports whether nothing is remembered.
func (w *wrongMachines) empty() bool { return w.asked.Load() == nil }

// find is what is known of a question; nil: nothing.
func (w *wrongMachines) find(asked []byte) *wrongAnswers {
	if known := w.asked.Load(); known != nil {
		return (*known)[string(asked)]
	}
	return nil
}

// is notes that a host is the wrong machine for a question.
func (w *wrongMachines) is(h *balancer.Host, asked []byte, hosts []*balancer.Host, now time.Time) {
	if a := w.findOrAdd(asked, now); a != nil {
		a.add(h, hosts, now)
	}
}

// right notes that a host took such a push after all: whatever was wrong has been mended, and the others are found out
// anew.
func (w *wrongMachines) right(asked []byte) {
	if w.find(asked) == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.copy()
	delete(left, string(asked))
	if len(left) == 0 {
		w.asked.Store(nil)
		return
	}
	w.asked.Store(&left)
}

// copy is what is remembered, to be changed. The caller holds mu.
func (w *wrongMachines) copy() map[string]*wrongAnswers {
	if known := w.asked.Load(); known != nil {
		return maps.Clone(*known)
	}
	return make(map[string]*wrongAnswers)
}

// findOrAdd is find, with room made for a question that is new; nil when there is none.
func (w *wrongMachines) findOrAdd(asked []byte, now time.Time) *wrongAnswers {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.find(asked); a != nil {
		return a
	}
	all := w.copy()
	if len(all) >= maxWrong {
		maps.DeleteFunc(all, func(_ string, a *wrongAnswers) bool { return a.old(now) })
	}
	if len(all) >= maxWrong {
		return nil
	}
	a := &wrongAnswers{said: make(map[*balancer.Host]time.Time)}
	all[string(asked)] = a
	w.asked.Store(&all)
	return a
}

func (a *wrongAnswers) maySend(hosts []*balancer.Host, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.until.IsZero() || len(hosts) == 0 || slices.ContainsFunc(hosts, func(h *balancer.Host) bool { return a.said[h].IsZero() }) {
		return true
	}
	if now.Before(a.until) {
		return false
	}
	a.until = now.Add(wrongTry)
	return true
}

// add notes the word of a host. Hosts that have gone are forgotten.
func (a *wrongAnswers) add(h *balancer.Host, hosts []*balancer.Host, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said[h] = now
	maps.DeleteFunc(a.said, func(h *balancer.Host, _ time.Time) bool { return !slices.Contains(hosts, h) })
	oldest := now
	for _, h := range hosts {
		if said := a.said[h]; said.Before(oldest) {
			oldest = said // the zero time of one that has not said so is the oldest of all
		}
	}
	if until := oldest.Add(wrongAgain); until.After(now) {
		a.until = until
	}
}

// old reports whether no host's word counts any more.
func (a *wrongAnswers) old(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, said := range a.said {
		if now.Sub(said) < wrongAgain {
			return false
		}
	}
	return true
}
