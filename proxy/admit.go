package proxy

import (
	"time"

	"github.com/headgate/headgate/authcache"
)

// admit takes what the request needs: of what its tenant may have, and the slots of its route and of its kind. Reads have
// slots of their own, so that no number of slow queries keeps a push out, and while others wait for one of the process's
// slots, no tenant gets more than half of them. What is not free is waited for, for a short while.
func (x *exchange) admit() *failure {
	patience := x.patience()
	if !x.proxy.memory.await(patience) {
		return refuseFor(overloaded, "more than 80 % of the memory limit is in use")
	}
	if f := x.takeShare(patience); f != nil {
		return f
	}
	kind, holds := &x.proxy.writes, &x.share.writes
	if x.route.Scope&authcache.Read != 0 {
		kind, holds = &x.proxy.reads, &x.share.reads
	}
	if !x.route.slots.take(nil, patience) {
		return refuseFor(overloaded, "this route has as many requests as max_in_flight allows")
	}
	x.routeSlots = &x.route.slots
	if !kind.take(holds, patience) {
		return refuseFor(overloaded, "the process has as many requests as [limits] allows")
	}
	x.kindSlots, x.holds = kind, holds
	return nil
}

// patience is how long the request may queue; without a queue_timeout not at all, however long its route may take.
func (x *exchange) patience() time.Duration {
	if x.snapshot.limits.QueueTimeout <= 0 {
		return 0
	}
	return max(x.remaining(x.conn.Began(), x.snapshot.limits.QueueTimeout), 0)
}

// leave gives the slots back.
func (x *exchange) leave() {
	if x.routeSlots != nil {
		x.routeSlots.free(nil)
	}
	if x.kindSlots != nil {
		x.kindSlots.free(x.holds)
	}
	if x.shareSlot {
		x.share.inFlight.free(nil)
	}
	x.settle()
	if x.held > 0 {
		x.proxy.held.drop(x.held)
	}
}

// keeps reports whether n bytes of the body may be kept for a further attempt, and counts them until the request ends.
func (x *exchange) keeps(n int64) bool {
	if n == 0 {
		return true
	}
	if n > x.route.RetryBodySize || x.proxy.memory.tight(time.Now()) || !x.proxy.held.hold(n) {
		return false
	}
	x.held += n
	return true
}
