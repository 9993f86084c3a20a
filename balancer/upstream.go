package balancer

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Upstream is all pools of one upstream: that of most of its routes, and one for each idle_timeout that routes have of
// their own. To people it is one thing: what its pools have adds up, and of what they find the worst counts.
type Upstream []*Pool

// Addresses are the hosts by their addresses, sorted.
func (u Upstream) Addresses() []Address {
	found := make(map[netip.AddrPort]Address)
	for _, p := range u {
		for _, h := range p.Hosts() {
			found[h.key.addr] = append(found[h.key.addr], h)
		}
	}
	list := make([]Address, 0, len(found))
	for _, a := range found {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Address) int { return a[0].key.addr.Compare(b[0].key.addr) })
	return list
}

// UnhealthySince is since when one of the pools has had no healthy host, the zero time when each has one.
func (u Upstream) UnhealthySince() (first time.Time) {
	for _, p := range u {
		if since := p.UnhealthySince(); !since.IsZero() && (first.IsZero() || since.Before(first)) {
			first = since
		}
	}
	return first
}

// Resolved reports whether every target of every pool was answered when last asked, and when that was last so: the zero
// time means never for one of them.
func (u Upstream) Resolved() (all bool, oldest time.Time) {
	all = true
	for i, p := range u {
		ok, at := p.Resolved()
		all = all && ok
		if i == 0 || at.Before(oldest) {
			oldest = at
		}
	}
	return all, oldest
}

// ResolveError returns why the last round of look-ups of a pool was not complete, nil when all were.
func (u Upstream) ResolveError() error {
	for _, p := range u {
		if err := p.ResolveError(); err != nil {
			return err
		}
	}
	return nil
}

// count is how many addresses are so; none where a pool has no host at all, since nobody takes its requests.
func (u Upstream) count(so func(Condition) bool) (n uint64) {
	if slices.ContainsFunc(u, func(p *Pool) bool { return len(p.Hosts()) == 0 }) {
		return 0
	}
	for _, a := range u.Addresses() {
		if so(a.Condition()) {
			n++
		}
	}
	return n
}

// looksUp reports whether one of the pools has names.
func (u Upstream) looksUp() bool {
	return slices.ContainsFunc(u, func(p *Pool) bool { return len(p.names) > 0 })
}

// Address is one address of an upstream: a host of each of its pools. It is never empty.
type Address []*Host

// String is the address in the form that is dialed.
func (a Address) String() string { return a[0].Addr() }

// Condition is the worst of the hosts', and of equal ones the oldest.
func (a Address) Condition() Condition {
	return slices.MinFunc(a.conditions(), func(a, b Condition) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.Since.Compare(b.Since))
	})
}

func (a Address) conditions() []Condition {
	all := make([]Condition, 0, len(a))
	for _, h := range a {
		all = append(all, h.Condition())
	}
	return all
}

// InFlight returns how many requests the hosts have now.
func (a Address) InFlight() (n int64) {
	for _, h := range a {
		n += h.InFlight()
	}
	return n
}

// Connections returns how many connections the hosts have, how many of them are idle, and how many they may have; most is
// 0 where there is no limit.
func (a Address) Connections() (open, idle, most int) {
	for _, h := range a {
		o, i := h.Connections()
		open, idle, most = open+o, idle+i, most+h.link.maxConnections
	}
	return open, idle, most
}

// Traffic is a reading of the moment of all hosts together.
func (a Address) Traffic() Traffic { return a[0].series.traffic(a) }
