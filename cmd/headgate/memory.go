package main

import (
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryLimit is how much memory the process may take, and who says so.
type memoryLimit struct {
	bytes  int64  // 0: nobody knows
	origin string // see below; "": not looked for yet
}

// Origins of a memory limit.
const (
	fromEnvironment = "GOMEMLIMIT"
	fromCgroup      = "90% of the cgroup's"
	fromMachine     = "90% of the machine's"
	fromNobody      = "unknown"
)

// memoryShare is how much of what there is the process may take: the garbage collector's limit is no hard one, and
// stacks of system calls and the page cache of the binary want room as well.
const memoryShare = 0.9

// findMemoryLimit asks the environment, then the cgroup, then the machine.
func findMemoryLimit(env func(string) string) memoryLimit {
	if env(fromEnvironment) != "" {
		// The runtime has read it. "off" is no limit, and then what there is bounds what is derived from it.
		if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
			return memoryLimit{limit, fromEnvironment}
		}
	}
	for _, source := range []struct {
		origin string
		limit  memlimit.Provider
	}{{fromCgroup, memlimit.FromCgroup}, {fromMachine, memlimit.FromSystem}} {
		limit, err := memlimit.ApplyRatio(source.limit, memoryShare)()
		if err == nil && limit > 0 && limit <= math.MaxInt64 {
			return memoryLimit{int64(limit), source.origin}
		}
	}
	return memoryLimit{origin: fromNobody}
}

// apply makes the garbage collector keep to the limit, unless the environment has told it what to keep to.
func (m memoryLimit) apply(env func(string) string) {
	if m.bytes > 0 && env(fromEnvironment) == "" {
		debug.SetMemoryLimit(m.bytes)
	}
}
