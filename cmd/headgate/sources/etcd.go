package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// shared is [etcd]: it follows one place in one etcd for a roster, and says how things stand. What it holds is guarded by
// Sources.mu; the methods of a fleet.Follower take it.
type shared struct {
	sources *Sources
	config  config.Etcd
	roster  *roster
	copy    copying

	inStep  time.Time // when all that etcd held was last known, which a copy is too; zero: never
	listed  bool      // etcd has listed since this place is followed
	asked   bool      // it has answered, or could not be reached
	away    error     // why it cannot be reached; nil: it can
	unused  error     // why the copy is not used, until etcd has listed
	problem error     // what the cache knows
	last    outcome
	timer   *time.Timer // of the next key that may go; nil: none waits

	first chan struct{}      // closed when asked
	end   context.CancelFunc // ends the following
	ended chan struct{}      // closed when nobody follows etcd, or writes the copy, any more
}

// firstWait is how long a gateway that starts waits for etcd to answer.
const firstWait = 3 * time.Second

// newShared is for the etcd of a configuration; nothing happens before start.
func newShared(s *Sources, cfg *config.Config, r *roster) *shared {
	e := &shared{sources: s, config: cfg.Etcd, roster: r, first: make(chan struct{})}
	e.copy = copying{wake: make(chan struct{}, 1)}
	e.copy.at(&cfg.Etcd)
	return e
}

// start begins with the copy, and follows etcd once before is closed, nil for at once. It waits for nobody. The caller holds
// Sources.mu, as that of all methods that are no fleet.Follower's.
func (e *shared) start(before <-chan struct{}) {
	e.begin()
	e.follow(before)
}

// begin puts in force what there is without etcd.
func (e *shared) begin() {
	if len(e.roster.inForce) == 0 {
		e.loadCopy()
	}
	e.judge()
}

// follow follows etcd, once before is closed.
func (e *shared) follow(before <-chan struct{}) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	e.end, e.ended = end, ended
	options := FleetOptions(&e.config)
	go func() {
		defer close(ended)
		if before != nil {
			<-before
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.keepCopy(ctx)
		}()
		fleet.Follow(ctx, options, e)
		<-done
	}()
}

// loadCopy puts the copy in force until etcd answers.
func (e *shared) loadCopy() {
	file := e.copy.file
	if file.Path == "" {
		return
	}
	all, made, err := file.Load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		e.unused = fmt.Errorf("the copy of etcd's tenants is not used: %w", err)
		return
	}
	e.sources.options.Log.Info("tenants from the copy, until etcd answers", "file", file.Path, "made", made, "keys", len(all))
	e.inStep = made
	e.roster.fill(all)
}

// use puts another configuration in force, of the same place.
func (e *shared) use(cfg *config.Config) {
	before := e.config
	e.config = cfg.Etcd
	e.copy.at(&cfg.Etcd)
	e.after(e.roster.reread(cfg.SharedTenants(), time.Now()))
	if !e.config.SameAccess(&before) {
		e.end()
		e.follow(e.ended)
	}
}

// leave ends the following, without waiting for it; the copy stays as it is.
func (e *shared) leave() {
	e.copy.left = true
	e.close()
}

// close ends the following, without waiting for it. Whoever waits for ended lets go of Sources.mu first.
func (e *shared) close() {
	e.end()
	if e.timer != nil {
		e.timer.Stop()
	}
	e.answered()
}

// answered lets a start go on.
func (e *shared) answered() {
	if !e.asked {
		e.asked = true
		close(e.first)
	}
}

// told takes the lock for a call of a fleet.Follower, and reports whether it still counts: after a reload etcd may be
// another.
func (e *shared) told() (counts bool, unlock func()) {
	e.sources.mu.Lock()
	return e.sources.shared == e, e.sources.mu.Unlock
}

// manyKeys is from how many keys on a list is worth a collection of what it was made of: megabytes that are not used again.
const manyKeys = 10_000

// Listed implements fleet.Follower.
func (e *shared) Listed(all map[string]string, removed []string) {
	if len(all) >= manyKeys {
		defer debug.FreeOSMemory() // last, when others may go on
	}
	counts, unlock := e.told()
	defer unlock()
	if !counts {
		return
	}
	now := time.Now()
	changed := e.roster.list(all, removed, now)
	e.inStep, e.away, e.unused = now, nil, nil
	first := !e.listed
	e.listed = true
	e.after(changed || first)
	e.answered()
}

// Changed implements fleet.Follower.
func (e *shared) Changed(changes []fleet.Change) {
	counts, unlock := e.told()
	defer unlock()
	if counts {
		now := time.Now()
		changed := e.roster.change(changes, now)
		e.inStep = now
		e.after(changed)
	}
}

// InStep implements fleet.Follower.
func (e *shared) InStep() {
	counts, unlock := e.told()
	defer unlock()
	if counts {
		e.inStep = time.Now()
		e.sources.options.Cache.Stands(Etcd, e.inStep, e.problem)
	}
}

// Away implements fleet.Follower.
func (e *shared) Away(err error) {
	counts, unlock := e.told()
	defer unlock()
	if counts {
		e.away = err
		e.copy.renew() // so that it tells how old it is
		e.judge()
		e.answered()
	}
}

// retry tries what is in conflict once more.
func (e *shared) retry() {
	if e.roster.retry(time.Now()) {
		e.after(true)
	}
}

// accept lets what is held go.
func (e *shared) accept() { e.after(e.roster.accept(time.Now())) }

// expire lets those go that have waited long enough.
func (e *shared) expire() {
	counts, unlock := e.told()
	defer unlock()
	if counts {
		e.after(e.roster.expire(time.Now()))
	}
}

// after does what follows from what the roster did; changed: something is different.
func (e *shared) after(changed bool) {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	if next := e.roster.nextDue(); !next.IsZero() {
		e.timer = time.AfterFunc(time.Until(next), e.expire)
	}
	e.judge()
	if changed {
		e.copy.renew()
		e.sources.retryFiles()
	}
}

// judge says how the source stands.
func (e *shared) judge() {
	held, skipped := e.roster.problem()
	e.sources.skipped.Store(int64(len(e.roster.skipped)))
	e.problem = errors.Join(held, e.unused, e.absence(), skipped)
	e.sources.options.Cache.Stands(Etcd, e.inStep, e.problem)
	// That etcd has not answered yet is no error, and each value that is skipped has a line of its own.
	e.last.say(&reading{sources: e.sources}, Etcd, errors.Join(held, e.unused, e.away))
}

// absence says that etcd is not there, and how old what is in force is.
func (e *shared) absence() error {
	made := e.inStep.UTC().Format(time.RFC3339)
	switch {
	case e.away == nil && e.listed:
		return nil
	case e.away == nil && e.inStep.IsZero():
		return errors.New("etcd has not answered yet")
	case e.away == nil:
		return fmt.Errorf("etcd has not answered yet; in force is what it held at %s", made)
	case e.inStep.IsZero():
		return fmt.Errorf("etcd is away, and there is no copy of its tenants: %w", e.away)
	}
	return fmt.Errorf("etcd is away; in force is what it held at %s: %w", made, e.away)
}
