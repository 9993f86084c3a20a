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

// bounded makes slots with a limit.
func bounded(limit int64) *slots {
	s := new(slots)
	s.bound(limit)
	return s
}

// fill takes n slots for somebody.
func (s *slots) fill(t testing.TB, whose string, n int) (taken []slot) {
	t.Helper()
	for i := range n {
		got, ok := s.take(whose)
		if !ok {
			t.Fatalf("slot %d of %d for %q was not to be had", i+1, n, whose)
		}
		taken = append(taken, got)
	}
	return taken
}

func (s *slots) wantNone(t testing.TB, whose string) {
	t.Helper()
	if _, ok := s.take(whose); ok {
		t.Errorf("one more slot was given to %q", whose)
	}
}

// wantEmpty fails the test when something is still counted.
func (s *slots) wantEmpty(t testing.TB) {
	t.Helper()
	if used, waiting := s.used.Load(), s.waiting.Load(); used != 0 || waiting != 0 {
		t.Errorf("%d used and %d waiting at the end, want none", used, waiting)
	}
	holders := s.holders.Load()
	if holders == nil {
		return
	}
	for _, h := range holders.all {
		if held, users := h.held.Load(), h.users.Load(); held != 0 || users != 0 {
			t.Errorf("%q holds %d, and is used by %d", h.name, held, users)
		}
	}
}

func TestSlotsAreWaitedForAndThenRefused(t *testing.T) {
	for _, whose := range []string{nobody, "team-a"} {
		synctest.Test(t, func(t *testing.T) {
			s := bounded(2)
			taken := s.fill(t, whose, 2)
			s.wantNone(t, whose)
			start := time.Now()
			if _, ok := s.await(whose, time.Second); ok {
				t.Fatal("a third slot of two was given")
			}
			if waited := time.Since(start); waited != time.Second {
				t.Errorf("waited %v, want a second", waited)
			}
			go func() {
				if got, ok := s.await(whose, time.Second); ok {
					taken[0] = got
				} else {
					t.Error("a slot that became free was not given to who waited")
				}
			}()
			synctest.Wait()
			s.wantNone(t, "team-b")
			taken[0].free()
			synctest.Wait()
			for _, slot := range taken {
				slot.free()
			}
			s.wantEmpty(t)
		})
	}
}

// TestAFreeSlotBelongsToWhoWaits: also before it has been handed out.
func TestAFreeSlotBelongsToWhoWaits(t *testing.T) {
	for _, newcomer := range []string{nobody, "team-c"} {
		s := bounded(1)
		taken := s.fill(t, "team-a", 1)
		var all sync.WaitGroup
		all.Go(func() {
			if got, ok := s.await("team-b", time.Minute); ok {
				got.free()
			} else {
				t.Error("who waited got nothing")
			}
		})
		eventually(t, "one waits", func() bool { return s.waiting.Load() == 1 })
		s.mu.Lock() // nothing is handed out
		all.Go(taken[0].free)
		eventually(t, "the slot is free", func() bool { return s.used.Load() == 0 })
		s.wantNone(t, newcomer)
		s.mu.Unlock()
		all.Wait()
		s.wantEmpty(t)
	}
}

func TestSlotsWithoutALimitAreAlwaysThere(t *testing.T) {
	new(slots).fill(t, "team-a", 100)
}

// TestAHigherLimitIsGivenOut: who waits need not wait for somebody to end.
func TestAHigherLimitIsGivenOut(t *testing.T) {
	for _, limit := range []int64{2, 0} {
		synctest.Test(t, func(t *testing.T) {
			s := bounded(1)
			s.fill(t, "team-a", 1)
			got := make(chan bool, 1)
			go func() {
				_, ok := s.await("team-a", time.Hour)
				got <- ok
			}()
			synctest.Wait()
			s.bound(limit)
			synctest.Wait()
			if len(got) == 0 || !<-got {
				t.Errorf("with a limit of %d who waits still does", limit)
			}
		})
	}
}

// TestSlotsNeverExceedTheirLimit has many goroutines take and free at random, for several who share the slots: never more
// than the limit at a time, and nobody who waits long enough goes without.
func TestSlotsNeverExceedTheirLimit(t *testing.T) {
	const workers, rounds = 32, 500
	for _, limit := range []int64{3, 24} {
		s := bounded(limit)
		var inside, worst, refused atomic.Int64
		var all sync.WaitGroup
		for i := range workers {
			whose := fmt.Sprint("team-", i%5)
			all.Go(func() {
				for range rounds {
					got, ok := s.take(whose)
					if patience := time.Duration(rand.IntN(3)) * 20 * time.Second; !ok { // some do not wait at all
						if got, ok = s.await(whose, patience); !ok {
							if patience > 0 {
								refused.Add(1)
							}
							continue
						}
					}
					n := inside.Add(1)
					for w := worst.Load(); n > w && !worst.CompareAndSwap(w, n); w = worst.Load() {
					}
					inside.Add(-1)
					got.free()
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
		s.wantEmpty(t)
	}
}

// TestWhoHoldsFewestComesFirst: of those who wait, the one with the fewest slots gets the next, so that nobody gets beyond
// half; who is alone may have all of them.
func TestWhoHoldsFewestComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bounded(4)
		many := s.fill(t, "many", 4)
		var turns []string
		var mu sync.Mutex
		queue := func(whose string, n int) {
			for range n {
				go func() {
					if _, ok := s.await(whose, time.Hour); ok {
						mu.Lock()
						turns = append(turns, whose)
						mu.Unlock()
					}
				}()
				synctest.Wait()
			}
		}
		queue("many", 3)
		queue("one", 2)
		queue("other", 1)
		for _, slot := range many {
			slot.free()
			synctest.Wait()
		}
		// Slots for the others until the many have no more than they, and then in turn.
		if got, want := fmt.Sprint(turns), "[one other many one]"; got != want {
			t.Errorf("the turns were %s, want %s", got, want)
		}
		s.bound(0) // all go
	})
}

// TestTheLastSlotsAreForThoseWithFew: however many requests one has, another's first ones find a slot at once, and are not
// in the way of each other.
func TestTheLastSlotsAreForThoseWithFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bounded(512)
		many := s.fill(t, "many", 504)
		s.wantNone(t, "many")
		for range 100 { // whatever waits
			go s.await("many", time.Hour)
		}
		synctest.Wait()
		start := time.Now()
		var few []slot
		for i := range 8 {
			got, ok := s.await(fmt.Sprint("few-", i%2), 0)
			if !ok {
				t.Fatalf("no slot for the few, who hold %d", i)
			}
			few = append(few, got)
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("they waited for %v", waited)
		}
		few[0].free() // is not for the many
		synctest.Wait()
		if waiting := s.waiting.Load(); waiting != 100 {
			t.Errorf("%d of the many wait, want all 100", waiting)
		}
		many[0].free()
		few[1].free()
		synctest.Wait()
		if waiting := s.waiting.Load(); waiting != 100 {
			t.Errorf("with 6 of the few and 503 of the many, %d of the many wait, want 100", waiting)
		}
		s.bound(0) // all go
	})
}
