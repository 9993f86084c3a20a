package proxy

import (
	"sync/atomic"
	"time"
)

// retryBudget keeps a cluster that is failing from getting every request several times: further attempts may be a fifth
// of the requests, or ten in a second if that is more. What a second has earned and not spent is kept for a while,
// because requests that hang on one host all come back at once, long after they began. The zero value is ready.
type retryBudget struct {
	keep    atomic.Int64 // seconds, at most maxKept; 0: minKept
	seconds [maxKept]retrySecond
}

// retrySecond is what one second has earned and spent. Those of the window form a ring.
type retrySecond struct {
	unix     atomic.Int64 // which second; anything else than the one looked for: nothing happened in that
	requests atomic.Int64
	retries  atomic.Int64 // further attempts that were paid with what this second earned
}

const (
	retryShare = 5   // one further attempt for so many requests
	retryFloor = 10  // in a second, however few requests there are
	minKept    = 10  // seconds
	maxKept    = 128 // seconds
)

// keepFor makes the budget keep savings for a window in which requests may hang for a timeout. Until it has passed nobody
// knows that a host hangs: of two, it gets half of all requests meanwhile, each of which needs a further attempt. A fifth
// of the requests pays for that when it was saved for two and a half times as long.
func (b *retryBudget) keepFor(timeout time.Duration) {
	b.keep.Store(min(max(int64((3*timeout+time.Second-1)/time.Second), minKept), maxKept))
}

// request counts a request.
func (b *retryBudget) request(now time.Time) {
	if s := b.second(now.Unix()); s != nil {
		s.requests.Add(1)
	}
}

// spend reports whether a further attempt may be made, and counts it. The oldest savings go first.
func (b *retryBudget) spend(now time.Time) bool {
	this := now.Unix()
	for unix := this - max(b.keep.Load(), minKept) + 1; unix <= this; unix++ {
		if s := b.second(unix); s != nil && s.spend() {
			return true
		}
	}
	return false
}

// second is the one with a Unix time, nil when its place has gone to a later one.
func (b *retryBudget) second(unix int64) *retrySecond {
	s := &b.seconds[uint64(unix)%maxKept]
	for {
		switch was := s.unix.Load(); {
		case was == unix:
			return s
		case was > unix:
			return nil
		case s.unix.CompareAndSwap(was, unix):
			// Counts that other goroutines add meanwhile may be lost; the budget is no bank.
			s.requests.Store(0)
			s.retries.Store(0)
			return s
		}
	}
}

// spend takes one of what the second has left.
func (s *retrySecond) spend() bool {
	for {
		spent := s.retries.Load()
		if spent >= max(retryFloor, s.requests.Load()/retryShare) {
			return false
		}
		if s.retries.CompareAndSwap(spent, spent+1) {
			return true
		}
	}
}
