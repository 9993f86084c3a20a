package pace

import (
	"sync"
	"time"
)

// Count is one reading of counters that only grow.
type Count struct {
	Requests uint64
	Refused  uint64
	Errors   uint64
	Bytes    uint64
	Answers  uint64
	Time     time.Duration // of all answers together
}

// sub is what was counted since before. Counters that began anew since then have counted what they show.
func (c Count) sub(before Count) Count {
	if c.Requests < before.Requests || c.Refused < before.Refused || c.Errors < before.Errors || c.Bytes < before.Bytes ||
		c.Answers < before.Answers || c.Time < before.Time {
		return c
	}
	return Count{
		Requests: c.Requests - before.Requests,
		Refused:  c.Refused - before.Refused,
		Errors:   c.Errors - before.Errors,
		Bytes:    c.Bytes - before.Bytes,
		Answers:  c.Answers - before.Answers,
		Time:     c.Time - before.Time,
	}
}

// Pace is what was counted in a span of time.
type Pace struct {
	Count
	Span time.Duration
}

// PerSecond is the rate of requests.
func (p Pace) PerSecond() float64 { return p.over(p.Requests) }

// BytesPerSecond is the rate of bytes.
func (p Pace) BytesPerSecond() float64 { return p.over(p.Bytes) }

// RefusedPerSecond is the rate of refusals.
func (p Pace) RefusedPerSecond() float64 { return p.over(p.Refused) }

// ErrorsPerSecond is the rate of errors.
func (p Pace) ErrorsPerSecond() float64 { return p.over(p.Errors) }

func (p Pace) over(n uint64) float64 {
	if p.Span <= 0 {
		return 0
	}
	return float64(n) / p.Span.Seconds()
}

// Mean is how long an answer took on average, 0 when there was none.
func (p Pace) Mean() time.Duration {
	if p.Answers == 0 {
		return 0
	}
	return p.Time / time.Duration(p.Answers)
}

// readings is how many are kept, so the span is up to so many times Every.
const readings = 6

// Every is how often Note is to be called.
const Every = 10 * time.Second

// Window keeps the readings of the last minute of many counters. The zero value is ready. It may be used by any number of
// goroutines.
type Window[K comparable] struct {
	mu   sync.Mutex
	kept [readings]reading[K]
	next int
}

type reading[K comparable] struct {
	at     time.Time
	counts map[K]Count
}

// Note keeps a reading, which is not changed from now on.
func (w *Window[K]) Note(at time.Time, counts map[K]Count) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[w.next] = reading[K]{at, counts}
	w.next = (w.next + 1) % readings
}

// Since compares a new reading with the oldest that is kept. A counter that the old one has not is measured from nothing.
func (w *Window[K]) Since(at time.Time, counts map[K]Count) map[K]Pace {
	w.mu.Lock()
	oldest := w.kept[w.next]
	if oldest.at.IsZero() {
		oldest = w.kept[0]
	}
	w.mu.Unlock()
	paces := make(map[K]Pace, len(counts))
	if oldest.at.IsZero() {
		return paces
	}
	span := at.Sub(oldest.at)
	for key, count := range counts {
		paces[key] = Pace{count.sub(oldest.counts[key]), span}
	}
	return paces
}
