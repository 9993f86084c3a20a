package proxy

import (
	"fmt"
	"io"
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

// histogram is a classic Prometheus histogram of durations that is updated without a lock: the library's takes one and
// touches every bucket.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // each its own, added up when they are shown
	sum     atomic.Int64                   // nanoseconds
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// write writes the series of a histogram; labels are those of all its series, without braces.
func (h *histogram) write(w io.Writer, name, labels string) {
	var total uint64
	for i := range bounds {
		total += h.buckets[i].Load()
		fmt.Fprintf(w, "%s_bucket{%s,le=%q} %d\n", name, labels, fmt.Sprint(bounds[i].Seconds()), total)
	}
	total += h.buckets[len(bounds)].Load()
	fmt.Fprintf(w, "%s_bucket{%s,le=\"+Inf\"} %d\n", name, labels, total)
	fmt.Fprintf(w, "%s_sum{%s} %g\n", name, labels, time.Duration(h.sum.Load()).Seconds())
	fmt.Fprintf(w, "%s_count{%s} %d\n", name, labels, total)
}
