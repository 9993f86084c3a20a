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
	"runtime/debug"
	"sync"
)

// Lane runs slow work. The zero value is ready, and safe for concurrent use. A program has one: the number of Go's processors
// is the whole program's, and so is the collector.
type Lane struct {
	mu      sync.Mutex
	running int // pieces of work on threads of their own
	loading int // those of them that leave garbage
	percent int // GOGC, which is off while there are such
}

// Run calls f and returns when f has. A panic of f is the caller's.
func (l *Lane) Run(f func()) { l.run(f, false) }

// Load is Run for what leaves much garbage and comes to an end. Of two processors the collector would take half of one, and
// there is only one: so it waits for the end, when it is called, or for the memory limit.
func (l *Lane) Load(f func()) { l.run(f, true) }

func (l *Lane) run(f func(), garbage bool) {
	if !l.enter(garbage) {
		f()
		return
	}
	defer l.leave(garbage)
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
func (l *Lane) enter(garbage bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == 0 {
		if runtime.GOMAXPROCS(0) > 1 {
			return false
		}
		runtime.GOMAXPROCS(2)
	}
	l.running++
	if garbage {
		if l.loading++; l.loading == 1 {
			l.percent = debug.SetGCPercent(-1)
		}
	}
	return true
}

func (l *Lane) leave(garbage bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running--; l.running == 0 {
		if os.Getenv("GOMAXPROCS") != "" {
			runtime.GOMAXPROCS(1)
		} else {
			runtime.SetDefaultGOMAXPROCS() // it follows the machine's and the cgroup's again
		}
	}
	if garbage {
		if l.loading--; l.loading == 0 {
			debug.SetGCPercent(l.percent)
			go runtime.GC() // a program that is idle else would not collect before the next load
		}
	}
}
