package main

import (
	"math"
	"os"
	"runtime/debug"
	"testing"
)

// TestMemoryLimit reads the limit of wherever the test runs: it is a share of what there is, or what GOMEMLIMIT says.
func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)

	nothing := func(string) string { return "" }
	found := findMemoryLimit(nothing)
	if found.bytes <= 0 || found.origin != fromCgroup && found.origin != fromMachine {
		t.Fatalf("%+v, want a share of what there is", found)
	}
	found.apply(nothing)
	if got := debug.SetMemoryLimit(-1); got != found.bytes {
		t.Errorf("the limit in use is %d, want %d", got, found.bytes)
	}

	given := func(name string) string {
		if name == fromEnvironment {
			return "1GiB"
		}
		return os.Getenv(name)
	}
	debug.SetMemoryLimit(1 << 30) // as the runtime does when it starts
	if got := findMemoryLimit(given); got != (memoryLimit{1 << 30, fromEnvironment}) {
		t.Errorf("with GOMEMLIMIT=1GiB: %+v", got)
	}
	found.apply(given)
	if got := debug.SetMemoryLimit(-1); got != 1<<30 {
		t.Errorf("the limit that was given became %d", got)
	}

	off := func(string) string { return "off" }
	debug.SetMemoryLimit(math.MaxInt64)
	if got := findMemoryLimit(off); got != found {
		t.Errorf("with GOMEMLIMIT=off: %+v, want what there is, %+v", got, found)
	}
	found.apply(off)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("with GOMEMLIMIT=off the limit became %d", got)
	}
}
