package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// Etcd is the name of the source that the gateways of a fleet share.
const Etcd = "etcd"

// shared is [etcd]. What it holds is guarded by Sources.mu; the methods of a fleet.Follower take it.
type shared struct {
	sources *Sources
	config  config.Etcd
	reader  *config.SharedTenants
	copy    fleet.Copy // without a path: none is kept
	store   *fleet.Store
	end     context.CancelFunc
	ended   chan struct{} // closed when nobody follows etcd any more
	first   chan struct{} // closed when etcd has answered, or has not

	filled  bool              // texts are what etcd held at some time
	texts   map[string]string // what is in force, by key; of a bad value, the good one before it
	limits  map[string]limited
	unclear []string           // tenants whose keys contradict each other about limits
	bad     map[string]skipped // values that are not in force, by key
	held    map[string]bool    // keys whose removal is held
	recent  []removal          // of the last holdWindow
	away    error              // why etcd cannot be reached
	last    outcome
	saving  *time.Timer // of the copy; nil: it is as it should be
	settled bool        // first is closed
}

// skipped is a value that is not in force.
type skipped struct{ text, problem string }

// limited is what a key says of the limits of its tenant.
type limited struct {
	tenant string
	limits config.TenantLimits
}

// removal is a key that went without an operator's wish.
type removal struct {
	key, text string
	at        time.Time
}

const (
	holdWindow = 10 * time.Second // within which removals are added up (DESIGN.md §5)
	saveAfter  = 2 * time.Second  // after a change the copy is written; what changes meanwhile is in it
	firstWait  = 3 * time.Second  // for etcd to answer before the gateway serves
)

// newShared opens the etcd of a configuration; start follows it.
func newShared(s *Sources, cfg *config.Config) (*shared, error) {
	options := FleetOptions(&cfg.Etcd)
	store, err := fleet.Open(options)
	if err != nil {
		return nil, err
	}
	e := &shared{
		sources: s, config: cfg.Etcd, reader: cfg.SharedTenants(), store: store,
		copy:  fleet.Copy{Path: cfg.Etcd.CachePath(), Endpoints: options.Endpoints, Prefix: options.Prefix},
		ended: make(chan struct{}), first: make(chan struct{}),
		texts: map[string]string{}, limits: map[string]limited{}, bad: map[string]skipped{}, held: map[string]bool{},
	}
	return e, nil
}

// start begins with the copy, and follows etcd from then on. The caller holds Sources.mu.
func (e *shared) start() {
	e.sources.options.Cache.Expect(Etcd)
	if !e.filled {
		e.loadCopy()
	}
	ctx, end := context.WithCancel(context.Background())
	e.end = end
	go func() {
		defer close(e.ended)
		e.store.Follow(ctx, e)
		e.store.Close()
	}()
}

// loadCopy puts the copy in force until etcd answers.
func (e *shared) loadCopy() {
	if e.copy.Path == "" {
		return
	}
	all, made, err := e.copy.Load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		e.sources.options.Log.Error("the copy of etcd's tenants is not used", "problem", err)
		return
	}
	e.away = fmt.Errorf("etcd has not answered yet; in force is the copy of %s", made.Format(time.RFC3339))
	e.sources.options.Log.Info("tenants from the copy, until etcd answers", "file", e.copy.Path, "made", made, "keys", len(all))
	e.fill(all)
}

// stop ends the following, without waiting for it.
func (e *shared) stop() {
	e.end()
	if e.saving != nil && e.saving.Stop() {
		e.saving = nil
		e.save()
	}
	e.answered()
}

// answered lets a start go on.
func (e *shared) answered() {
	if !e.settled {
		e.settled = true
		close(e.first)
	}
}

// lock takes the lock for a call of fleet, and reports whether it still counts: after a reload etcd may be another.
func (e *shared) lock() (counts bool, unlock func()) {
	e.sources.mu.Lock()
	return e.sources.shared == e && !e.sources.closed, e.sources.mu.Unlock
}

// Listed implements fleet.Follower.
func (e *shared) Listed(all map[string]string) {
	counts, unlock := e.lock()
	defer unlock()
	if !counts {
		return
	}
	e.away = nil
	defer e.answered()
	if !e.filled {
		e.fill(all)
		e.saveSoon()
		return
	}
	var changes []fleet.Change
	for key, text := range all {
		if was, there := e.texts[key]; !there || was != text || e.held[key] {
			changes = append(changes, fleet.Change{Key: key, Text: text})
		}
	}
	for key := range e.texts {
		if _, there := all[key]; !there && !e.held[key] {
			changes = append(changes, fleet.Change{Key: key, Gone: true})
		}
	}
	for key := range e.bad {
		if _, there := all[key]; !there {
			changes = append(changes, fleet.Change{Key: key, Gone: true})
		}
	}
	e.apply(changes)
}

// Changed implements fleet.Follower.
func (e *shared) Changed(changes []fleet.Change) {
	counts, unlock := e.lock()
	defer unlock()
	if counts {
		e.away = nil
		e.apply(changes)
	}
}

// Away implements fleet.Follower.
func (e *shared) Away(err error) {
	counts, unlock := e.lock()
	defer unlock()
	if !counts {
		return
	}
	e.away = fmt.Errorf("etcd is away, the last set stays in force: %w", err)
	e.judge()
	e.answered()
}

