package authcache

import (
	"sync"
	"time"
)

// How long, at most, and how many wrong credentials are remembered.
const (
	rejectionLife  = 5 * time.Second
	rejectionLimit = 8192
)

// rejections remembers which credentials were found wrong a moment ago, so that a client that keeps asking does not cost
// a slow check each time. Its space is its own: no flood of wrong passwords can push out anything but other wrong ones.
type rejections struct {
	mu         sync.Mutex
	generation uint64               // of the credentials these were wrong for
	noted      map[digest]rejection // the newest note of each
	ring       []rejection          // in order of time, which is that of forgetting, but for a few that live shorter
	first      int                  // the oldest
	count      int
}

type rejection struct {
	digest  digest
	verdict Verdict
	until   time.Time
}

// remembers returns what was said of this credential, if that still holds, and reports whether anything was, of the
// credentials of this generation.
func (m *rejections) remembers(d digest, generation uint64, now time.Time) (Verdict, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(generation)
	note, found := m.noted[d]
	if !found || m.generation != generation || !now.Before(note.until) {
		return 0, false
	}
	return note.verdict, true
}

// remember notes a rejection, which is to be forgotten within rejectionLife, unless the credentials have changed since the
// generation it was made in.
func (m *rejections) remember(note rejection, generation uint64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(generation)
	if generation != m.generation {
		return
	}
	if m.ring == nil {
		m.ring = make([]rejection, rejectionLimit)
		m.noted = make(map[digest]rejection)
	}
	for m.count == len(m.ring) || m.count > 0 && !now.Before(m.ring[m.first].until) {
		m.forgetOldest()
	}
	m.ring[(m.first+m.count)%len(m.ring)] = note
	m.count++
	m.noted[note.digest] = note
}

// forgetOldest drops the head of the ring. Its digest may have been noted again since; then the newer note stays.
func (m *rejections) forgetOldest() {
	oldest := m.ring[m.first]
	m.first = (m.first + 1) % len(m.ring)
	m.count--
	if m.noted[oldest.digest].until.Equal(oldest.until) {
		delete(m.noted, oldest.digest)
	}
}

// forget drops everything, since the credentials are now those of this generation, or of a later one.
func (m *rejections) forget(generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(generation)
}

func (m *rejections) advance(generation uint64) {
	if generation <= m.generation {
		return
	}
	m.generation = generation
	m.first, m.count = 0, 0
	clear(m.noted)
}
