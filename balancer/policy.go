package balancer

import "slices"

// Pick returns the host for the next attempt of a request, nil when none is known. tried are the hosts the request has
// been sent to already; they come last among the hosts of their kind. Hosts that are passed over (see Host.Available)
// are picked only when there is no other, so that the last one is always tried.
//
// It takes no lock, does not allocate and keeps nothing of tried.
func (p *Pool) Pick(tried []*Host) *Host {
	hosts := *p.hosts.Load()
	if len(hosts) == 0 {
		return nil
	}
	// Fast path: a first attempt, and the host whose turn it is can take it.
	if len(tried) == 0 {
		if h := hosts[p.next.Add(1)%uint64(len(hosts))]; h.Available() {
			return h
		}
	}
	return p.pickAmong(hosts, tried)
}

// fitness orders hosts by how willingly a request is sent to them.
type fitness uint8

const (
	unfit     fitness = iota // passed over, and tried by this request
	untried                  // passed over, but this request has not tried it
	available                // tried by this request, but all is well otherwise
	best                     // neither
)

func fitnessOf(h *Host, tried []*Host) fitness {
	f := unfit
	if h.Available() {
		f = available
	}
	if !slices.Contains(tried, h) {
		f++
	}
	return f
}

// pickAmong takes the next of the fittest hosts. It counts them first: to take the next fit one behind one that is not
// would give that neighbour twice its share.
func (p *Pool) pickAmong(hosts, tried []*Host) *Host {
	fittest, count := unfit, 0
	for _, h := range hosts {
		switch f := fitnessOf(h, tried); {
		case f > fittest:
			fittest, count = f, 1
		case f == fittest:
			count++
		}
	}
	// A host may change its state meanwhile; then the last one that still fits is as good as any.
	pick, skip := hosts[0], p.again.Add(1)%uint64(max(count, 1))
	for _, h := range hosts {
		if fitnessOf(h, tried) != fittest {
			continue
		}
		pick = h
		if skip == 0 {
			break
		}
		skip--
	}
	return pick
}
