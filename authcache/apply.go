package authcache

import (
	"maps"
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache/verify"
)

// apply carries the plan out: first all that is new, then what is gone, which nobody owns any more. What the source has
// afterwards is for the caller to note.
func (c *Cache) apply(s *source, p *plan, orphans []*record) Change {
	c.clients.begin(len(p.add) + len(orphans))
	var altered []*record // in the static table
	for _, k := range p.keep {
		if c.keep(s, k) && k.record.static() {
			altered = append(altered, k.record)
		}
	}
	var static []addition
	var slow []*record
	for _, a := range p.add {
		a.record.owner.source = s
		c.clients.gain(a.record.identity.Load())
		c.link(a)
		if a.record.static() {
			static = append(static, a)
		}
		if a.record.slow() {
			slow = append(slow, a.record)
		}
	}
	c.unlink(orphans)
	for _, r := range orphans {
		c.clients.lose(r.identity.Load())
	}

	slowOrphans := slices.DeleteFunc(slices.Clone(orphans), func(r *record) bool { return !r.slow() })
	staticOrphans := slices.DeleteFunc(slices.Clone(orphans), func(r *record) bool { return !r.static() })
	c.length.Add(int64(len(p.add) - len(orphans)))
	c.count(p.add)
	c.static.add(static, altered)
	if len(orphans) > 0 {
		// Who looked in one place before a secret came there, and in another after it went, has to look again.
		c.generation.Add(1)
	}
	c.renew(slow, slowOrphans)
	c.openTo.renew(c.open)
	c.static.drop(staticOrphans)
	c.discount(orphans)
	return c.clients.change()
}

// count notes credentials that are about to be found. The numbers come first: who finds one must look in all places.
func (c *Cache) count(added []addition) {
	for _, a := range added {
		c.byScheme[a.record.scheme].Add(1)
		if h := a.record.hashed; h != nil {
			c.hashed.Add(1)
			if h.hash == nil {
				c.generated.Add(1)
			}
		}
	}
}

// discount is for credentials that are gone: what they proved must not answer any more.
func (c *Cache) discount(orphans []*record) {
	for _, r := range orphans {
		c.byScheme[r.scheme].Add(-1)
		if r.hashed == nil {
			continue
		}
		r.hashed.gone.Store(true)
		if p := r.hashed.proof.Load(); p != nil {
			c.disprove(r, p.digest)
		}
		c.hashed.Add(-1)
		if r.hashed.hash == nil {
			c.generated.Add(-1)
		}
	}
}

// keep brings a record that stays up to date, and reports whether it has another identity now.
func (c *Cache) keep(s *source, k kept) bool {
	if o := k.record.ownedBy(s); o == nil {
		k.record.own(s, strings.Clone(k.entry.Where))
	} else if o.where != k.entry.Where {
		o.where = strings.Clone(k.entry.Where)
	}
	before := k.record.identity.Load()
	if before.Equal(k.entry.Identity) {
		return false
	}
	k.record.identity.Store(k.entry.Identity)
	c.clients.lose(before)
	c.clients.gain(k.entry.Identity)
	return true
}

// disown takes from the source the records it does not have any more, and returns those that nobody has.
func (c *Cache) disown(s *source) []*record {
	var orphans []*record
	for _, r := range s.records {
		if r.seen != c.round && r.disown(s) {
			orphans = append(orphans, r)
		}
	}
	return orphans
}

// link enters a record into the writers' indexes.
func (c *Cache) link(a addition) {
	r := a.record
	if r.user != "" {
		r.nextName = c.users[r.user]
		c.users[r.user] = r
	}
	if r.slow() {
		c.hashes[a.digest] = r
	}
	if r.scheme == Anonymous {
		c.open[a.digest] = r
	}
}

// unlink takes orphans out of the writers' indexes.
func (c *Cache) unlink(orphans []*record) {
	users := map[string]bool{}
	for _, r := range orphans {
		if r.slow() {
			delete(c.hashes, r.hashed.digest)
		}
		if r.scheme == Anonymous {
			maps.DeleteFunc(c.open, func(_ digest, open *record) bool { return open == r })
		}
		if r.user != "" && !users[r.user] {
			users[r.user] = true
			c.unlinkName(r.user)
		}
	}
}

// unlinkName takes all orphans out of the list of one user name.
func (c *Cache) unlinkName(user string) {
	var first *record
	last := &first
	for r := c.users[user]; r != nil; r = r.nextName {
		if !r.orphan() {
			*last = r
			last = &r.nextName
		}
	}
	*last = nil
	if first == nil {
		delete(c.users, user)
		return
	}
	c.users[user] = first
}

// renew gives every user name with a slow credential that came or went its new list.
func (c *Cache) renew(fresh, old []*record) {
	if len(fresh)+len(old) == 0 {
		return
	}
	highest, sunk := *c.highest.Load(), false
	changed := map[string]*slowName{}
	for _, records := range [][]*record{fresh, old} {
		for _, r := range records {
			if _, done := changed[r.user]; done {
				continue
			}
			before, now := c.names.find([]byte(r.user)), c.slowNameOf(r.user)
			changed[r.user] = now
			sunk = sunk || before != nil && before.work.Reaches(highest)
			if now != nil {
				highest = highest.Max(now.work)
			}
		}
	}
	// The number and the work first: who finds a name must find both.
	c.slow.Add(int64(len(fresh)))
	c.unbounded.Add(unbounded(fresh))
	c.highest.Store(&highest)
	c.names.update(changed)
	c.slow.Add(-int64(len(old)))
	c.unbounded.Add(-unbounded(old))
	if sunk {
		highest := c.names.highest()
		c.highest.Store(&highest)
	}
}

// unbounded counts the hashes that take passwords of any length.
func unbounded(records []*record) (n int64) {
	for _, r := range records {
		if verify.TakesAnyLength(r.hashed.hash) {
			n++
		}
	}
	return n
}

// slowNameOf makes the list of a user name's slow credentials, nil if there is none.
func (c *Cache) slowNameOf(user string) *slowName {
	n := &slowName{}
	for r := c.users[user]; r != nil; r = r.nextName {
		if r.slow() {
			n.records = append(n.records, r)
			n.work = n.work.Plus(r.hashed.hash.Work())
		}
	}
	if n.records == nil {
		return nil
	}
	return n
}
