package sources

import (
	"context"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// copying is the copy of what etcd held, and whether it is to be written. All of it is guarded by Sources.mu.
type copying struct {
	file    fleet.Copy    // without a path: none is kept
	due     bool          // it is not as it should be
	wake    chan struct{} // holds one when that is news
	written time.Time     // zero: never
	left    bool          // it stays as it is
	failed  bool          // the last time
}

const (
	copyAfter = 2 * time.Second  // after a change; what changes meanwhile is in it
	copyPause = 30 * time.Second // between two, however much changes: it may be many megabytes
	copyAge   = time.Hour        // after which it is written although nothing has changed, since it tells how old it is
)

// at keeps the copy where a configuration has it.
func (c *copying) at(e *config.Etcd) {
	if c.file.Path != e.CachePath() {
		c.renew()
	}
	o := FleetOptions(e)
	c.file = fleet.Copy{Path: e.CachePath(), Endpoints: o.Endpoints, Prefix: o.Prefix}
}

// renew has the copy written in a moment.
func (c *copying) renew() {
	c.due = true
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keepCopy writes the copy whenever it has to be, until ctx ends, and then for the last time.
func (e *shared) keepCopy(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-e.copy.wake:
			pause(ctx, copyAfter)
		case <-time.After(copyAge):
		}
		if e.writeCopy() {
			pause(ctx, copyPause)
		}
	}
	e.writeCopy()
}

// writeCopy writes the copy, and reports whether there was anything to write. Nobody waits for the disk.
func (e *shared) writeCopy() (tried bool) {
	file, all, at := e.copied()
	if all == nil {
		return false
	}
	err := file.Save(all, at)
	e.sources.mu.Lock()
	defer e.sources.mu.Unlock()
	if err != nil {
		if !e.copy.failed {
			e.sources.options.Log.Error("the copy of etcd's tenants cannot be written", "file", file.Path, "problem", err)
		}
		e.copy.renew()
	}
	e.copy.failed = err != nil
	return true
}

// copied is what the copy should be, nil when it is not to be written: because it is as it should be, or because etcd has
// said nothing yet that is believed.
func (e *shared) copied() (file fleet.Copy, all map[string]string, at time.Time) {
	e.sources.mu.Lock()
	defer e.sources.mu.Unlock()
	c := &e.copy
	if c.file.Path == "" || c.left || !e.listed || e.roster.doubted || !c.due && time.Since(c.written) < copyAge {
		return
	}
	c.due, c.written = false, time.Now()
	return c.file, e.roster.content(), e.inStep
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
