package proxy

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// slots bounds how many requests are under way at a time. Taking one that is free costs one atomic operation; only who
// finds none waits in a queue, first come, first served, but for one rule: while others wait, nobody who holds half of
// the slots gets one more. The zero value has no limit.
type slots struct {
	limit atomic.Int64 // 0: none
	used  atomic.Int64

	waiting atomic.Int64 // length of queue, read without mu
	mu      sync.Mutex
	queue   []*waiter // guarded by mu
}

// waiter is one request in a queue.
type waiter struct {
	turn  chan struct{} // closed when it has its slot
	holds *atomic.Int64 // see take
}

// take takes a slot, waiting for one for as long as patience, and reports whether it got one. Who got one calls free.
// holds counts the slots of everybody on whose behalf this one is taken; nil: of nobody in particular, and then the
// queue is a plain one.
func (s *slots) take(holds *atomic.Int64, patience time.Duration) bool {
	// A free slot belongs to the queue, if there is one.
	if s.waiting.Load() == 0 && s.try(holds) {
		return true
	}
	if patience <= 0 {
		return false
	}
	w := &waiter{turn: make(chan struct{}), holds: holds}
	s.mu.Lock()
	s.queue = append(s.queue, w)
	s.hand() // a slot may have become free before the queue could be seen
	s.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.turn:
		return true
	case <-timer.C:
		return !s.leave(w)
	}
}

// free gives a slot back that was taken with the same holds.
func (s *slots) free(holds *atomic.Int64) {
	if holds != nil {
		holds.Add(-1)
	}
	s.used.Add(-1)
	if s.waiting.Load() > 0 {
		s.mu.Lock()
		s.hand()
		s.mu.Unlock()
	}
}

// try takes a slot if one is free.
func (s *slots) try(holds *atomic.Int64) bool {
	for {
		used, limit := s.used.Load(), s.limit.Load()
		if used >= limit && limit > 0 {
			return false
		}
		if s.used.CompareAndSwap(used, used+1) {
			if holds != nil {
				holds.Add(1)
			}
			return true
		}
	}
}

// hand gives the free slots to the queue. The caller holds mu.
func (s *slots) hand() {
	s.waiting.Store(int64(len(s.queue))) // before the slots are looked at: who frees one looks in the other order
	for len(s.queue) > 0 {
		i := s.next()
		w := s.queue[i]
		if !s.try(w.holds) {
			return
		}
		s.queue = slices.Delete(s.queue, i, i+1)
		s.waiting.Store(int64(len(s.queue)))
		close(w.turn)
	}
}

// next is whose turn it is: the first who holds less than half of the slots, or else the first. The caller holds mu, and
// the queue is not empty.
func (s *slots) next() int {
	limit := s.limit.Load()
	for i, w := range s.queue {
		if w.holds == nil || 2*w.holds.Load() < limit {
			return i
		}
	}
	return 0
}

// leave takes w out of the queue, unless it has its slot already, and reports whether it did.
func (s *slots) leave(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, w)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	s.waiting.Store(int64(len(s.queue)))
	return true
}
