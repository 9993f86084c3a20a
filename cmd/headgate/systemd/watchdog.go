package systemd

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// WatchdogTime is how long the service manager waits for a sign of life before it ends this process (WatchdogSec=); 0:
// it waits for none.
func WatchdogTime() (time.Duration, error) {
	d, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("WATCHDOG_USEC of the service manager: %w", err)
	}
	return d, nil
}

// Watch gives a sign of life three times in each watchdog time, as long as check finds one, until ctx ends. A check may
// take a third of the time.
func (n *Notifier) Watch(ctx context.Context, watchdog time.Duration, check func(context.Context) error) {
	third := watchdog / 3
	next := time.NewTicker(third)
	defer next.Stop()
	for {
		soon, cancel := context.WithTimeout(ctx, third)
		err := check(soon)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			n.alive()
		default:
			n.log.Error("the watchdog gets no sign of life", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
	}
}
