package authcache

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Replace makes entries the whole of what a source has, and says what that changed. All of them come into force or none:
// with an error nothing changes but that the source counts as failed (see Failed), so that a credential which may stand
// in it is Unready, not Rejected. The error is then a *ReplaceError, or a *HeldError.
//
// What is new answers before what is old stops, so a client that moves from a plain password to its hash, or from one
// user name to another, is known at every moment. A slow credential that is in both sets keeps its verified secret, also
// when its identity changed; one that is gone stops answering before Replace returns. Remembered rejections are
// forgotten.
//
// With HoldRemovals, a set without most of what the source had is not put in force at all: see HeldError.
//
// Two entries with one user name must be of one tenant, also across sources; several passwords for it are one client's
// rotation. The same credential twice is fine as long as both say the same.
func (c *Cache) Replace(name string, entries []Entry, options ...ReplaceOption) (Change, error) {
	return c.replace(name, entries, nil, options)
}

// ReplacePart is Replace for a source of which only a part could be read, and the rest is missing for this reason: what
// was read comes into force, and the source counts as failed, without a moment between the two.
func (c *Cache) ReplacePart(name string, entries []Entry, missing error, options ...ReplaceOption) (Change, error) {
	return c.replace(name, entries, missing, options)
}

func (c *Cache) replace(name string, entries []Entry, missing error, options []ReplaceOption) (Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	s := c.sourceNamed(name)
	p := &plan{}
	if problems := c.plan(s, entries, p); len(problems) > 0 {
		err := &ReplaceError{Source: name, Problems: problems}
		c.fail(s, err)
		return Change{}, err
	}
	if held := c.massRemoval(s, p); held != nil && slices.Contains(options, HoldRemovals) {
		c.fail(s, errors.Join(held, missing))
		return Change{}, held
	}
	if missing != nil {
		c.fail(s, missing) // first: who does not find an entry any more must find the source in doubt
	}
	change := c.apply(s, p, c.disown(s))
	s.records, s.places = p.records(), nil
	generation := c.generation.Add(1)
	c.passwords.rejections.forget(generation)
	if missing == nil {
		s.read, s.at, s.err = true, time.Now(), nil
		c.hold(s, nil)
		c.recount(s) // last: who finds the source read must find its entries too
	}
	return change, nil
}

// Drop takes a source out, with all that only it has.
func (c *Cache) Drop(name string) Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sources[name]
	if s == nil {
		return Change{}
	}
	c.round++
	change := c.apply(s, &plan{}, c.disown(s))
	generation := c.generation.Add(1)
	c.passwords.rejections.forget(generation)
	s.read, s.err = true, nil
	c.hold(s, nil)
	c.recount(s)
	delete(c.sources, name)
	return change
}

// plan is how a source gets from the records it has to those it shall have.
type plan struct {
	keep []kept
	add  []addition // not yet owned, nor in any table

	leaving map[*record]bool // those that go unless the plan keeps them; nil: all that the source has
	once    bool             // the same credential at two places is an error, even if both say the same
}

// records are those that the source has when a plan for all of them is carried out.
func (p *plan) records() []*record {
	all := make([]*record, 0, len(p.keep)+len(p.add))
	for _, k := range p.keep {
		all = append(all, k.record)
	}
	for _, a := range p.add {
		all = append(all, a.record)
	}
	return all
}

// stays is an owner that keeps the record whatever the plan does with what the source has, nil if there is none.
func (p *plan) stays(s *source, r *record) *owner {
	if p.leaving != nil && !p.leaving[r] {
		if o := r.ownedBy(s); o != nil {
			return o
		}
	}
	return r.ownedByOther(s)
}

// kept is a record that is in force already, and the entry that wants it so.
type kept struct {
	record *record
	entry  *Entry
}

// plan finds out what to do, puts it into p, and changes nothing but the round in which records were seen. Of entries that
// are in each other's way the first may be; one that may not be is in nobody's way.
func (c *Cache) plan(s *source, entries []Entry, p *plan) []EntryError {
	taken := claims{
		credentials: make(map[digest]*Entry, len(entries)), users: make(map[string]*Entry, len(entries)),
		prefixes: map[netip.Prefix]*Entry{},
	}
	var problems []EntryError
	for i := range entries {
		e := &entries[i]
		if err := c.planOne(s, e, p, taken); err != nil {
			problems = append(problems, EntryError{Index: i, Where: e.Where, Err: err})
		}
	}
	return problems
}