// fill puts all keys in force at once.
func (e *shared) fill(all map[string]string) {
	clear(e.texts)
	clear(e.limits)
	clear(e.bad)
	entries := make([]authcache.Entry, 0, len(all))
	keys := make([]string, 0, len(all))
	for key, text := range all {
		t, ok := e.parse(key, text)
		if !ok {
			continue
		}
		entries, keys = append(entries, t.Entry), append(keys, key)
		e.texts[key] = text
	}
	for {
		change, err := e.sources.options.Cache.Replace(Etcd, entries, authcache.EachOnce)
		refused, ok := errors.AsType[*authcache.ReplaceError](err)
		if !ok {
			e.sources.tell(Etcd, change)
			break
		}
		entries, keys = e.leaveOut(refused.Problems, entries, keys)
	}
	e.filled = true
	e.applyLimits()
	e.judge()
}

// leaveOut takes the entries out that cannot be in force beside the others.
func (e *shared) leaveOut(problems []authcache.EntryError, entries []authcache.Entry, keys []string) ([]authcache.Entry, []string) {
	for _, problem := range slices.Backward(problems) {
		i := problem.Index
		e.skip(keys[i], e.texts[keys[i]], problem.Err)
		delete(e.texts, keys[i])
		delete(e.limits, keys[i])
		entries, keys = slices.Delete(entries, i, i+1), slices.Delete(keys, i, i+1)
	}
	return entries, keys
}

// parse reads a value. One that is bad is skipped.
func (e *shared) parse(key, text string) (*config.SharedTenant, bool) {
	t, err := e.reader.Parse(key, text)
	if err != nil {
		e.skip(key, text, err)
		return nil, false
	}
	delete(e.bad, key)
	delete(e.limits, key)
	if t.Limits != nil {
		e.limits[key] = limited{t.ID, *t.Limits}
	}
	return t, true
}

// skip notes a value that is not in force, and says so when that is news.
func (e *shared) skip(key, text string, err error) {
	was := e.bad[key]
	e.bad[key] = skipped{text, err.Error()}
	if was.problem != err.Error() {
		e.sources.options.Log.Error("a tenant of etcd is skipped, what stood there before stays", "key", key, "problem", err)
	}
}

// applyLimits puts the limits in force that the keys give to their tenants. Of two that contradict each other neither
// counts.
func (e *shared) applyLimits() {
	all := make(map[string]config.TenantLimits, len(e.limits))
	var unclear []string
	for _, l := range e.limits {
		if there, given := all[l.tenant]; given && there != l.limits {
			unclear = append(unclear, l.tenant)
		}
		all[l.tenant] = l.limits
	}
	slices.Sort(unclear)
	unclear = slices.Compact(unclear)
	for _, tenant := range unclear {
		delete(all, tenant)
	}
	if !slices.Equal(unclear, e.unclear) {
		e.unclear = unclear
		if len(unclear) > 0 {
			e.sources.options.Log.Error("keys of etcd give one tenant different limits, and none of them counts", "tenants", someNames(unclear))
		}
	}
	if err := e.sources.options.Limits(Etcd, all); err != nil {
		e.sources.options.Log.Error("limits of tenants from etcd are not in force, those before stay", "problem", err)
	}
}

// judge says how the source stands: etcd is away, something is held, or all is well.
func (e *shared) judge() {
	r := &reading{sources: e.sources}
	var held error
	if len(e.held) > 0 {
		clients := make([]string, 0, len(e.held))
		for key := range e.held {
			clients = append(clients, key)
		}
		slices.Sort(clients)
		held = &authcache.HeldError{Source: Etcd, Clients: clients, Removed: len(clients), Of: len(e.texts)}
	}
	if err := errors.Join(held, e.away); err != nil {
		e.last.failed(r, Etcd, err)
		return
	}
	e.last.say(r, Etcd, nil)
}

// accept lets what is held go.
func (e *shared) accept() {
	if len(e.held) == 0 {
		return
	}
	gone := make([]string, 0, len(e.held))
	for key := range e.held {
		gone = append(gone, key)
	}
	e.amend(nil, nil, gone)
}

// use puts another configuration in force, for the same etcd.
func (e *shared) use(cfg *config.Config) {
	e.reader = cfg.SharedTenants()
	if e.filled {
		all := maps.Clone(e.texts)
		bad := maps.Clone(e.bad)
		e.fill(all)
		e.bad = bad
		e.retry()
	}
}

// retry tries the values once more that were skipped: what was in their way may be gone.
func (e *shared) retry() {
	changes := make([]fleet.Change, 0, len(e.bad))
	for key, value := range e.bad {
		changes = append(changes, fleet.Change{Key: key, Text: value.text})
	}
	if len(changes) > 0 {
		e.apply(changes)
	}
}

// saveSoon has the copy written in a moment.
func (e *shared) saveSoon() {
	if e.copy.Path == "" || e.saving != nil {
		return
	}
	e.saving = time.AfterFunc(saveAfter, func() {
		e.sources.mu.Lock()
		defer e.sources.mu.Unlock()
		if e.saving != nil {
			e.saving = nil
			e.save()
		}
	})
}

// save writes the copy.
func (e *shared) save() {
	if err := e.copy.Save(e.texts, time.Now()); err != nil {
		e.sources.options.Log.Error("the copy of etcd's tenants cannot be written", "file", e.copy.Path, "problem", err)
	}
}
