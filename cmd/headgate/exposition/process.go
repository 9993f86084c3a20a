package exposition

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"syscall"
	"time"
)

// WriteProcess returns a source of what the operating system tells of this process, which began at started. What a system
// does not tell is left out.
func WriteProcess(started time.Time) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, "process_start_time_seconds %.3f\n", float64(started.UnixMilli())/1000)
		var used syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
			spent := time.Duration(used.Utime.Nano() + used.Stime.Nano())
			fmt.Fprintf(w, "process_cpu_seconds_total %v\n", spent.Seconds())
		}
		var files syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil {
			fmt.Fprintf(w, "process_max_fds %d\n", min(uint64(files.Cur), math.MaxInt64))
		}
		if open, err := os.ReadDir("/proc/self/fd"); err == nil {
			fmt.Fprintf(w, "process_open_fds %d\n", len(open)-1) // less the one that reads this folder
		}
		if text, err := os.ReadFile("/proc/self/statm"); err == nil {
			writePages(w, text)
		}
	}
}

// writePages writes the first two numbers of statm (proc(5)), which count pages.
func writePages(w io.Writer, statm []byte) {
	fields := bytes.Fields(statm)
	for i, name := range []string{"process_virtual_memory_bytes", "process_resident_memory_bytes"} {
		if i >= len(fields) {
			return
		}
		if pages, err := strconv.ParseInt(string(fields[i]), 10, 64); err == nil {
			fmt.Fprintf(w, "%s %d\n", name, pages*int64(os.Getpagesize()))
		}
	}
}
