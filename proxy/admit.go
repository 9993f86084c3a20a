package proxy

import (
	"sync/atomic"
	"time"
)

// admit takes what the request needs: of what its tenant may have, and the slots of its route and of its kind. Reads have
// slots of their own, so that no number of slow queries keeps a push out, and while others wait for one of the process's
// slots, no tenant gets more than half of them. What is not free is waited for, for a short while.
func (x *exchange) admit() *failure {
	if x.proxy.memory.tight(time.Now()) && !x.queue(x.proxy.memory.await) {
		return refuseFor(overloaded, "more than 80 % of the memory limit is in use")
	}
	if f := x.takeShare(); f != nil {
		return f
	}
	kind, holds := &x.proxy.writes, &x.share.writes
	if x.route.isRead() {
		kind, holds = &x.proxy.reads, &x.share.reads
	}
	if !x.takeSlot(x.route.slots, nil) {
		return refuseFor(overloaded, "this route has as many requests as max_in_flight allows")
	}
	x.routeSlots = x.route.slots
	if !x.takeSlot(kind, holds) {
		return refuseFor(overloaded, "the process has as many requests as [limits] allows")
	}
	x.kindSlots, x.holds = kind, holds
	return x.admitRead()
}

// takeSlot takes a slot, waiting for one if need be, and reports whether it got one.
func (x *exchange) takeSlot(s *slots, holds *atomic.Int64) bool {
	return s.take(holds, 0) || x.queue(func(patience time.Duration) bool { return s.take(holds, patience) })
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

// leave gives the slots back.
func (x *exchange) leave() {
	if x.routeSlots != nil {
		x.routeSlots.free(nil)
	}
	if x.kindSlots != nil {
		x.kindSlots.free(x.holds)
	}
	x.leaveLane()
	if x.shareSlot {
		x.share.inFlight.free(nil)
	}
	x.settle()
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