// claims are what the entries of a plan have taken so far.
type claims struct {
	credentials map[digest]*Entry
	users       map[string]*Entry
	prefixes    map[netip.Prefix]*Entry // open to credentials of nobody
}

// take notes what an entry takes, which may be.
func (t claims) take(d digest, e *Entry) {
	t.credentials[d] = e
	switch e.Scheme {
	case Basic:
		t.users[e.User] = e
	case Anonymous:
		for _, prefix := range e.Identity.Terms.AllowFrom {
			t.prefixes[prefix.Masked()] = e
		}
	}
}

// planOne plans for one entry, or says why it cannot be.
func (c *Cache) planOne(s *source, e *Entry, p *plan, taken claims) error {
	if err := e.validate(); err != nil {
		return err
	}
	d, hash, err := c.digestOf(e)
	if err != nil {
		return err
	}
	if err := c.sameTenant(s, e, taken.users, p); err != nil {
		return err
	}
	if e.Scheme == Anonymous {
		if err := c.sameAddresses(s, e, d, taken.prefixes, p); err != nil {
			return err
		}
	}
	if other := taken.credentials[d]; other != nil {
		if same := other.Identity.Equal(e.Identity); p.once || !same {
			return twiceError(other.Where, same)
		}
		return nil
	}
	r := c.configured(d, e, hash)
	if r == nil {
		p.add = append(p.add, addition{d, newRecord(hash, e)})
		taken.take(d, e)
		return nil
	}
	same := r.identity.Load().Equal(e.Identity)
	if o := p.stays(s, r); o != nil && (o.source == s || !same) {
		return twiceError(o.where, same)
	}
	r.seen = c.round
	p.keep = append(p.keep, kept{r, e})
	taken.take(d, e)
	return nil
}

func twiceError(where string, same bool) error {
	if same {
		return fmt.Errorf("the same credential is at %s; give it once", where)
	}
	return fmt.Errorf("the same credential is at %s with another tenant, name, scopes or terms; give it once", where)
}

// sameTenant checks that a user name has one tenant only, in the new entries (those before this one are in users) and in
// the other sources.
func (c *Cache) sameTenant(s *source, e *Entry, users map[string]*Entry, p *plan) error {
	if e.Scheme != Basic {
		return nil
	}
	if first := users[e.User]; first != nil {
		if first.Identity.Tenant != e.Identity.Tenant {
			return tenantsError(e, first.Identity.Tenant, first.Where)
		}
		return nil
	}
	for r := c.users[e.User]; r != nil; r = r.nextName {
		o := p.stays(s, r)
		if o == nil {
			continue
		}
		if tenant := r.identity.Load().Tenant; tenant != e.Identity.Tenant {
			return tenantsError(e, tenant, o.where)
		}
		return nil // all records of a name have one tenant
	}
	return nil
}

func tenantsError(e *Entry, tenant, where string) error {
	return fmt.Errorf("user name %q has tenant %q here and %q at %s; want one tenant for one user name",
		e.User, e.Identity.Tenant, tenant, where)
}

// configured returns the record in force of this digest, nil if there is none.
func (c *Cache) configured(d digest, e *Entry, h *hashedSecret) *record {
	switch {
	case e.Scheme == Anonymous:
		return c.open[d]
	case h != nil && h.hash != nil:
		return c.hashes[d]
	}
	return c.static.record(&d)
}

// newRecord clones what it keeps: the strings of an entry are often parts of a file with passwords in it.
func newRecord(h *hashedSecret, e *Entry) *record {
	r := &record{scheme: e.Scheme, hashed: h}
	if e.Scheme == Basic {
		r.user = strings.Clone(e.User)
	}
	r.owner.where = strings.Clone(e.Where) // the source follows when the plan is carried out
	r.identity.Store(e.Identity)
	return r
}
