package systemd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestSignsOfLifeComeOnlyFromTheLiving has a check that succeeds, fails, hangs until its time is over, and succeeds again.
func TestSignsOfLifeComeOnlyFromTheLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const watchdog = 30 * time.Second
		var signs atomic.Int64
		var how atomic.Value
		how.Store("alive")
		n := NewNotifier(func(state string) error {
			if state != "WATCHDOG=1\n" {
				t.Errorf("told %q", state)
			}
			signs.Add(1)
			return nil
		}, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.Watch(ctx, watchdog, func(ctx context.Context) error {
				switch how.Load() {
				case "alive":
					return nil
				case "hanging":
					<-ctx.Done()
				}
				return errors.New("dead")
			})
		}()
		during := func(how_ string, d time.Duration) int64 {
			how.Store(how_)
			before := signs.Load()
			time.Sleep(d)
			synctest.Wait()
			return signs.Load() - before
		}
		synctest.Wait()
		if signs.Load() != 1 {
			t.Error("no sign of life at the beginning")
		}
		if got := during("alive", 10*watchdog); got != 30 {
			t.Errorf("%d signs of life in ten times, want 30", got)
		}
		if got := during("dead", 10*watchdog); got != 0 {
			t.Errorf("%d signs of life from the dead", got)
		}
		if got := during("hanging", 10*watchdog); got != 0 {
			t.Errorf("%d signs of life from what hangs", got)
		}
		if got := during("alive", watchdog); got < 2 {
			t.Errorf("%d signs of life once it lives again, want two or three", got)
		}
		stop()
		<-done
	})
}

func TestWatchdogTime(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
		wrong     bool
	}{
		{"", "", 0, false},
		{"30000000", "", 30 * time.Second, false},
		{"30000000", strconv.Itoa(os.Getpid()), 30 * time.Second, false},
		{"30000000", "1", 0, false},
		{"soon", "", 0, true},
		{"-1", "", 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		got, err := WatchdogTime()
		if got != c.want || (err != nil) != c.wrong {
			t.Errorf("%q for process %q: %v, %v; want %v", c.usec, c.pid, got, err, c.want)
		}
	}
}
