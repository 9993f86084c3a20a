package e2e

import (
	"testing"
	"time"
)

// patience is how long a test waits for something that takes well under a
// second on an idle machine. It is a bound for hopeless cases, not a promise
// about speed.
const patience = 60 * time.Second

// letPass lets time go by in which something acts: a fault, a load, a pause
// between two pushes. It is never a wait for something to have happened.
func letPass(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// eventually polls try until it returns nil and fails the test with its last
// error when patience runs out.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		case <-tick.C:
		}
	}
}
