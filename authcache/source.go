package authcache

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// source is where entries come from: a file, a folder, an htpasswd file. All of it is guarded by Cache.mu.
type source struct {
	name     string
	records  []*record      // what it has
	places   map[string]int // of the records, by where they are; nil until Amend asks
	read     bool           // it was read completely once
	at       time.Time      // of the last complete reading
	err      error          // why it cannot be read now
	held     []string       // clients whose removal is held
	kept     int            // their credentials
	doubtful bool           // it is counted in Cache.unsettled
}

// settled reports whether the source leaves no doubt about what it holds.
func (s *source) settled() bool { return s.read && s.err == nil }

// SourceStatus tells how a source stands.
type SourceStatus struct {
	Name        string
	Credentials int       // in use; of a key set, keys
	Read        bool      // it was read completely once
	At          time.Time // when it last was; zero: never
	Err         error     // why its last reading failed, nil if it did not
	// Held are the clients whose removal is held, sorted; empty when nothing is. Err then holds a *HeldError.
	Held []string
}

// Expect declares a source before it is read: until its first Replace, an unknown credential is Unready, because it may
// stand there. Declaring a source that was read already changes nothing.
func (c *Cache) Expect(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recount(c.sourceNamed(name))
}

// Failed notes that a source could not be read, or not understood, and why. Its entries stay, known credentials are
// served, and unknown ones are Unready until the next good Replace of the source.
func (c *Cache) Failed(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(c.sourceNamed(name), err)
}

// Stands notes how a source stands that Amend fills: at is the last moment at which all it held was known, zero for never,
// and err why there is a doubt about what it holds now, nil for none; of a *HeldError in it, what is held. Until there is
// no doubt an unknown credential is Unready.
func (c *Cache) Stands(name string, at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sourceNamed(name)
	s.read, s.at = !at.IsZero(), at
	c.fail(s, err)
}

// Sources tells how every source stands, sorted by name; the key sets of tokens are sources too, and their keys what they
// hold. The slice is the caller's.
func (c *Cache) Sources() []SourceStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]SourceStatus, 0, len(c.sources))
	for _, s := range c.sources {
		all = append(all, SourceStatus{Name: s.name, Credentials: len(s.records), Read: s.read, At: s.at, Err: s.err, Held: slices.Clone(s.held)})
	}
	if tokens := c.tokens.Load().options.Tokens; tokens != nil {
		for _, set := range tokens.KeySets() {
			all = append(all, SourceStatus{Name: set.Name, Credentials: set.Keys, Read: set.Read, At: set.At, Err: set.Err})
		}
	}
	slices.SortFunc(all, func(a, b SourceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// sourceNamed needs Cache.mu.
func (c *Cache) sourceNamed(name string) *source {
	s := c.sources[name]
	if s == nil {
		s = &source{name: name}
		c.sources[name] = s
	}
	return s
}

// fail notes why a source is in doubt, nil for no reason. It needs Cache.mu.
func (c *Cache) fail(s *source, err error) {
	s.err = err
	held, _ := errors.AsType[*HeldError](err)
	c.hold(s, held)
	c.recount(s)
}

// recount keeps the number of sources that are not settled, after a change of this one. It needs Cache.mu.
func (c *Cache) recount(s *source) {
	doubtful := !s.settled()
	if doubtful == s.doubtful {
		return
	}
	s.doubtful = doubtful
	if doubtful {
		c.unsettled.Add(1)
	} else {
		c.unsettled.Add(-1)
	}
}
