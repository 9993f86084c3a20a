package authcache

import (
	"sync/atomic"
	"time"
)

// clockStep is how often the coarse clock is set, and what has expired is looked for.
const clockStep = 15 * time.Second

// minutes is a coarse clock: the minute, counted from 1970. To read it costs next to nothing, and the last use of a
// credential need not be known more exactly.
type minutes struct {
	now atomic.Uint32
}

func (m *minutes) set(now time.Time) { m.now.Store(minuteOf(now)) }

// minuteOf is never 0, which stands for "never".
func minuteOf(t time.Time) uint32 { return uint32(max(1, t.Unix()/60)) }

// timeOf is the beginning of the minute, the zero time for 0.
func timeOf(minute uint32) time.Time {
	if minute == 0 {
		return time.Time{}
	}
	return time.Unix(int64(minute)*60, 0).UTC()
}

// keepTime sets the clock, and forgets tokens that have expired, until stop is closed.
func (c *Cache) keepTime(stop <-chan struct{}) {
	ticker := time.NewTicker(clockStep)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			c.minute.set(now)
			c.signed.sweep(c, now)
		}
	}
}
