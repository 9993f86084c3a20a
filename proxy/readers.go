package proxy

import "github.com/headgate/headgate/balancer"

// readers counts the reads at an upstream that takes other requests as well: they get no more than three quarters of its
// connections, so that no number of slow queries keeps a push waiting for one.
type readers struct{ slots }

// takeReader takes a slot of a read among its upstream's connections, waiting for one if need be, and reports whether it
// got one.
func (x *exchange) takeReader() bool {
	r := x.route.readers
	if r == nil {
		return true
	}
	if limit := readersOf(x.route.Pool); r.limit.Load() != limit {
		r.limit.Store(limit)
	}
	if !x.takeSlot(&r.slots, nil) {
		return false
	}
	x.readerSlot = true
	return true
}

// readersOf is how many reads a pool may have; 0: any number, because its connections have no limit or it has no host.
func readersOf(pool *balancer.Pool) int64 {
	most := int64(pool.MaxConnections())
	return most - most/4
}

// shareConnections gives the reads of each pool that other routes use too their readers.
func shareConnections(routes []*route) {
	pools := make(map[*balancer.Pool]*readers)
	for _, r := range routes {
		if r.Pool != nil && !r.isRead() {
			pools[r.Pool] = new(readers)
		}
	}
	for _, r := range routes {
		if r.isRead() {
			r.readers = pools[r.Pool]
		}
	}
}
