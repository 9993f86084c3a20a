// Package slowlane lets what computes for long go on beside what must not wait, also where Go has one processor.
//
// While a goroutine is ready to run at any time, Go looks at the network every 10 ms only. With two processors or more the
// others look; with one, a check of a slow hash or the reading of 100,000 tenants would hold up every request for as long as it
// takes. So then it gets a thread of its own, which the kernel lets wait for the others, and Go a second processor for as
// long. docs/performance.md has what that brings.
package slowlane

import (
	"os"
	"runtime"
	"sync"
)

// Lane runs slow work. The zero value is ready, and safe for concurrent use. A program has one: the number of Go's processors
// is the whole program's.
type Lane struct {
	mu      sync.Mutex
	running int // pieces of work on threads of their own
}

// Run calls f and returns when f has. A panic of f is the caller's.
func (l *Lane) Run(f func()) {
	if !l.enter() {
		f()
		return
	}
	defer l.leave()
	ended := make(chan any)
	go func() {
		// Never unlocked: with the goroutine ends the thread, whose priority nobody may raise again.
		runtime.LockOSThread()
		var thrown any
		defer func() { ended <- thrown }()
		defer func() { thrown = recover() }()
		yieldToOthers()
		f()
	}()
	if thrown := <-ended; thrown != nil {
		panic(thrown)
	}
}

// enter reports whether work needs a thread of its own, for which there is a second processor then, until leave.
func (l *Lane) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == 0 {
		if runtime.GOMAXPROCS(0) > 1 {
			return false
		}
		runtime.GOMAXPROCS(2)
	}
	l.running++
	return true
}

func (l *Lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running--; l.running > 0 {
		return
	}
	if os.Getenv("GOMAXPROCS") != "" {
		runtime.GOMAXPROCS(1)
	} else {
		runtime.SetDefaultGOMAXPROCS() // it follows the machine's and the cgroup's again
	}
}
