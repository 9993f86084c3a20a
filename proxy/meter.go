package proxy

import (
	"math"
	"sync/atomic"
	"time"
)

// burst is how much of a rate may be taken at once after a pause.
const burst = 250 * time.Millisecond

// meter keeps something to a rate, without a lock: it knows only the moment at which all that was taken is paid for (the
// theoretical arrival time of ITU-T I.371's generic cell rate algorithm). The rate is the caller's, and is always the same.
// It is made by newMeter.
type meter struct {
	began   time.Time    // by a clock that nobody sets
	paid    atomic.Int64 // nanoseconds from then
	charged atomic.Int64 // nanoseconds, by charge
}

// newMeter makes a meter on which so much is owed.
func newMeter(now time.Time, owed time.Duration) *meter {
	m := &meter{began: now}
	m.paid.Store(int64(owed))
	return m
}

// owed is how long it takes until all that was taken is paid for.
func (m *meter) owed(now time.Time) time.Duration {
	return max(time.Duration(m.paid.Load())-now.Sub(m.began), 0)
}

// take takes what costs so much time at the rate while no more than slack is owed, and reports how long to wait until
// that is so; if that is longer than patience, it takes nothing.
func (m *meter) take(now time.Time, cost, slack, patience time.Duration) (wait time.Duration, ok bool) {
	at := int64(now.Sub(m.began))
	for {
		paid := m.paid.Load()
		due := max(paid, at)
		wait = max(time.Duration(due-at)-slack, 0)
		if wait > max(patience, 0) {
			return wait, false
		}
		if m.paid.CompareAndSwap(paid, min(due, mostOwed)+int64(cost)) {
			return wait, true
		}
	}
}

// charge takes what is used in any case; less than 0 gives back. Who was told before how long to wait has to wait so much
// longer, see awaitTurn.
func (m *meter) charge(now time.Time, cost time.Duration) {
	m.charged.Add(int64(cost))
	at := int64(now.Sub(m.began))
	for {
		paid := m.paid.Load()
		if m.paid.CompareAndSwap(paid, min(max(paid, at), mostOwed)+int64(cost)) {
			return
		}
	}
}

// awaitTurn waits as long as take said, after which charged had been read, and for what was charged meanwhile; less than
// patience altogether, or it says how much longer it would take.
func (m *meter) awaitTurn(wait time.Duration, charged int64, patience time.Duration) (waited, longer time.Duration) {
	for wait > 0 {
		if waited+wait > patience {
			return waited, wait
		}
		time.Sleep(wait)
		waited += wait
		before := charged
		charged = m.charged.Load()
		wait = time.Duration(charged - before)
	}
	return waited, 0
}

// mostOwed is beyond what a meter loses count, and the most that anything costs: 146 years.
const mostOwed = math.MaxInt64 / 2

// costOf is the time that n of something take at so many in a second.
func costOf(n int64, perSecond float64) time.Duration {
	return time.Duration(min(float64(n)/perSecond*float64(time.Second), mostOwed))
}
