package sources

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// Etcd is the name of the source that the gateways of a fleet share.
const Etcd = "etcd"

// roster is the clients that etcd wants, and what of them is in force. It is told what etcd holds and what changes, and
// decides the same whoever tells it: shared, which follows etcd, or a command that wants to know what gateways would do.
//
// Of a key it knows up to three things. A value is in force, until a better one or an end is. A value that etcd holds is
// skipped, because it is none or in conflict; what was in force before stays. And a key in force is leaving: etcd has it no
// more, though no operator has removed it.
type roster struct {
	cache   *authcache.Cache
	reader  *config.SharedTenants
	limits  statedLimits
	log     *slog.Logger
	changed func(authcache.Change) // is told of each change of the credentials

	inForce map[string]enrolled
	skipped map[string]skipped
	leaving map[string]departure
	trusted bool // etcd has shown a tenant, or somebody has said that there is to be none
	doubted bool // etcd has listed and shown none, so the list does not count
	moved   bool // the next list is of another place: what is not in it need not stay
}

// enrolled is a value in force.
type enrolled struct {
	text   string
	limits *limited // nil: it says nothing of them
}

// skipped is a value that etcd holds and that is not in force.
type skipped struct {
	text, problem string
	tenant        *config.SharedTenant // of one in conflict, to be tried again; nil: it can never be
}

// newRoster has nobody on it.
func newRoster(o Options, reader *config.SharedTenants) *roster {
	return &roster{
		cache: o.Cache, reader: reader, log: o.Log,
		limits:  statedLimits{amend: o.AmendLimits, log: o.Log, byTenant: map[string][]statement{}, problems: map[string]limitProblem{}},
		changed: func(c authcache.Change) { o.tell(Etcd, c) },
		inForce: map[string]enrolled{}, skipped: map[string]skipped{}, leaving: map[string]departure{},
	}
}

// fill puts the values of a copy in force, until etcd lists. One that is empty was believed once, and may be again.
func (r *roster) fill(all map[string]string) {
	r.trusted = len(all) == 0
	r.settle(&step{puts: all}, time.Now())
}

// list is told all that etcd holds, and which keys an operator has removed. It reports whether anything is different. A
// first list without a tenant or a trace of one is more likely of a wrong prefix than a wish: nobody goes for it.
func (r *roster) list(all map[string]string, removed []string, now time.Time) (changed bool) {
	r.doubted = !r.trusted && len(removed) == 0 && !r.anyTenant(all)
	r.trusted = !r.doubted
	s := &step{puts: map[string]string{}}
	meant := make(map[string]bool, len(removed))
	for _, key := range removed {
		meant[key] = true
	}
	for key, text := range all {
		r.put(s, key, text)
	}
	for key := range r.skipped {
		if _, there := all[key]; !there {
			r.gone(s, key, meant[key], now)
		}
	}
	for key := range r.inForce {
		if _, there := all[key]; !there {
			r.gone(s, key, meant[key] || r.moved && r.trusted, now)
		}
	}
	if r.doubted {
		r.holdAll()
	}
	r.moved = r.moved && r.doubted
	return r.settle(s, now)
}

// anyTenant reports whether one of the values is a tenant.
func (r *roster) anyTenant(all map[string]string) bool {
	for key, text := range all {
		if _, err := r.reader.Parse(key, text); err == nil {
			return true
		}
	}
	return false
}

// change is told what has changed in etcd. It reports whether anything is different.
func (r *roster) change(changes []fleet.Change, now time.Time) (changed bool) {
	s := &step{puts: map[string]string{}}
	for _, c := range changes {
		if c.Gone {
			r.gone(s, c.Key, c.Meant, now)
		} else {
			r.put(s, c.Key, c.Text)
		}
	}
	changed = r.settle(s, now)
	for key := range s.puts {
		if _, inForce := r.inForce[key]; inForce && r.doubted {
			r.trusted, r.doubted = true, false // here is a tenant at last
		}
	}
	return changed
}

// put notes what a key holds.
func (r *roster) put(s *step, key, text string) {
	if _, leaving := r.leaving[key]; leaving {
		delete(r.leaving, key)
		s.changed = true
	}
	if skipped, there := r.skipped[key]; there {
		if skipped.text == text {
			return
		}
		delete(r.skipped, key)
		s.changed = true
	}
	if value, there := r.inForce[key]; !there || value.text != text {
		s.puts[key] = text
	}
}

// gone notes that etcd has a key no more, and whether that was meant.
func (r *roster) gone(s *step, key string, meant bool, now time.Time) {
	if _, skipped := r.skipped[key]; skipped {
		delete(r.skipped, key)
		s.changed = true
	}
	if _, inForce := r.inForce[key]; !inForce {
		return
	}
	_, leaving := r.leaving[key]
	switch {
	case meant:
		delete(r.leaving, key)
		s.gone = append(s.gone, key)
	case !leaving:
		r.leaving[key] = departure{since: now}
	}
}

// move expects the list of another place: what is not in it may go. Until then what is in force stays.
func (r *roster) move(reader *config.SharedTenants, now time.Time) {
	r.trusted, r.doubted, r.moved = false, false, true
	r.reread(reader, now)
}

// reread reads all values once more, as another configuration has them. One that is good no more goes out.
func (r *roster) reread(reader *config.SharedTenants, now time.Time) (changed bool) {
	r.reader = reader
	inForce := &step{puts: make(map[string]string, len(r.inForce))}
	for key, value := range r.inForce {
		inForce.puts[key] = value.text
	}
	waiting := &step{puts: make(map[string]string, len(r.skipped))}
	for key, value := range r.skipped {
		waiting.puts[key] = value.text
	}
	changed = r.settle(inForce, now)
	return r.settle(waiting, now) || changed
}

// retry tries once more what is in conflict: what was in the way, in another source, may be gone. It reports whether
// anything is different.
func (r *roster) retry(now time.Time) (changed bool) {
	r.limits.again()
	return r.settle(&step{again: true}, now)
}

// content is what a copy keeps: the values in force, and those that etcd holds where none is.
func (r *roster) content() map[string]string {
	all := make(map[string]string, len(r.inForce)+len(r.skipped))
	for key, value := range r.skipped {
		all[key] = value.text
	}
	for key, value := range r.inForce {
		all[key] = value.text
	}
	return all
}

// problem says what of etcd is not in force, and why; nil for nothing. A *authcache.HeldError in it is what is held.
func (r *roster) problem() (held, skipped error) {
	var clients []string
	for key, d := range r.leaving {
		if d.held {
			clients = append(clients, key)
		}
	}
	if len(clients) > 0 {
		slices.Sort(clients)
		held = &authcache.HeldError{Source: Etcd, Clients: clients, Removed: len(clients), Of: len(r.inForce)}
	}
	if r.doubted {
		held = errors.Join(held, errNobody)
	}
	var all []error
	for _, key := range slices.Sorted(maps.Keys(r.skipped)) {
		all = append(all, fmt.Errorf("%q is skipped: %s", key, r.skipped[key].problem))
	}
	return held, joined(append(all, r.limits.errors()...), "problems")
}

// errNobody is why a first list does not count.
var errNobody = errors.New("no tenant is under etcd.prefix; want the right prefix, or a first tenant (headgate tenants), " +
	"or POST /reload?accept_removals=true if there is to be none")
