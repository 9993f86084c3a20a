package proxy

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetriesAreAFifthOfTheRequestsAndTenASecond(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	var b retryBudget
	spendAll := func(second int) (n int) {
		for b.spend(at.Add(time.Duration(second) * time.Second)) {
			n++
		}
		return n
	}
	request := func(second, n int) {
		for range n {
			b.request(at.Add(time.Duration(second) * time.Second))
		}
	}
	steps := []struct {
		what     string
		second   int
		requests int
		want     int
	}{
		{"the start: ten seconds' worth", 0, 0, 100},
		{"everything was spent: ten a second", 1, 0, 10},
		{"a thousand requests bring two hundred", 2, 1000, 200},
		{"then ten again", 3, 0, 10},
		{"what is not spent is kept", 6, 0, 30},
		{"but not for longer than ten seconds", 60, 0, 100},
	}
	for _, s := range steps {
		request(s.second, s.requests)
		if got := spendAll(s.second); got != s.want {
			t.Errorf("second %d, %s: %d retries, want %d", s.second, s.what, got, s.want)
		}
	}
	for second := 100; second < 110; second++ { // nothing fails
		request(second, 1000)
	}
	if got := spendAll(110); got != 1810 {
		t.Errorf("after ten quiet seconds with 1,000 requests each: %d retries at once, want 1,800 saved and 10", got)
	}
	for second := 111; second < 130; second++ {
		if got := spendAll(second); got != 10 {
			t.Errorf("second %d: %d retries, want 10", second, got)
		}
	}
}

// TestSavingsOutlastAGap: nothing comes for a while because every sender hangs on the same host; what was saved before is
// there when all of them come back.
func TestSavingsOutlastAGap(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	for _, timeout := range []time.Duration{time.Second, 2 * time.Second, 8 * time.Second, 30 * time.Second} {
		var b retryBudget
		b.keepFor(timeout)
		for range 1000 {
			b.request(at)
		}
		back := at.Add(timeout + time.Second)
		for n := range 200 {
			if !b.spend(back) {
				t.Errorf("%v: %d further attempts after a gap, want the 200 that 1,000 requests had earned before", timeout, n)
				break
			}
		}
		gone, spent := at.Add(maxKept*time.Second), 0
		for b.spend(gone) {
			spent++
		}
		if most := retryFloor * int(b.keep.Load()); spent > most {
			t.Errorf("%v: %d further attempts after two minutes of silence, want at most %d", timeout, spent, most)
		}
	}
}

// TestBudgetCoversAHostThatHangs plays a host that hangs until a read timeout has passed for the third time. Each push
// that it was given needs one further attempt, and gets it.
func TestBudgetCoversAHostThatHangs(t *testing.T) {
	const timeout = 8 * time.Second
	for _, c := range []struct {
		name  string
		hosts int64
		load  func(push func(), until time.Time)
	}{
		{"64 senders without a pause, one host of three", 3, func(push func(), until time.Time) {
			var senders sync.WaitGroup
			for range 64 {
				senders.Go(func() {
					for time.Now().Before(until) {
						push()
					}
				})
			}
			senders.Wait()
		}},
		{"250 pushes a second whatever happens, one host of two", 2, func(push func(), until time.Time) {
			var pushes sync.WaitGroup
			for time.Now().Before(until) {
				pushes.Go(push)
				time.Sleep(4 * time.Millisecond)
			}
			pushes.Wait()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b retryBudget
				b.keepFor(timeout)
				begin := time.Now()
				hangs := begin.Add(30 * time.Second)
				var turn, failed, retried, refused atomic.Int64
				c.load(func() {
					b.request(time.Now())
					bad := turn.Add(1)%c.hosts == 0 && failed.Load() < 3 && time.Now().After(hangs)
					if bad {
						time.Sleep(timeout)
						failed.Add(1)
						if retried.Add(1); !b.spend(time.Now()) {
							refused.Add(1)
						}
					}
					time.Sleep(5 * time.Millisecond)
				}, hangs.Add(3*timeout))
				if retried.Load() < 60 || refused.Load() > 0 {
					t.Errorf("%d of %d further attempts were refused", refused.Load(), retried.Load())
				}
			})
		})
	}
}

// TestReadsSpendNothingOfAPush: pushes are tried again though queries have used up all that they may.
func TestReadsSpendNothingOfAPush(t *testing.T) {
	t.Parallel()
	good := startScripted(t, healthy)
	pool := testPool(t, startRefusing(t), good.addr)
	dead := testPool(t, startRefusing(t), startRefusing(t))
	g := startPatient(t, testRoutes(pool, func(r *Route) {
		if r.Path == "/prometheus" {
			r.Pool = dead
		}
	}))
	queries := g.caller(t)
	for range 300 {
		queries.ask(query)
	}
	if g.otherRetries.spend(time.Now()) {
		t.Fatal("queries have not used up what they may")
	}
	pushes := g.caller(t)
	for range 3 {
		if got := pushes.ask(push("samples")); got.status != 200 {
			t.Errorf("client got %v: %s", got, got.body)
		}
	}
}
