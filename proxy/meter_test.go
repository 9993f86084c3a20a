package proxy

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestARateHolds lets more senders than the rate has room for ask for ten seconds: what they get is the rate, and at most
// 5 % more.
func TestARateHolds(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 7, 100, 20_000} {
		synctest.Test(t, func(t *testing.T) {
			m := newMeter(time.Now(), 0)
			cost := costOf(1, rate)
			var got atomic.Int64
			var all sync.WaitGroup
			end := time.Now().Add(10 * time.Second)
			for range 8 {
				all.Go(func() {
					for now := time.Now(); now.Before(end); now = time.Now() {
						wait, ok := m.take(now, cost, max(burst-cost, 0), 0)
						if ok {
							got.Add(1)
							continue
						}
						time.Sleep(min(wait, time.Millisecond))
					}
				})
			}
			all.Wait()
			want := 10 * rate
			if n := float64(got.Load()); n < want || n > max(1.05*want, want+1) {
				t.Errorf("at %v in a second %v were taken in ten, want %v to %v", rate, n, want, 1.05*want)
			}
		})
	}
}

func TestAPauseEarnsAQuarterSecond(t *testing.T) {
	for _, c := range []struct {
		rate float64
		want int
	}{{100, 25}, {8, 2}, {4, 1}, {1, 1}, {0.01, 1}} {
		synctest.Test(t, func(t *testing.T) {
			m := newMeter(time.Now(), 0)
			time.Sleep(time.Hour)
			cost, n := costOf(1, c.rate), 0
			for now := time.Now(); ; n++ {
				if _, ok := m.take(now, cost, max(burst-cost, 0), 0); !ok {
					break
				}
			}
			if n != c.want {
				t.Errorf("at %v in a second %d at once, want %d", c.rate, n, c.want)
			}
		})
	}
}

func TestWhoMayWaitIsGivenATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(time.Now(), 0)
		now, cost := time.Now(), time.Second
		for i, want := range []time.Duration{0, time.Second, 2 * time.Second} {
			if wait, ok := m.take(now, cost, 0, 2*time.Second); !ok || wait != want {
				t.Errorf("request %d waits %v (%v), want %v", i, wait, ok, want)
			}
		}
		for range 2 { // who is refused takes nothing
			if wait, ok := m.take(now, cost, 0, 2*time.Second); ok || wait != 3*time.Second {
				t.Errorf("got %v, %v; want to be refused with 3s", wait, ok)
			}
		}
		m.charge(now, -cost)
		if wait, ok := m.take(now, cost, 0, 2*time.Second); !ok || wait != 2*time.Second {
			t.Errorf("after giving back: %v, %v; want 2s", wait, ok)
		}
	})
}

func TestNothingCostsMoreThanCanBeCounted(t *testing.T) {
	m, now, cost := newMeter(time.Now(), 0), time.Now(), costOf(1<<62, 0.001)
	for i := range 6 {
		if i%2 == 0 {
			m.charge(now, cost)
		} else if _, ok := m.take(now, cost, mostOwed, 2*mostOwed); !ok {
			t.Error("what may wait for ever was refused")
		}
		if owed := m.owed(now); owed < mostOwed/2 {
			t.Errorf("%v owed, want much", owed)
		}
	}
}
