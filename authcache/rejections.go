package authcache

import (
	"sync"
	"time"
)

// How long and how many wrong credentials are remembered.
const (
	rejectionLife  = 5 * time.Second
	rejectionLimit = 8192
)

// rejections remembers which credentials were found wrong a moment ago, so that a client that keeps asking does not cost
// a slow check each time. Its space is its own: no flood of wrong passwords can push out anything but other wrong ones.
type rejections struct {
	mu         sync.Mutex
	generation uint64               // of the credentials these were wrong for
	until      map[digest]time.Time // when each is forgotten
	ring       []rejection          // in order of time, which is the order of forgetting, since all live equally long
	first      int                  // the oldest
	count      int
}

type rejection struct {
	digest digest
	until  time.Time
}

// remembers reports whether this credential was rejected less than rejectionLife ago.
func (m *rejections) remembers(d digest, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, found := m.until[d]
	return found && now.Before(until)
}

// remember notes a rejection, unless the credentials have changed since the generation it was made in.
func (m *rejections) remember(d digest, generation uint64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if generation != m.generation {
		return
	}
	if m.ring == nil {
		m.ring = make([]rejection, rejectionLimit)
		m.until = make(map[digest]time.Time)
	}
	for m.count == len(m.ring) || m.count > 0 && !now.Before(m.ring[m.first].until) {
		m.forgetOldest()
	}
	until := now.Add(rejectionLife)
	m.ring[(m.first+m.count)%len(m.ring)] = rejection{digest: d, until: until}
	m.count++
	m.until[d] = until
}

// forgetOldest drops the head of the ring. Its digest may have been noted again since; then the newer note stays.
func (m *rejections) forgetOldest() {
	oldest := m.ring[m.first]
	m.first = (m.first + 1) % len(m.ring)
	m.count--
	if m.until[oldest.digest].Equal(oldest.until) {
		delete(m.until, oldest.digest)
	}
}

// forget drops everything, since the credentials are now those of a new generation.
func (m *rejections) forget(generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation = generation
	m.first, m.count = 0, 0
	clear(m.until)
}
