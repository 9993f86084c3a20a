package main

import (
	"math"
	"syscall"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// thisMachine is what automatic limits are derived from.
func thisMachine(memory memoryLimit) config.Machine {
	return config.Machine{OpenFiles: openFileLimit(), Memory: memory.bytes}
}

// openFileLimit is how many files this process may have open; 0 when that cannot be told. Go has raised it to the hard
// limit when the process began.
func openFileLimit() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return int64(min(uint64(limit.Cur), math.MaxInt64))
}
