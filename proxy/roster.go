package proxy

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v4"
)

// roster keeps something for each of many names, for as long as somebody uses it or something would be lost with it: who
// chooses the names does not choose how much there is. What is there is found without a lock; the first of a name takes
// one, and looks whether two others can go. It is made by newRoster.
type roster[M any, P member[M]] struct {
	known *xsync.Map[string, P]

	mu   sync.Mutex // guards changes of known, and what follows
	all  []P
	hand int // whose turn it is in all to be looked at
}

// member is what a roster keeps: something that has a use in it.
type member[M any] interface {
	*M
	usage() *use
	// worthKeeping reports whether something would be lost with it, though nobody uses it.
	worthKeeping(now time.Time) bool
}

// use counts who uses a member of a roster.
type use struct {
	name  string
	users atomic.Int64 // far below 0: it is given up, or about to be
}

const givenUp = -1 << 62

func newRoster[M any, P member[M]]() *roster[M, P] {
	return &roster[M, P]{known: xsync.NewMap[string, P]()}
}

func (u *use) usage() *use { return u }

// begin counts one more user, and reports false when the member is given up.
func (u *use) begin() bool {
	if u.users.Add(1) > 0 {
		return true
	}
	u.users.Add(-1)
	return false
}

// end takes back what begin did.
func (u *use) end() { u.users.Add(-1) }

// find looks for the member of a name, without using it.
func (r *roster[M, P]) find(name string) (P, bool) { return r.known.Load(name) }

// enter finds or makes the member of a name, and begins to use it; the caller ends that.
func (r *roster[M, P]) enter(name string) P {
	if m, ok := r.find(name); ok && m.usage().begin() {
		return m // Fast path
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := r.known.Load(name); ok { // it cannot be given up now: that needs mu
		m.usage().begin()
		return m
	}
	r.giveUp(2)
	m := P(new(M))
	m.usage().name = strings.Clone(name)
	m.usage().begin()
	r.all = append(r.all, m)
	r.known.Store(m.usage().name, m)
	return m
}

// prune looks at so many members whether they can go.
func (r *roster[M, P]) prune(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giveUp(n)
}

// size is how many members there are.
func (r *roster[M, P]) size() int { return r.known.Size() }

// giveUp is prune. The caller holds mu.
func (r *roster[M, P]) giveUp(n int) {
	now := time.Now()
	for ; n > 0 && len(r.all) > 0; n-- {
		r.hand %= len(r.all)
		m := r.all[r.hand]
		u := m.usage()
		// First shut, so that nothing can be begun with it that the second look would not see.
		if !u.users.CompareAndSwap(0, givenUp) {
			r.hand++
			continue
		}
		if m.worthKeeping(now) {
			u.users.Add(-givenUp)
			r.hand++
			continue
		}
		r.known.Delete(u.name)
		last := len(r.all) - 1
		r.all[r.hand], r.all[last] = r.all[last], nil
		r.all = r.all[:last]
	}
}
