package e2e

import (
	"testing"
	"time"
)

// patience is how long a test waits for something that takes well under a
// second on an idle machine. It is a bound for hopeless cases, not a promise
// about speed.
const patience = 60 * time.Second

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
