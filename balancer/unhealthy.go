package balancer

import (
	"slices"
	"time"
)

// noteHealth keeps the times since when the host is not well, and not healthy, and tells its pool. The lock judged is held.
func (h *Host) noteHealth() {
	h.keeper.Load().noteComplete()
	out := h.out.Load()
	note(&h.notWell, out != 0 || h.unwell)
	note(&h.unhealthy, out&^onTrial != 0 || h.unwell)
}

// note keeps the time since when something is so; zero: it is not.
func note(since *time.Time, so bool) {
	switch {
	case !so:
		*since = time.Time{}
	case since.IsZero():
		*since = time.Now()
	}
}

// UnhealthySince is since when the pool has had no healthy host, the zero time when it has one. A host is healthy that is
// not passed over and that its probes find well: an ill one that is used all the same, so that half of the hosts remain,
// does not count. One on trial does, or a gateway that balancers have left for it would never have a request to try it
// with. A pool without hosts has been unhealthy since it lost the last, or since it began.
func (p *Pool) UnhealthySince() time.Time {
	since := *p.changed.Load()
	for _, h := range p.Hosts() {
		h.judged.Lock()
		unhealthy := h.unhealthy
		h.judged.Unlock()
		if unhealthy.IsZero() {
			return time.Time{}
		}
		if unhealthy.After(since) {
			since = unhealthy
		}
	}
	return since
}

func (p *Pool) setHosts(list []*Host) {
	now := time.Now()
	p.hosts.Store(&list)
	p.changed.Store(&now)
	p.noteComplete()
}

// noteComplete looks whether one of the hosts is passed over. Of two changes at the same time the one that looks last has
// seen both.
func (p *Pool) noteComplete() {
	p.completing.Lock()
	defer p.completing.Unlock()
	p.complete.Store(!slices.ContainsFunc(p.Hosts(), func(h *Host) bool { return !h.Available() }))
}
