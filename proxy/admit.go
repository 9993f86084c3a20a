package proxy

import "time"

// admit takes what the request needs: of what its tenant may have, and the slots of its route and of its kind. Reads have
// slots of their own, so that no number of slow queries keeps a push out. What is not free is waited for, for a short while;
// first of all for the tenant's rates, so that nobody holds a slot while he waits for his own.
func (x *exchange) admit() *failure {
	if x.proxy.memory.tight(time.Now()) && !x.queue(x.proxy.memory.await) {
		return refuseFor(overloaded, "more than 80 % of the memory limit is in use")
	}
	if f := x.takeRates(); f != nil {
		return f
	}
	return x.takeSlots()
}

// takeSlots takes a slot of everything that has some, but for the upstream's connections, which wait until there is
// something to send.
func (x *exchange) takeSlots() *failure {
	kind := &x.proxy.writes
	if x.route.isRead() {
		kind = &x.proxy.reads
	}
	switch {
	case x.share != nil && !x.takeSlot(&x.share.inFlight, nobody):
		return refuseFor(tenantLimited, "as many of its requests are under way as max_in_flight allows")
	case !x.takeSlot(x.route.slots, x.payer()):
		return refuseFor(overloaded, "this route has as many requests as max_in_flight allows")
	case !x.takeSlot(kind, x.payer()):
		return refuseFor(overloaded, "the process has as many requests as [limits] allows")
	}
	return x.admitRead()
}

// takeSlot takes a slot, waiting for one if need be, and reports whether it got one. It is given back with the end of the
// request.
func (x *exchange) takeSlot(s *slots, whose string) bool {
	got, ok := x.waitForSlot(s, whose)
	if ok {
		x.slots = append(x.slots, got)
	}
	return ok
}

// waitForSlot is takeSlot for a slot that the caller gives back.
func (x *exchange) waitForSlot(s *slots, whose string) (got slot, ok bool) {
	if got, ok = s.take(whose); ok {
		return got, true
	}
	ok = x.queue(func(patience time.Duration) (ok bool) {
		got, ok = s.await(whose, patience)
		return ok
	})
	return got, ok
}

// queue lets the request wait for something for as long as it may, and reports whether it came.
func (x *exchange) queue(wait func(patience time.Duration) bool) bool {
	start := time.Now()
	defer x.queuedSince(start)
	return wait(x.patience(start))
}

// queuedSince counts a wait that began then.
func (x *exchange) queuedSince(start time.Time) { x.queued += time.Since(start) }

// patience is how long the request may still queue: there is one queue_timeout for all that it may have to wait for, one
// after the other. Without one it does not queue at all, however long its route may take.
func (x *exchange) patience(now time.Time) time.Duration {
	left := x.snapshot.limits.QueueTimeout - x.queued
	if left <= 0 {
		return 0
	}
	return max(x.remaining(now, left), 0)
}

// leave gives back what the request has taken.
func (x *exchange) leave() {
	for _, taken := range x.slots {
		taken.free()
	}
	x.leaveLane()
	x.leaveShare()
	if x.held > 0 {
		x.proxy.held.drop(x.held)
	}
}

// keeps reports whether n bytes more of the body may be kept for a further attempt, and counts them until the request
// ends. Half of what may be kept is for pushes alone.
func (x *exchange) keeps(n int64) bool {
	if n == 0 {
		return true
	}
	hold := (*heldBudget).holdOther
	if x.isPush() {
		hold = (*heldBudget).hold
	}
	if x.held+n > x.route.RetryBodySize || x.proxy.memory.tight(time.Now()) || !hold(&x.proxy.held, n) {
		return false
	}
	x.held += n
	return true
}
