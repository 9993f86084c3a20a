package proxy

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// memory tells when the process is close to the memory it may take: then no body is kept any more, and new requests wait
// for what others give back. It is looked at by whichever request comes first after a tenth of a second. What nobody uses
// any more counts until it is collected, which an idle process does not do by itself, so that is done before anybody has
// to wait.
type memory struct {
	limit   int64        // bytes; 0: not known, and never close
	inUse   func() int64 // bytes
	collect func()       // makes what nobody uses any more not be in use

	next        atomic.Int64 // Unix nanoseconds: not looked at again before
	nextCollect atomic.Int64 // Unix nanoseconds: nothing is collected again before
	close       atomic.Bool  // as of the last look
}

const (
	memoryLook    = 100 * time.Millisecond
	memoryRetry   = 20 * time.Millisecond // between two looks of a request that waits
	memoryShare   = 80                    // per cent of the limit that may be in use
	memoryCollect = 500 * time.Millisecond
	// collectShare is how many times as long as a collection took there is none after it.
	collectShare = 10
)

// tight reports whether more is in use than may be.
func (m *memory) tight(now time.Time) bool {
	if m.limit == 0 {
		return false
	}
	if next := m.next.Load(); now.UnixNano() >= next && m.next.CompareAndSwap(next, now.Add(memoryLook).UnixNano()) {
		m.close.Store(m.over() && (!m.collected(now) || m.over()))
	}
	return m.close.Load()
}

func (m *memory) over() bool { return m.inUse() > m.limit/100*memoryShare }

// collected reports whether there was a collection, which is not done all the time.
func (m *memory) collected(now time.Time) bool {
	next := m.nextCollect.Load()
	if now.UnixNano() < next || !m.nextCollect.CompareAndSwap(next, now.Add(time.Hour).UnixNano()) {
		return false
	}
	m.collect()
	end := time.Now()
	m.nextCollect.Store(end.Add(max(memoryCollect, collectShare*end.Sub(now))).UnixNano())
	return true
}

// await waits for memory as long as patience, and reports whether there is some.
func (m *memory) await(patience time.Duration) bool {
	if !m.tight(time.Now()) {
		return true
	}
	retry := time.NewTicker(memoryRetry)
	defer retry.Stop()
	for end := time.Now().Add(patience); ; {
		now := time.Now()
		if !m.tight(now) {
			return true
		}
		if !now.Before(end) {
			return false
		}
		<-retry.C
	}
}

// collectGarbage collects twice: buffers that rest in pools go with the second time.
func collectGarbage() {
	runtime.GC()
	runtime.GC()
}

// memoryInUse is how much of the memory that GOMEMLIMIT bounds the runtime could not give to somebody else at once, in
// bytes: all it has from the system, but for what it gave back and what lies free.
func memoryInUse() int64 {
	samples := [...]metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples[:])
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64() - samples[2].Value.Uint64())
}
