package latency

import (
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets, those of Cortex's own request histogram (weaveworks/common's
// instrument.DefBuckets), so that its dashboards read both alike.
var bounds = [...]time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 25 * time.Second, 50 * time.Second, 100 * time.Second,
}

// Histogram counts durations. The library's takes a lock and touches every bucket; this one adds to two numbers. The zero
// value is ready, and must not be copied once it is in use.
type Histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // each its own, added up when they are shown
	sum     atomic.Int64                   // nanoseconds
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// Reading is what histograms had counted at a moment. Readings of several can be added up.
type Reading struct {
	buckets [len(bounds) + 1]uint64
	sum     time.Duration
}

// Add adds what h has counted.
func (r *Reading) Add(h *Histogram) {
	for i := range h.buckets {
		r.buckets[i] += h.buckets[i].Load()
	}
	r.sum += time.Duration(h.sum.Load())
}

// Count is how many durations were counted.
func (r *Reading) Count() (n uint64) {
	for _, b := range r.buckets {
		n += b
	}
	return n
}

// Sum is all durations together.
func (r *Reading) Sum() time.Duration { return r.sum }

// Write writes the series of a histogram in the text format of Prometheus; labels are those of all its series, without
// braces.
func (r *Reading) Write(w io.Writer, name, labels string) {
	var total uint64
	for i, bound := range bounds {
		total += r.buckets[i]
		fmt.Fprintf(w, "%s_bucket{%s,le=\"%s\"} %d\n", name, labels, strconv.FormatFloat(bound.Seconds(), 'g', -1, 64), total)
	}
	total += r.buckets[len(bounds)]
	fmt.Fprintf(w, "%s_bucket{%s,le=\"+Inf\"} %d\n", name, labels, total)
	fmt.Fprintf(w, "%s_sum{%s} %g\n", name, labels, r.sum.Seconds())
	fmt.Fprintf(w, "%s_count{%s} %d\n", name, labels, total)
}
