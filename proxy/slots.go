package proxy

import (
	"container/list"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// slots bounds how many requests are under way at a time, and shares them out among those on whose behalf they are taken:
// of several who wait, the next slot is for who holds the fewest, so that nobody gets beyond half of them while others
// wait; and the last sixty-fourth is only for who holds less than an eighth, so that nobody who is alone with many
// requests keeps a first one of another waiting until one of his ends.
//
// Taking a slot that is free costs a few atomic operations, and while no more than an eighth is taken, a single one:
// nobody holds more than that, so it is not counted who holds what. The zero value has no limit.
type slots struct {
	limit atomic.Int64 // 0: none
	used  atomic.Int64

	holders atomic.Pointer[roster[holder, *holder]] // nil: it was never counted who has them

	waiting atomic.Int64 // requests in queue, read without mu
	mu      sync.Mutex
	queue   []*holder // guarded by mu: those with waiters, each once; of two that hold as many, the first comes first
}

// nobody takes slots that are not shared out, in the order in which they are asked for.
const nobody = ""

// holder is one on whose behalf slots are taken.
type holder struct {
	use
	held    atomic.Int64
	waiters list.List // of *waiter, guarded by mu of the slots
}

// worthKeeping reports that nothing is lost with a holder of no slot.
func (*holder) worthKeeping(time.Time) bool { return false }

// waiter is one request in a queue.
type waiter struct {
	turn  chan struct{} // closed when it has its slot
	place *list.Element // nil when it has
}

// slot is one that was taken. Its holder is nil where nobody counts.
type slot struct {
	of     *slots
	holder *holder
}

// bound sets the limit. It may be called at any time, and costs nothing when that is the limit already.
func (s *slots) bound(limit int64) {
	if s.limit.Load() == limit || s.limit.Swap(limit) == limit {
		return
	}
	s.handOut()
}

// take takes a slot if there is one that nobody waits for, and reports whether it did. Who got one calls free.
func (s *slots) take(whose string) (slot, bool) {
	// A free slot belongs to the queue, if there is one.
	if s.waiting.Load() > 0 {
		return slot{}, false
	}
	limit := s.limit.Load()
	most := limit / 8 // that may be taken without counting who holds them
	if whose == nobody || limit == 0 {
		most = limit
	}
	for used := s.used.Load(); used < most || limit == 0; used = s.used.Load() {
		if s.used.CompareAndSwap(used, used+1) {
			return slot{of: s}, true
		}
	}
	if most == limit {
		return slot{}, false
	}
	h := s.holder(whose)
	if s.give(h) {
		return slot{s, h}, true
	}
	h.end()
	return slot{}, false
}

// await takes a slot, waiting for one for as long as patience, and reports whether it got one.
func (s *slots) await(whose string, patience time.Duration) (slot, bool) {
	h := s.holder(whose)
	w := &waiter{turn: make(chan struct{})}
	s.mu.Lock()
	if w.place = h.waiters.PushBack(w); h.waiters.Len() == 1 {
		s.queue = append(s.queue, h)
	}
	s.waiting.Add(1) // before the slots are looked at: who frees one looks in the other order
	s.hand()
	s.mu.Unlock()
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-w.turn:
		case <-timer.C:
		}
	}
	if s.leave(h, w) {
		h.end()
		return slot{}, false
	}
	return slot{s, h}, true
}

// holder finds or makes a holder, and begins to use him. Nobody is somebody else each time, and so comes in turn.
func (s *slots) holder(whose string) *holder {
	if whose == nobody {
		return new(holder)
	}
	all := s.holders.Load()
	if all == nil {
		s.holders.CompareAndSwap(nil, newRoster[holder]())
		all = s.holders.Load()
	}
	return all.enter(whose)
}

// free gives the slot back.
func (t slot) free() {
	if t.holder != nil {
		t.holder.held.Add(-1)
		t.holder.end()
	}
	t.of.used.Add(-1)
	if t.of.waiting.Load() > 0 {
		t.of.handOut()
	}
}

// give gives a slot to a holder, if there is one for him.
func (s *slots) give(h *holder) bool {
	limit := s.limit.Load()
	most := limit
	if held := h.held.Add(1); held > limit/8 && h.name != nobody {
		most -= limit / 64
	}
	for used := s.used.Load(); used < most || limit == 0; used = s.used.Load() {
		if s.used.CompareAndSwap(used, used+1) {
			return true
		}
	}
	h.held.Add(-1)
	return false
}

// handOut gives what slots there are to those who wait.
func (s *slots) handOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hand()
}

// hand is handOut. The caller holds mu. Who holds the fewest is also who may take the most, so the first for whom there is
// no slot is the last to be asked.
func (s *slots) hand() {
	for len(s.queue) > 0 {
		i := s.fewest()
		h := s.queue[i]
		if !s.give(h) {
			return
		}
		s.queue = slices.Delete(s.queue, i, i+1)
		first := h.waiters.Front()
		s.drop(h, first.Value.(*waiter))
		if h.waiters.Len() > 0 {
			s.queue = append(s.queue, h)
		}
		close(first.Value.(*waiter).turn)
	}
}

// fewest is whose turn it is. The caller holds mu, and the queue is not empty.
func (s *slots) fewest() int {
	found, least := 0, s.queue[0].held.Load()
	for i := 1; i < len(s.queue) && least > 0; i++ {
		if held := s.queue[i].held.Load(); held < least {
			found, least = i, held
		}
	}
	return found
}

// leave takes w out of the queue, unless it has its slot already, and reports whether it did.
func (s *slots) leave(h *holder, w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.place == nil {
		return false
	}
	s.drop(h, w)
	if h.waiters.Len() == 0 {
		i := slices.Index(s.queue, h)
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	return true
}

// drop ends the waiting of w. The caller holds mu, and sees to h's place in the queue.
func (s *slots) drop(h *holder, w *waiter) {
	h.waiters.Remove(w.place)
	w.place = nil
	s.waiting.Add(-1)
}
