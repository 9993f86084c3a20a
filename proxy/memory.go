package proxy

import (
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// memory tells when the process is close to the memory it may take: then no body is kept any more, and new requests wait
// for what others give back. It is looked at by whichever request comes first after a tenth of a second.
type memory struct {
	limit int64        // bytes; 0: not known, and never close
	inUse func() int64 // bytes
	next  atomic.Int64 // Unix nanoseconds: not looked at again before
	close atomic.Bool  // as of the last look
}

const (
	memoryLook  = 100 * time.Millisecond
	memoryRetry = 20 * time.Millisecond // between two looks of a request that waits
	memoryShare = 80                    // per cent of the limit that may be in use
)

// tight reports whether more is in use than may be.
func (m *memory) tight(now time.Time) bool {
	if m.limit == 0 {
		return false
	}
	if next := m.next.Load(); now.UnixNano() >= next && m.next.CompareAndSwap(next, now.Add(memoryLook).UnixNano()) {
		m.close.Store(m.inUse() > m.limit/100*memoryShare)
	}
	return m.close.Load()
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

// memoryInUse is what the runtime holds of the system's memory, which is what GOMEMLIMIT bounds, in bytes.
func memoryInUse() int64 {
	samples := [...]metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples[:])
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
