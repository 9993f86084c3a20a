package sources

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// step is what a roster does at once.
type step struct {
	puts    map[string]string // values to be put in force, by key
	gone    []string          // keys in force that are to go
	again   bool              // what is in conflict is tried again even if nothing else happens
	changed bool              // something is different already
}

// candidate is a value that may come into force.
type candidate struct {
	key, text string
	tenant    *config.SharedTenant
	inForce   bool // another value of its key is
	waited    bool // it was in conflict before
}

// atOnce is how many values come into force at once: of very many, what each costs on the way is not there for all of them.
const atOnce = 10_000

// settle carries a step out: what can be in force is, what is to go goes, and what is in conflict waits. It reports whether
// anything is different.
func (r *roster) settle(s *step, now time.Time) (changed bool) {
	s.gone = append(s.gone, r.due(now)...)
	keys := slices.Sorted(maps.Keys(s.puts))
	for ; len(keys) > atOnce; keys = keys[atOnce:] {
		r.amend(s, r.read(s, keys[:atOnce]), nil)
	}
	if fresh := r.read(s, keys); len(fresh)+len(s.gone) > 0 || s.again {
		r.amend(s, append(fresh, r.waiting(fresh)...), s.gone)
	}
	return r.limits.apply() || s.changed
}

// read reads new values. One that is none is skipped, and goes out when it is the very one in force.
func (r *roster) read(s *step, keys []string) []candidate {
	found := make([]candidate, 0, len(keys))
	for _, key := range keys {
		text := s.puts[key]
		before, inForce := r.inForce[key]
		tenant, err := r.reader.Parse(key, text)
		if err == nil {
			found = append(found, candidate{key: key, text: text, tenant: tenant, inForce: inForce})
			continue
		}
		if inForce && before.text == text {
			s.gone = append(s.gone, key)
		}
		r.skip(s, &candidate{key: key, text: text}, err)
	}
	return found
}

// waiting is what was in conflict before, and is not among the fresh: whatever happens may have been in the way.
func (r *roster) waiting(fresh []candidate) []candidate {
	isFresh := make(map[string]bool, len(fresh))
	for i := range fresh {
		isFresh[fresh[i].key] = true
	}
	var found []candidate
	for key, value := range r.skipped {
		if value.tenant != nil && !isFresh[key] {
			_, inForce := r.inForce[key]
			found = append(found, candidate{key, value.text, value.tenant, inForce, true})
		}
	}
	return found
}

// amend changes what is in force. Of values that are in each other's way, first come those whose key is in force already,
// then those that are new, in the order of their keys: so all gateways that have seen the same decide the same.
func (r *roster) amend(s *step, candidates []candidate, gone []string) {
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(falseFirst(!a.inForce, !b.inForce), falseFirst(a.waited, b.waited), cmp.Compare(a.key, b.key))
	})
	entries := make([]authcache.Entry, len(candidates))
	for i := range candidates {
		entries[i] = candidates[i].tenant.Entry
	}
	places := make([]string, len(gone))
	for i, key := range gone {
		places[i] = config.SharedWhere(key)
	}
	change, refused := r.cache.Amend(Etcd, entries, places)
	for _, key := range gone {
		r.strike(s, key)
	}
	for i := range candidates {
		if len(refused) > 0 && refused[0].Index == i {
			r.skip(s, &candidates[i], refused[0].Err)
			refused = refused[1:]
			continue
		}
		r.enrol(s, &candidates[i])
	}
	r.changed(change)
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// enrol notes that a value is in force.
func (r *roster) enrol(s *step, c *candidate) {
	value := enrolled{text: c.text}
	if c.tenant.Limits != nil {
		value.limits = &limited{c.tenant.ID, *c.tenant.Limits}
	}
	r.limits.move(c.key, r.inForce[c.key].limits, value.limits)
	r.inForce[c.key] = value
	if _, was := r.skipped[c.key]; was {
		r.log.Info("a value of etcd that was skipped is in force", "key", c.key)
		delete(r.skipped, c.key)
	}
	s.changed = true
}

// strike notes that nothing of a key is in force.
func (r *roster) strike(s *step, key string) {
	r.limits.move(key, r.inForce[key].limits, nil)
	delete(r.inForce, key)
	delete(r.leaving, key)
	s.changed = true
}

// skip notes a value that is not in force, and says so when that is news.
func (r *roster) skip(s *step, c *candidate, err error) {
	was, before := r.skipped[c.key]
	r.skipped[c.key] = skipped{c.text, err.Error(), c.tenant}
	if before && was.text == c.text && was.problem == err.Error() {
		return
	}
	s.changed = true
	text := "a value of etcd is skipped, and nothing of its key is in force"
	if value, there := r.inForce[c.key]; there && value.text != c.text {
		text = "a value of etcd is skipped, what its key held before stays in force"
	}
	r.log.Error(text, "key", c.key, "problem", err)
}
