package sources

import (
	"time"

	"github.com/headgate/headgate/authcache"
)

// departure is a key in force that etcd has no more, without an operator's wish.
type departure struct {
	since time.Time
	held  bool // until etcd has it again, or somebody accepts
}

// holdWindow is how long such a key stays: then it is clear whether most others have gone with it (DESIGN.md §5). None of
// them has been refused a push by then.
const holdWindow = 10 * time.Second

// due are the keys that may go now. When too many are leaving, none of them may: they are held.
func (r *roster) due(now time.Time) []string {
	if len(r.leaving) == 0 {
		return nil
	}
	if authcache.MassRemoval(len(r.leaving), len(r.inForce)) {
		r.holdAll()
		return nil
	}
	few := !authcache.MassRemoval(len(r.inForce), len(r.inForce)) // so that all of them might go
	var keys []string
	for key, d := range r.leaving {
		if !d.held && (few || now.Sub(d.since) >= holdWindow) {
			keys = append(keys, key)
		}
	}
	return keys
}

// holdAll holds all that are leaving.
func (r *roster) holdAll() {
	for key, d := range r.leaving {
		d.held = true
		r.leaving[key] = d
	}
}

// nextDue is when the next key may go, zero for never.
func (r *roster) nextDue() (next time.Time) {
	for _, d := range r.leaving {
		if at := d.since.Add(holdWindow); !d.held && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// expire lets those go whose time is over. It reports whether anything is different.
func (r *roster) expire(now time.Time) (changed bool) { return r.settle(&step{}, now) }

// accept lets all go that are leaving, and believes a list without tenants. It reports whether anything is different.
func (r *roster) accept(now time.Time) (changed bool) {
	s := &step{changed: r.doubted}
	if r.doubted {
		r.trusted, r.doubted, r.moved = true, false, false
	}
	for key := range r.leaving {
		s.gone = append(s.gone, key)
	}
	clear(r.leaving)
	return r.settle(s, now)
}
