package proxy

import (
	"runtime"
	"sync/atomic"
	"time"
)

// giveWay lets others run before a read that is likely to find nothing yet. When the processor is busy, what is waited
// for has come by the time it is our turn again: that spares a read that finds nothing, and the poller the waking up.
// When it is idle there is nobody to let run, so then nothing is done: giving way would wake a processor that sleeps.
type giveWay struct {
	next atomic.Int64 // Unix nanoseconds: not looked at again before
	busy atomic.Bool  // as of the last look, others were waiting for the processor
}

const (
	giveWayLook = 10 * time.Millisecond
	// giveWayBusy is how long giving way takes at least when somebody else runs meanwhile; with nobody there it takes less
	// than a microsecond.
	giveWayBusy = 10 * time.Microsecond
)

// before is called before such a read.
func (g *giveWay) before(now time.Time) {
	if next := g.next.Load(); now.UnixNano() >= next && g.next.CompareAndSwap(next, now.Add(giveWayLook).UnixNano()) {
		start := time.Now()
		runtime.Gosched()
		g.busy.Store(time.Since(start) >= giveWayBusy)
		return
	}
	if g.busy.Load() {
		runtime.Gosched()
	}
}
