package balancer

import (
	"math/rand/v2"
	"slices"
)

// Policy says which of the available hosts takes a request.
type Policy uint8

const (
	// RoundRobin gives each host the same number of requests.
	RoundRobin Policy = iota
	// LeastConn takes two hosts at random, and of these the one with fewer requests in flight: close to the least
	// loaded of all, without all gateways running to the same host.
	LeastConn
)

var policyNames = []string{RoundRobin: "round_robin", LeastConn: "least_conn"}

// ParsePolicy returns the policy with the given name, "round_robin" or "least_conn", and whether there is one.
func ParsePolicy(name string) (Policy, bool) {
	i := slices.Index(policyNames, name)
	return Policy(max(i, 0)), i >= 0
}

// String returns the name that ParsePolicy reads.
func (p Policy) String() string { return policyNames[p] }

// Pick returns the host for the next attempt of a request, nil when none is known. tried are the hosts the request has
// been sent to already; they come last among the hosts of their kind. Hosts that are passed over (see Host.Available)
// are picked only when there is no other, so that the last one is always tried; but one that is on trial is picked for a
// first attempt when it is its turn and no other request tries it, and the caller says what came of that: Succeeded,
// Failed or Undecided. Of hosts that are alike otherwise one that has a connection to spare is picked.
//
// It takes no lock, does not allocate and keeps nothing of tried.
func (p *Pool) Pick(tried []*Host) *Host {
	hosts := *p.hosts.Load()
	// Fast path: a first attempt, and the host whose turn it is can take it.
	if n := uint64(len(hosts)); n > 0 && len(tried) == 0 && p.o.Policy == RoundRobin {
		if h := hosts[p.next.Add(1)%n]; h.Available() && !h.full() || h.takeTrial() {
			return h
		}
	}
	return p.pickElse(hosts, tried)
}

// pickElse is Pick without the fast path of round robin.
func (p *Pool) pickElse(hosts, tried []*Host) *Host {
	if len(hosts) == 0 {
		return nil
	}
	if len(tried) == 0 && p.o.Policy == LeastConn {
		i, k := two(len(hosts))
		if h := hosts[i]; h.takeTrial() {
			return h
		}
		if h := lessLoaded(hosts[i], hosts[k]); h.Available() && !h.full() {
			return h
		}
	}
	return p.pickAmong(hosts, tried)
}

// fitness orders hosts by how willingly a request is sent to them: the sum of what speaks for it.
type fitness uint8

const (
	unfit     fitness = 0 // passed over, tried by this request, and all its connections in use
	roomy     fitness = 1 // it has a connection to spare
	untried   fitness = 2 // this request has not tried it
	hopeful   fitness = 4 // it is on trial
	available fitness = 8 // it is not passed over
)

func fitnessOf(h *Host, tried []*Host) fitness {
	f := unfit
	switch h.out.Load() {
	case 0:
		f += available
	case onTrial:
		f += hopeful
	}
	if !slices.Contains(tried, h) {
		f += untried
	}
	if !h.full() {
		f += roomy
	}
	return f
}

// pickAmong takes one of the fittest hosts, by the pool's policy. It counts them first: to take the next fit one behind
// one that is not would give that neighbour twice its share.
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
	// A host may change its state meanwhile, so that none is as fit as it was: then one is as good as the other.
	if count == 0 {
		return hosts[0]
	}
	if p.o.Policy == LeastConn {
		i, k := two(count)
		return lessLoaded(nth(hosts, tried, fittest, i), nth(hosts, tried, fittest, k))
	}
	return nth(hosts, tried, fittest, int(p.again.Add(1)%uint64(count)))
}

// nth returns the host before which n others are of the same fitness, or the last such.
func nth(hosts, tried []*Host, fittest fitness, n int) *Host {
	found := hosts[0]
	for _, h := range hosts {
		if fitnessOf(h, tried) != fittest {
			continue
		}
		found = h
		if n == 0 {
			break
		}
		n--
	}
	return found
}

// two returns two random numbers below n, which differ unless n is 1.
func two(n int) (int, int) {
	if n == 1 {
		return 0, 0
	}
	i, k := rand.IntN(n), rand.IntN(n-1)
	if k >= i {
		k++
	}
	return i, k
}

// lessLoaded returns the host with fewer requests in flight; between equals the first, which is a random one.
func lessLoaded(a, b *Host) *Host {
	if !b.Available() || a.Available() && a.InFlight() <= b.InFlight() {
		return a
	}
	return b
}
