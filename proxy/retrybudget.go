package proxy

import (
	"sync/atomic"
	"time"
)

// retryBudget keeps a cluster that is failing from getting every request several times: further attempts may be a fifth
// of the requests, or ten in a second if that is more. What is not spent is kept for five seconds, because requests that
// hang on one host all come back at once. The zero value is ready.
type retryBudget struct {
	second   atomic.Int64 // Unix time that requests and retries are of
	requests atomic.Int64
	retries  atomic.Int64
	saved    atomic.Int64 // not spent in the seconds before
}

const (
	retryShare   = 5  // one further attempt for so many requests
	retryFloor   = 10 // in a second, however few requests there are
	retrySeconds = 5  // for how long it is kept
)

// request counts a request.
func (b *retryBudget) request(now time.Time) {
	b.turn(now)
	b.requests.Add(1)
}

// spend reports whether a further attempt may be made, and counts it.
func (b *retryBudget) spend(now time.Time) bool {
	b.turn(now)
	if b.retries.Add(1) <= b.saved.Load()+b.earns() {
		return true
	}
	b.retries.Add(-1)
	return false
}

// earns is what the second under way has brought so far.
func (b *retryBudget) earns() int64 { return max(retryFloor, b.requests.Load()/retryShare) }

// turn begins a new second. Counts that other goroutines add meanwhile may fall into either; the budget is no bank.
func (b *retryBudget) turn(now time.Time) {
	s := now.Unix()
	was := b.second.Load()
	if was == s || !b.second.CompareAndSwap(was, s) {
		return
	}
	earned := b.earns()
	left := b.saved.Load() + earned - b.retries.Load()
	if s > was+1 { // the seconds in which nothing happened
		earned = retryFloor
		left += retryFloor * min(s-was-1, retrySeconds)
	}
	b.saved.Store(min(max(left, 0), (retrySeconds-1)*earned))
	b.requests.Store(0)
	b.retries.Store(0)
}
