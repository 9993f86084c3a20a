package proxy

import (
	"fmt"
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
			if !s.take(nil, 0) {
				t.Fatal("two slots of two were not to be had")
			}
		}
		if s.take(nil, 0) {
			t.Fatal("a third slot of two was given without waiting")
		}
		start := time.Now()
		if s.take(nil, time.Second) {
			t.Fatal("a third slot of two was given")
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v, want a second", waited)
		}
		got := make(chan bool)
		go func() { got <- s.take(nil, time.Second) }()
		synctest.Wait()
		s.free(nil)
		if !<-got {
			t.Error("a slot that became free was not given to who waited")
		}
		s.free(nil)
		s.free(nil)
		if used, waiting := s.used.Load(), s.waiting.Load(); used != 0 || waiting != 0 {
			t.Errorf("%d used and %d waiting at the end, want none", used, waiting)
		}
	})
}

func TestSlotsWithoutALimitAreAlwaysThere(t *testing.T) {
	var s slots
	for range 100 {
		if !s.take(nil, 0) {
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
				if !s.take(nil, patience) {
					if patience > 0 {
						refused.Add(1)
					}
					continue
				}
				n := inside.Add(1)
				for w := worst.Load(); n > w && !worst.CompareAndSwap(w, n); w = worst.Load() {
				}
				inside.Add(-1)
				s.free(nil)
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

// TestNobodyGetsMoreThanHalfWhileOthersWait: of a queue, those come first who hold less than half of the slots; who is
// alone may have all of them.
func TestNobodyGetsMoreThanHalfWhileOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slots
		var many, one atomic.Int64
		s.limit.Store(4)
		for range 4 {
			if !s.take(&many, 0) {
				t.Fatal("four slots of four were not to be had by one alone")
			}
		}
		var turns []string
		var mu sync.Mutex
		queue := func(name string, holds *atomic.Int64) {
			go func() {
				if s.take(holds, time.Hour) {
					mu.Lock()
					turns = append(turns, name)
					mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		for range 3 {
			queue("many", &many)
		}
		for range 3 {
			queue("one", &one)
		}
		for range 4 {
			s.free(&many)
			synctest.Wait()
		}
		// Slots for the one until it has two, while the other's fall to none; then whoever came first.
		if got, want := fmt.Sprint(turns), "[one one many many]"; got != want {
			t.Errorf("the turns were %s, want %s", got, want)
		}
		for s.waiting.Load() > 0 {
			s.free(&many)
			synctest.Wait()
		}
	})
}
