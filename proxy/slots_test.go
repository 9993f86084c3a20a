package proxy

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlotsAreWaitedForAndThenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slots
		s.limit.Store(2)
		for range 2 {
			if !s.take(0) {
				t.Fatal("two slots of two were not to be had")
			}
		}
		if s.take(0) {
			t.Fatal("a third slot of two was given without waiting")
		}
		start := time.Now()
		if s.take(time.Second) {
			t.Fatal("a third slot of two was given")
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v, want a second", waited)
		}
		got := make(chan bool)
		go func() { got <- s.take(time.Second) }()
		synctest.Wait()
		s.free()
		if !<-got {
			t.Error("a slot that became free was not given to who waited")
		}
		s.free()
		s.free()
		if used, waiting := s.used.Load(), s.waiting.Load(); used != 0 || waiting != 0 {
			t.Errorf("%d used and %d waiting at the end, want none", used, waiting)
		}
	})
}

func TestSlotsWithoutALimitAreAlwaysThere(t *testing.T) {
	var s slots
	for range 100 {
		if !s.take(0) {
			t.Fatal("refused without a limit")
		}
	}
}

// TestSlotsNeverExceedTheirLimit has many goroutines take and free at random: never more than the limit at a time, and
// nobody who waits long enough goes without.
func TestSlotsNeverExceedTheirLimit(t *testing.T) {
	const limit, workers, rounds = 3, 32, 500
	var s slots
	s.limit.Store(limit)
	var inside, worst, refused atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				patience := time.Duration(rand.IntN(3)) * 20 * time.Second // some do not wait at all
				if !s.take(patience) {
					if patience > 0 {
						refused.Add(1)
					}
					continue
				}
				n := inside.Add(1)
				for w := worst.Load(); n > w && !worst.CompareAndSwap(w, n); w = worst.Load() {
				}
				inside.Add(-1)
				s.free()
			}
		})
	}
	all.Wait()
	if worst.Load() > limit {
		t.Errorf("%d inside at a time, want at most %d", worst.Load(), limit)
	}
	if refused.Load() > 0 {
		t.Errorf("%d waited for nothing", refused.Load())
	}
	if s.used.Load() != 0 || s.waiting.Load() != 0 {
		t.Errorf("%d used and %d waiting at the end", s.used.Load(), s.waiting.Load())
	}
}
