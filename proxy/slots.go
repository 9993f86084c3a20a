package proxy

import (
	"sync"
	"sync/atomic"
	"time"
)

// slots bounds how many requests are under way at a time. Taking one that is free costs one atomic addition; only who
// finds none waits in a queue, first come, first served. The zero value has no limit.
type slots struct {
	limit atomic.Int64 // 0: none
	used  atomic.Int64

	waiting atomic.Int64 // length of queue, read without mu
	mu      sync.Mutex
	queue   []chan struct{} // guarded by mu; each has room for its one message
}

// take takes a slot, waiting for one for as long as patience, and reports whether it got one. Who got one calls free.
func (s *slots) take(patience time.Duration) bool {
	if s.try() {
		return true
	}
	if patience <= 0 {
		return false
	}
	turn := make(chan struct{}, 1)
	s.mu.Lock()
	s.queue = append(s.queue, turn)
	s.waiting.Store(int64(len(s.queue)))
	s.mu.Unlock()
	// A slot may have become free before the queue could be seen.
	if s.try() {
		s.leave(turn)
		return true
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-turn:
			if s.try() {
				return true
			}
			// Somebody who did not queue was quicker. Back to the head of the queue.
			s.mu.Lock()
			s.queue = append([]chan struct{}{turn}, s.queue...)
			s.waiting.Store(int64(len(s.queue)))
			s.mu.Unlock()
			if s.try() {
				s.leave(turn)
				return true
			}
		case <-timer.C:
			s.leave(turn)
			return false
		}
	}
}

// try takes a slot if one is free.
func (s *slots) try() bool {
	limit := s.limit.Load()
	if s.used.Add(1) <= limit || limit == 0 {
		return true
	}
	s.used.Add(-1)
	return false
}

// leave takes turn out of the queue; a message that it has got already goes to the next.
func (s *slots) leave(turn chan struct{}) {
	s.mu.Lock()
	for i, t := range s.queue {
		if t == turn {
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			s.waiting.Store(int64(len(s.queue)))
			s.mu.Unlock()
			return
		}
	}
	s.mu.Unlock()
	<-turn
	s.wake()
}

// free gives a slot back.
func (s *slots) free() {
	s.used.Add(-1)
	if s.waiting.Load() > 0 {
		s.wake()
	}
}

// wake tells the first in the queue that a slot may be free. It does not look whether one is: a try that is about to fail
// holds one for a moment, and nobody would be told when it ends.
func (s *slots) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return
	}
	first := s.queue[0]
	s.queue = s.queue[1:]
	s.waiting.Store(int64(len(s.queue)))
	first <- struct{}{}
}
