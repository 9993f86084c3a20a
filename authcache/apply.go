package authcache

import (
	"slices"
	"strings"
)

// apply carries the plan out: first all that is new, then what is gone.
func (c *Cache) apply(s *source, p *plan) Change {
	log := &changeLog{}
	var altered []*record // in the static table
	for _, k := range p.keep {
		if c.keep(s, k, log) && k.record.slow == nil {
			altered = append(altered, k.record)
		}
	}
	for _, a := range p.add {
		if r := a.record; r.user != "" && c.users[r.user] != nil {
			log.changed(r)
		} else {
			log.added(r)
		}
	}
	orphans := c.disown(s)
	s.records = make([]*record, 0, len(p.keep)+len(p.add))
	for _, k := range p.keep {
		s.records = append(s.records, k.record)
	}
	var plain []addition
	var slow []*record
	for _, a := range p.add {
		a.record.owner.source = s
		s.records = append(s.records, a.record)
		c.link(a.record)
		if a.record.slow == nil {
			plain = append(plain, a)
		} else {
			slow = append(slow, a.record)
		}
	}
	c.unlink(orphans)
	for _, r := range orphans {
		if r.user != "" && c.users[r.user] != nil {
			log.changed(r)
		} else {
			log.removed(r)
		}
	}

	slowOrphans, plainOrphans := slices.Clone(orphans), orphans
	slowOrphans = slices.DeleteFunc(slowOrphans, func(r *record) bool { return r.slow == nil })
	plainOrphans = slices.DeleteFunc(plainOrphans, func(r *record) bool { return r.slow != nil })
	c.length.Add(int64(len(p.add) - len(slowOrphans) - len(plainOrphans)))
	c.static.add(plain, altered)
	c.renew(slow, slowOrphans)
	c.static.drop(plainOrphans)
	for _, r := range slowOrphans {
		r.slow.gone.Store(true)
		if proof := r.slow.proof.Load(); proof != nil {
			c.disprove(r, *proof)
		}
	}
	return log.change()
}

// keep brings a record that stays up to date, and reports whether it has another identity now.
func (c *Cache) keep(s *source, k kept, log *changeLog) bool {
	if o := k.record.ownedBy(s); o == nil {
		k.record.own(s, strings.Clone(k.entry.Where))
	} else if o.where != k.entry.Where {
		o.where = strings.Clone(k.entry.Where)
	}
	if k.record.identity.Load().Equal(k.entry.Identity) {
		return false
	}
	k.record.identity.Store(k.entry.Identity)
	log.changed(k.record)
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
func (c *Cache) link(r *record) {
	if r.user != "" {
		r.nextName = c.users[r.user]
		c.users[r.user] = r
	}
	if r.slow != nil {
		c.hashes[r.slow.digest] = r
	}
}

// unlink takes orphans out of the writers' indexes.
func (c *Cache) unlink(orphans []*record) {
	users := map[string]bool{}
	for _, r := range orphans {
		if r.slow != nil {
			delete(c.hashes, r.slow.digest)
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
	highest, sunk := c.highest.Load(), false
	changed := map[string]*slowName{}
	for _, records := range [][]*record{fresh, old} {
		for _, r := range records {
			if _, done := changed[r.user]; done {
				continue
			}
			before, now := c.names.find([]byte(r.user)), c.slowNameOf(r.user)
			changed[r.user] = now
			sunk = sunk || before != nil && before.rounds == highest
			if now != nil {
				highest = max(highest, now.rounds)
			}
		}
	}
	// The number and the work first: who finds a name must find both.
	c.slow.Add(int64(len(fresh)))
	c.highest.Store(highest)
	c.names.update(changed)
	c.slow.Add(-int64(len(old)))
	if sunk {
		c.highest.Store(c.names.highest())
	}
}

// slowNameOf makes the list of a user name's slow credentials, nil if there is none.
func (c *Cache) slowNameOf(user string) *slowName {
	n := &slowName{}
	for r := c.users[user]; r != nil; r = r.nextName {
		if r.slow != nil {
			n.records = append(n.records, r)
			n.rounds += r.slow.hash.Rounds()
		}
	}
	if n.records == nil {
		return nil
	}
	return n
}
