package proxy

import (
	"sync/atomic"
	"time"
)

// lineLimit bounds how many lines of one kind go into the log in each second. Beyond the limit one line in beyondEvery
// still does, so that what a flood is made of can be seen; the rest is counted, and the count told when a second is
// over. The zero value is ready.
type lineLimit struct {
	tell func(left int64) // what is told; nil: nothing

	second atomic.Int64
	lines  atomic.Int64
	left   atomic.Int64 // out since the last time it was told
}

// beyondEvery is of how many lines beyond the limit one is logged.
const beyondEvery = 100

// allow reports whether one more line may be logged; perSecond 0: there is no limit.
func (l *lineLimit) allow(now time.Time, perSecond int) bool {
	if perSecond <= 0 {
		return true
	}
	if s := now.Unix(); l.second.Load() != s && l.second.Swap(s) != s {
		l.lines.Store(0)
	}
	over := l.lines.Add(1) - int64(perSecond)
	if over <= 0 || over%beyondEvery == 0 {
		return true
	}
	if l.left.Add(1) == 1 && l.tell != nil {
		time.AfterFunc(time.Second, l.report)
	}
	return false
}

// report tells how many lines were left out since it last did.
func (l *lineLimit) report() {
	if left := l.left.Swap(0); left > 0 && l.tell != nil {
		l.tell(left)
	}
}
