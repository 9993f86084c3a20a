// Package procfs reads from /proc what a process and its children cost: processor time and memory. It changes nothing and
// starts nothing.
package procfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a group of processes has used and holds.
type Usage struct {
	CPU          time.Duration `json:"cpu_ns"` // user and system time of all threads since they started
	User, System time.Duration // the same by where it was spent, sampled by the clock's interrupts
	RSS          int64         `json:"rss"`      // bytes in memory now, shared pages counted in each process
	Peak         int64         `json:"rss_peak"` // the most that RSS has been, process by process
}

// tick is the unit of times in /proc/PID/stat (USER_HZ), 10 ms on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// Read adds up the usage of processes. CPU is the scheduler's own account, in nanoseconds; where it was spent is told in steps
// of 10 ms.
func Read(pids []int) (Usage, error) {
	var sum Usage
	for _, pid := range pids {
		user, system, err := processTime(pid)
		if err != nil {
			return sum, err
		}
		cpu, err := clockTime(pid)
		if err != nil {
			return sum, err
		}
		sum.CPU += cpu
		sum.User += user
		sum.System += system
		rss, peak, err := memory(pid)
		if err != nil {
			return sum, err
		}
		sum.RSS += rss
		sum.Peak += peak
	}
	return sum, nil
}

// Tree returns a process and all its descendants, the process first.
func Tree(root int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // The process has ended meanwhile.
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		fields, err := afterName(string(text))
		if err != nil {
			return nil, err
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("parent in %s: %w", name, err)
		}
		children[parent] = append(children[parent], pid)
	}
	tree := []int{root}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// clockTime reads the clock of a process: nanoseconds on processors, of all its threads, those that have ended too. Its number
// is made of the process's as clock_getcpuclockid(3) makes it.
func clockTime(pid int) (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED of the kernel
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &now); err != nil {
		return 0, fmt.Errorf("read the clock of process %d: %w", pid, err)
	}
	return time.Duration(now.Nano()), nil
}

func processTime(pid int) (user, system time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseProcessTime(string(text))
}

// parseProcessTime reads utime and stime, fields 14 and 15 of proc(5).
func parseProcessTime(stat string) (user, system time.Duration, err error) {
	fields, err := afterName(stat)
	if err != nil {
		return 0, 0, err
	}
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("stat has %d fields after the name: want 13 or more", len(fields))
	}
	inUser, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("user time: %w", err)
	}
	inKernel, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("system time: %w", err)
	}
	return time.Duration(inUser) * tick, time.Duration(inKernel) * tick, nil
}

// afterName returns the fields behind the program's name, which may itself hold spaces and brackets.
func afterName(stat string) ([]string, error) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return nil, errors.New("stat without a name in brackets")
	}
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 2 {
		return nil, errors.New("stat without a parent")
	}
	return fields, nil
}

// CoreBusy returns for how long a core of this machine has not been idle since it started, for whatever process, in steps of
// 10 ms. Time that the host took away is part of it.
func CoreBusy(core int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseCore(string(text), core)
}

// parseCore reads a core's line of proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
func parseCore(stat string, core int) (time.Duration, error) {
	name := "cpu" + strconv.Itoa(core)
	for line := range strings.Lines(stat) {
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[0] != name {
			continue
		}
		var ticks int64
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("time of %s: %w", name, err)
			}
			ticks += n
		}
		return time.Duration(ticks) * tick, nil
	}
	return 0, fmt.Errorf("/proc/stat has no %s", name)
}

func memory(pid int) (rss, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "VmHWM" {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%s of %d: %w", name, pid, err)
		}
		if name == "VmRSS" {
			rss = kib << 10
		} else {
			peak = kib << 10
		}
	}
	return rss, peak, nil
}
