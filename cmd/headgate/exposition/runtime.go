package exposition

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// runtimeValues are those of the Go runtime's own measurements that are exported, under the names that Prometheus's own
// client for Go gives them.
var runtimeValues = []struct{ name, source string }{
	{"go_goroutines", "/sched/goroutines:goroutines"},
	{"go_sched_gomaxprocs_threads", "/sched/gomaxprocs:threads"},
	{"go_gc_gomemlimit_bytes", "/gc/gomemlimit:bytes"},
	{"go_memstats_alloc_bytes", "/memory/classes/heap/objects:bytes"},
	{"go_memstats_alloc_bytes_total", "/gc/heap/allocs:bytes"},
	{"go_memstats_heap_objects", "/gc/heap/objects:objects"},
	{"go_memstats_heap_idle_bytes", ""},
	{"go_memstats_heap_inuse_bytes", ""},
	{"go_memstats_heap_released_bytes", "/memory/classes/heap/released:bytes"},
	{"go_memstats_mallocs_total", ""},
	{"go_memstats_frees_total", ""},
	{"go_memstats_next_gc_bytes", "/gc/heap/goal:bytes"},
	{"go_memstats_stack_inuse_bytes", "/memory/classes/heap/stacks:bytes"},
	{"go_memstats_sys_bytes", "/memory/classes/total:bytes"},
}

// sums are values that the runtime tells in parts.
var sums = map[string][]string{
	"go_memstats_heap_idle_bytes":  {"/memory/classes/heap/free:bytes", "/memory/classes/heap/released:bytes"},
	"go_memstats_heap_inuse_bytes": {"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes"},
	"go_memstats_mallocs_total":    {"/gc/heap/allocs:objects", "/gc/heap/tiny/allocs:objects"},
	"go_memstats_frees_total":      {"/gc/heap/frees:objects", "/gc/heap/tiny/allocs:objects"},
}

// WriteRuntime writes what the Go runtime tells of itself. Nothing stops for it.
func WriteRuntime(w io.Writer) {
	fmt.Fprintf(w, "go_info{version=%q} 1\n", runtime.Version())
	threads, _ := runtime.ThreadCreateProfile(nil)
	fmt.Fprintf(w, "go_threads %d\n", threads)
	for _, v := range runtimeValues {
		sources := sums[v.name]
		if v.source != "" {
			sources = []string{v.source}
		}
		fmt.Fprintf(w, "%s %v\n", v.name, readSum(sources))
	}
	writePauses(w)
}

// readSum reads measurements and adds them up.
func readSum(names []string) uint64 {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	var sum uint64
	for _, s := range samples {
		sum += s.Value.Uint64()
	}
	return sum
}

// writePauses writes the garbage collector's pauses, and when it last ran.
func writePauses(w io.Writer) {
	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&stats)
	for i, q := range stats.PauseQuantiles {
		quantile := float64(i) / float64(len(stats.PauseQuantiles)-1)
		fmt.Fprintf(w, "go_gc_duration_seconds{quantile=\"%v\"} %v\n", quantile, q.Seconds())
	}
	fmt.Fprintf(w, "go_gc_duration_seconds_sum %v\ngo_gc_duration_seconds_count %d\n", stats.PauseTotal.Seconds(), stats.NumGC)
	last := float64(stats.LastGC.UnixNano()) / float64(time.Second)
	if stats.NumGC == 0 {
		last = 0
	}
	fmt.Fprintf(w, "go_memstats_last_gc_time_seconds %v\n", math.Max(last, 0))
}
