package proxy

import (
	"math"
	"sync/atomic"
	"time"
)

// burst is how much of a rate may be taken at once after a pause.
const burst = 250 * time.Millisecond

// meter keeps something to a rate, without a lock: it knows only the moment at which all that was taken is paid for (the
// theoretical arrival time of ITU-T I.371's generic cell rate algorithm). The rate is the caller's, so that it can change
// at any time. The zero value has nothing to pay.
type meter struct {
	paid atomic.Int64 // Unix nanoseconds
}

// owed is how long it takes until all that was taken is paid for.
func (m *meter) owed(now time.Time) time.Duration {
	return max(time.Duration(m.paid.Load()-now.UnixNano()), 0)
}

// take takes what costs so much time at the rate while no more than slack is owed, and reports how long to wait until
// that is so; if that is longer than patience, it takes nothing.
func (m *meter) take(now time.Time, cost, slack, patience time.Duration) (wait time.Duration, ok bool) {
	for {
		paid := m.paid.Load()
		due := max(paid, now.UnixNano())
		wait = max(time.Duration(due-now.UnixNano())-slack, 0)
		if wait > max(patience, 0) {
			return wait, false
		}
		if m.paid.CompareAndSwap(paid, due+int64(cost)) {
			return wait, true
		}
	}
}

// charge takes what is used in any case; less than 0 gives back.
func (m *meter) charge(now time.Time, cost time.Duration) {
	for {
		paid := m.paid.Load()
		if m.paid.CompareAndSwap(paid, max(paid, now.UnixNano())+int64(cost)) {
			return
		}
	}
}

// costOf is the time that n of something take at so many in a second.
func costOf(n int64, perSecond float64) time.Duration {
	return time.Duration(min(float64(n)/perSecond*float64(time.Second), math.MaxInt64/4))
}
