package authcache

import (
	"fmt"
	"slices"
)

// Change is what happened to the credentials of clients, by their names, sorted and each in one of the lists: the tenant, a
// slash and Identity.Client. The slices are the caller's.
type Change struct {
	Added   []string // had no credential before
	Removed []string // have none any more
	Changed []string // got or lost a credential beside others, or have one with another identity
}

// Empty reports whether nothing changed.
func (c Change) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// String is the numbers: "+3 -1 ~2".
func (c Change) String() string {
	return fmt.Sprintf("+%d -%d ~%d", len(c.Added), len(c.Removed), len(c.Changed))
}

// Then is what this change and the next come to. Who came with the one and went with the other is in none of its lists.
func (c Change) Then(next Change) Change {
	type known struct{ before, after bool }
	all := make(map[string]known)
	c.each(func(name string, before, after bool) { all[name] = known{before, after} })
	next.each(func(name string, before, after bool) {
		if first, twice := all[name]; twice {
			before = first.before
		}
		all[name] = known{before, after}
	})
	var both Change
	for name, k := range all {
		both.put(name, k.before, k.after)
	}
	return both.sorted()
}

// each calls f for every name, with whether it had and has credentials.
func (c Change) each(f func(name string, before, after bool)) {
	for _, list := range []struct {
		names         []string
		before, after bool
	}{{c.Added, false, true}, {c.Removed, true, false}, {c.Changed, true, true}} {
		for _, name := range list.names {
			f(name, list.before, list.after)
		}
	}
}

// put enters a name that something happened to, once.
func (c *Change) put(name string, before, after bool) {
	switch {
	case before && after:
		c.Changed = append(c.Changed, name)
	case before:
		c.Removed = append(c.Removed, name)
	case after:
		c.Added = append(c.Added, name)
	}
}

func (c Change) sorted() Change {
	for _, names := range [][]string{c.Added, c.Removed, c.Changed} {
		slices.Sort(names)
	}
	return c
}

// clientCounts counts the credentials of every client, and knows whom the change under way did something to.
type clientCounts struct {
	now    map[client]int // none has 0
	before map[client]int // of those that the change touched
}

// begin is for a change that touches about so many.
func (c *clientCounts) begin(touched int) {
	if c.now == nil {
		c.now = make(map[client]int, touched)
	}
	c.before = make(map[client]int, touched)
}

func (c *clientCounts) gain(i *Identity) { c.now[c.touch(i)]++ }

func (c *clientCounts) lose(i *Identity) {
	who := c.touch(i)
	if c.now[who]--; c.now[who] == 0 {
		delete(c.now, who)
	}
}

func (c *clientCounts) touch(i *Identity) client {
	who := i.client()
	if _, again := c.before[who]; !again {
		c.before[who] = c.now[who]
	}
	return who
}

// change ends the change, and tells of it.
func (c *clientCounts) change() Change {
	var done Change
	for who, had := range c.before {
		done.put(who.String(), had > 0, c.now[who] > 0)
	}
	c.before = nil
	return done.sorted()
}
