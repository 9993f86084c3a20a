package verify

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// KeySet is a set of public keys that changes while the program runs: what a JWK file or an OpenID provider holds. A new
// reading replaces all of it; a reading that fails leaves the keys in force and puts the set in error, and so does one of which
// a key is damaged, whose other keys come to those in force.
type KeySet struct {
	name    string
	state   atomic.Pointer[keys]
	version atomic.Uint64 // counts the changes of keys
	fetcher *fetcher      // nil: the keys come by Set

	mu sync.Mutex // serialises the writers
}

// keys is one state of a KeySet; it never changes.
type keys struct {
	all  []*Key
	read bool      // a set was read once
	err  error     // why the last reading failed
	at   time.Time // of the last good reading
}

// KeySetStatus tells how a KeySet stands.
type KeySetStatus struct {
	Name string
	Keys int
	Read bool      // it was read once
	Err  error     // why the last reading failed, nil if it did not
	At   time.Time // of the last good reading
}

var errNotRead = errors.New("it was not read yet")

// NewKeySet returns a set that waits for its first Set. The name is for people: the file's.
func NewKeySet(name string) *KeySet {
	s := &KeySet{name: name}
	s.state.Store(&keys{})
	return s
}

// Set replaces the keys by those of a JWK set. With an error the old keys stay, those that can be read come to them, and the
// set is in error until a good Set.
func (s *KeySet) Set(text []byte) error {
	all, err := parseKeySet(s.name, text)
	if err != nil {
		s.add(all)
		return s.Failed(err)
	}
	s.replace(all)
	return nil
}

// replace puts other keys in force and returns those that are not any more. Those that stay remain the same objects, so
// that what they verified stays good.
func (s *KeySet) replace(all []*Key) (gone []*Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.state.Load()
	changed := !old.read || len(all) != len(old.all)
	for i, key := range all {
		same := find(old.all, key)
		if same == nil || same.retired.Load() { // retired by the set that it was adopted from
			changed = true
			continue
		}
		all[i] = same
	}
	s.state.Store(&keys{all: all, read: true, at: time.Now()})
	if !changed {
		return nil
	}
	for _, key := range old.all {
		if find(all, key) != key {
			key.retired.Store(true)
			gone = append(gone, key)
		}
	}
	s.version.Add(1) // last: who sees it sees the keys
	return gone
}

// add puts keys in force beside those that are, from a document of which some could not be read: what is missing in it may
// be just those, and what is there need not wait.
func (s *KeySet) add(some []*Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.state.Load()
	before := len(next.all)
	next.all = slices.Clone(next.all)
	for _, key := range some {
		if find(next.all, key) == nil && len(next.all) < maxKeys {
			next.all = append(next.all, key)
		}
	}
	if len(next.all) == before {
		return
	}
	s.state.Store(&next)
	s.version.Add(1) // last: who sees it sees the keys
}

// Failed puts the set in error, and returns the error with the name of the set before it.
func (s *KeySet) Failed(err error) error {
	err = fmt.Errorf("%s: %w", s.name, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.state.Load()
	next.err = err
	s.state.Store(&next)
	return err
}

// adopt begins with the keys of another set, so that a changed interval does not leave a gap. What the other one had
// verified stays good, since the keys are the very same.
func (s *KeySet) adopt(from *KeySet) {
	s.state.Store(from.state.Load())
}

func find(all []*Key, key *Key) *Key {
	for _, k := range all {
		if k.same(key) {
			return k
		}
	}
	return nil
}

// Status tells how the set stands.
func (s *KeySet) Status() KeySetStatus {
	now := s.state.Load()
	status := KeySetStatus{Name: s.name, Keys: len(now.all), Read: now.read, Err: now.err, At: now.at}
	if !now.read && now.err == nil {
		status.Err = errNotRead
	}
	return status
}

// Settled reports whether the set was read, and its last reading was good.
func (s *KeySet) Settled() bool {
	now := s.state.Load()
	return now.read && now.err == nil
}

// Close ends the background fetching and waits for it. The keys stay in force.
func (s *KeySet) Close() {
	if s.fetcher != nil {
		s.fetcher.close()
	}
}

// missing is for a token of a key that is not in the set, which is told by the key's ID or, without one, by the token. It
// asks for a reading out of turn and returns what is closed when that is over; nil when there will be none: the keys do
// not come by fetching, or there was one within the interval. Then doubt says whether the set was not read since the key
// was first asked for.
func (s *KeySet) missing(key string) (again <-chan struct{}, doubt bool) {
	if s.fetcher == nil || !s.Settled() {
		return nil, false
	}
	return s.fetcher.missing(key)
}
