package authcache

import "slices"

// Amend changes single entries of a source, which has no others than those of Amend: those of changed come into force, each
// in the place of the one with its Where, and those go whose Where is in gone. It costs what the change is worth, not what
// the source holds. How the source stands does not change by it: see Stands.
//
// An entry that cannot be is left out, and what stood in its place stays; the errors are of those, in the order of the
// entries. Their Index is that in changed. Of two that are in each other's way the first may be. The same credential at two
// places is an error, even if both say the same: the one is not to stay when the other goes.
func (c *Cache) Amend(name string, changed []Entry, gone []string) (Change, []EntryError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sourceNamed(name)
	s.index()
	p, problems := c.planAmendment(s, changed, gone)
	if len(p.keep)+len(p.add)+len(p.leaving) == 0 {
		return Change{}, problems // and what was rejected still is
	}
	change := c.amend(s, p)
	generation := c.generation.Add(1)
	c.passwords.rejections.forget(generation)
	return change, problems
}

// planAmendment plans for as many entries as can be. One that cannot be keeps what it was to replace, and that may be in
// the way of another, so it takes as many rounds as there are such entries, at most.
func (c *Cache) planAmendment(s *source, changed []Entry, gone []string) (*plan, []EntryError) {
	var refused []EntryError
	tried := make([]int, len(changed)) // of changed
	for i := range tried {
		tried[i] = i
	}
	for {
		c.round++
		p := &plan{leaving: map[*record]bool{}, once: true}
		entries := make([]Entry, 0, len(tried))
		leave := func(where string) {
			if i, there := s.places[where]; there {
				p.leaving[s.records[i]] = true
			}
		}
		for _, where := range gone {
			leave(where)
		}
		for _, i := range tried {
			entries = append(entries, changed[i])
			leave(changed[i].Where)
		}
		problems := c.plan(s, entries, p)
		if len(problems) == 0 {
			slices.SortFunc(refused, func(a, b EntryError) int { return a.Index - b.Index })
			return p, refused
		}
		out := map[int]bool{}
		for _, problem := range problems {
			problem.Index = tried[problem.Index]
			out[problem.Index] = true
			refused = append(refused, problem)
		}
		tried = slices.DeleteFunc(tried, func(i int) bool { return out[i] })
	}
}

// amend carries a plan for some of the records out, and notes what the source has then.
func (c *Cache) amend(s *source, p *plan) Change {
	var orphans []*record
	staying := map[*record]int{} // places of those that leave where they are, but not the source
	for r := range p.leaving {
		where := r.ownedBy(s).where
		if r.seen != c.round {
			s.remove(where)
			if r.disown(s) {
				orphans = append(orphans, r)
			}
		}
	}
	for r := range p.leaving {
		if r.seen == c.round {
			where := r.ownedBy(s).where
			staying[r] = s.places[where]
			delete(s.places, where)
		}
	}
	change := c.apply(s, p, orphans)
	for _, k := range p.keep {
		place, there := staying[k.record]
		if !there { // it was another source's alone
			place = len(s.records)
			s.records = append(s.records, k.record)
		}
		s.places[k.record.ownedBy(s).where] = place
	}
	for _, a := range p.add {
		s.places[a.record.owner.where] = len(s.records)
		s.records = append(s.records, a.record)
	}
	return change
}

// index makes the records be found by where they are.
func (s *source) index() {
	if s.places != nil {
		return
	}
	s.places = make(map[string]int, len(s.records))
	for i, r := range s.records {
		s.places[r.ownedBy(s).where] = i
	}
}

// remove takes a record out of the list. The last one takes its place.
func (s *source) remove(where string) {
	i, last := s.places[where], len(s.records)-1
	s.records[i] = s.records[last]
	s.places[s.records[i].ownedBy(s).where] = i
	s.records[last] = nil
	s.records = s.records[:last]
	delete(s.places, where)
}
