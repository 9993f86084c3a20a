package authcache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ReplaceOption changes what a Replace does.
type ReplaceOption uint8

// HoldRemovals is for a source that is read whenever it changes, without anybody having asked for it: a set without most
// of what the source had is more likely a half-mounted folder than a wish, and is held until somebody accepts it, by
// having the same set replaced without this option.
const HoldRemovals ReplaceOption = 1

// ErrHeld is what every HeldError is.
var ErrHeld = errors.New("the removal is held")

// HeldError is why a Replace with HoldRemovals did nothing: it would have taken away more than half of at least ten
// credentials of the source. The last set stays in force, and the source counts as failed, so that what is new in the set
// that is held is Unready, not Rejected.
//
// A credential is taken away when its client has no other left in the source, nor the credential another source: changing
// all passwords at once is no removal, nor is moving clients to another file.
type HeldError struct {
	Source  string
	Clients []string // whose credentials would go, sorted
	Removed int      // credentials that would go
	Of      int      // credentials that the source has
}

// Error implements error. It names the clients, up to ten.
func (e *HeldError) Error() string {
	named := e.Clients
	more := ""
	if len(named) > 10 {
		more = fmt.Sprintf(" and %d more", len(named)-10)
		named = named[:10]
	}
	return fmt.Sprintf("source %q: %v: it would take away %d of %d credentials (%s%s); accept it with POST /reload?accept_removals=true",
		e.Source, ErrHeld, e.Removed, e.Of, strings.Join(named, ", "), more)
}

// Is makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// leastHeld is how many credentials a source must have for their removal to be held.
const leastHeld = 10

// MassRemoval reports whether the removal of so many credentials of a source is too much to go by itself: more than half
// of at least ten.
func MassRemoval(removed, of int) bool { return of >= leastHeld && 2*removed > of }

// massRemoval tells what a plan would take away, if that is too much to go by itself; else nil.
func (c *Cache) massRemoval(s *source, p *plan) *HeldError {
	if len(s.records) < leastHeld {
		return nil
	}
	left := map[client]bool{}
	for _, k := range p.keep {
		left[k.entry.Identity.client()] = true
	}
	for _, a := range p.add {
		left[a.record.identity.Load().client()] = true
	}
	held := &HeldError{Source: s.name, Of: len(s.records)}
	for _, r := range s.records {
		identity := r.identity.Load()
		if r.seen == c.round || left[identity.client()] || r.ownedByOther(s) != nil {
			continue
		}
		held.Removed++
		held.Clients = append(held.Clients, identity.Client)
	}
	if !MassRemoval(held.Removed, held.Of) {
		return nil
	}
	slices.Sort(held.Clients)
	held.Clients = slices.Compact(held.Clients)
	return held
}

// hold notes what of a source is held, nil for nothing. It needs Cache.mu.
func (c *Cache) hold(s *source, held *HeldError) {
	c.heldBack.Add(-int64(s.kept))
	s.held, s.kept = nil, 0
	if held != nil {
		s.held, s.kept = held.Clients, held.Removed
		c.heldBack.Add(int64(s.kept))
	}
}
