package authcache

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// flood presents a fresh wrong credential every interval until stop is closed.
func flood(c *Cache, interval time.Duration, stop <-chan struct{}, wrong func(i int) Credential) {
	var wait sync.WaitGroup
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			wait.Wait()
			return
		case <-ticker.C:
			wait.Go(func() { c.Authenticate(wrong(i)) })
		}
	}
}

func unknownUser(i int) Credential   { return basic(fmt.Sprint("nobody-", i), "secret") }
func wrongPassword(i int) Credential { return basic("known", fmt.Sprint("wrong-", i)) }
func wrongOfMany(i int) Credential {
	return basic(fmt.Sprintf("user-%d", i%1000), fmt.Sprint("wrong-", i))
}

// flooded is a cache with a thousand users whose hashes take 200 ms, and two users more.
func flooded(t *testing.T, spent *atomic.Int64) *Cache {
	t.Helper()
	parse := func(text string) (verify.Hash, error) {
		hash, err := parseFake(text)
		return spending{hash, spent}, err
	}
	burn := func(work verify.Work, secret []byte) {
		burnFake(work, secret)
		spent.Add(int64(work.Rounds))
	}
	c := newCache(Options{Workers: 2, QueueLimit: 64}, parse, burn)
	entries := []Entry{
		hashed("a", "known", slowHash(200*time.Millisecond, "secret")),
		hashed("b", "fresh", slowHash(200*time.Millisecond, "secret")), hashed("b", "fresh", slowHash(200*time.Millisecond, "next")),
	}
	for i := range 1000 {
		entries = append(entries, hashed("many", fmt.Sprintf("user-%d", i), slowHash(200*time.Millisecond, "secret")))
	}
	mustReplace(t, c, "file", entries...)
	return c
}

// spending counts the milliseconds of checks that failed.
type spending struct {
	verify.Hash
	spent *atomic.Int64
}

func (s spending) Match(password []byte) bool {
	ok := s.Hash.Match(password)
	if !ok {
		s.spent.Add(int64(s.Work().Rounds))
	}
	return ok
}

func TestFailingChecksGetATenthOfACore(t *testing.T) {
	tests := []struct {
		name  string
		wrong func(int) Credential
		least float64 // of a core; only names that exist use the reserve
	}{
		{"unknown users", unknownUser, commonShare},
		{"wrong passwords of one user", wrongPassword, commonShare},
		{"wrong passwords of many users", wrongOfMany, commonShare + reserveShare},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var spent atomic.Int64
				c := flooded(t, &spent)
				defer c.Close()
				stop := make(chan struct{})
				var wait sync.WaitGroup
				wait.Go(func() { flood(c, 20*time.Millisecond, stop, test.wrong) })
				const length = 200 * time.Second
				time.Sleep(length)
				close(stop)
				used := time.Duration(spent.Load()) * time.Millisecond
				// Two workers may begin one check each in each lane before the first is paid, and the budgets were full.
				if most := length/10 + 4*200*time.Millisecond + budgetSpan/10; used > most {
					t.Errorf("failing checks used %v of %v, want at most %v", used, length, most)
				}
				if least := time.Duration(test.least * float64(length) * 0.9); used < least {
					t.Errorf("failing checks used %v of %v; the budget of %v is not given out", used, length, least)
				}
				wait.Wait()
			})
		})
	}
}

// Forged tokens have a share of their own, a fiftieth of a core, and wrong passwords beside them no more than without: a
// tenth in all.
func TestFailingSignaturesGetAFiftiethOfACore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var passwords, signatures atomic.Int64
		c := flooded(t, &passwords)
		defer c.Close()
		c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{})})
		check := c.signatures.queue.match
		c.signatures.queue.match = func(f *flight) (*record, verify.Work) {
			time.Sleep(5 * time.Millisecond)
			signatures.Add(5)
			return check(f)
		}
		stop := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			flood(c, time.Millisecond, stop, func(i int) Credential { return bearer(fmt.Sprint("e30.e30.", i)) })
		})
		wait.Go(func() { flood(c, 20*time.Millisecond, stop, wrongOfMany) })
		const length = 200 * time.Second
		time.Sleep(length)
		close(stop)
		used := time.Duration(signatures.Load()) * time.Millisecond
		if most := length/50 + budgetSpan/50 + 2*5*time.Millisecond; used > most {
			t.Errorf("forged tokens used %v of %v, want at most %v", used, length, most)
		}
		if least := length / 50 * 9 / 10; used < least {
			t.Errorf("forged tokens used %v of %v; the budget of %v is not given out", used, length, least)
		}
		all := used + time.Duration(passwords.Load())*time.Millisecond
		if most := length/10 + budgetSpan/10 + 4*200*time.Millisecond; all > most {
			t.Errorf("failing checks used %v of %v, want at most %v", all, length, most)
		}
		wait.Wait()
	})
}

// Whoever floods, a client that was never seen gets in, unless it is its own name that the flood uses.
func TestAGoodClientGetsInDuringAFlood(t *testing.T) {
	for name, wrong := range map[string]func(int) Credential{"unknown users": unknownUser, "another user": wrongPassword} {
		for pace, interval := range map[string]time.Duration{"slow": 100 * time.Millisecond, "fast": 20 * time.Millisecond} {
			t.Run(name+", "+pace, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var spent atomic.Int64
					c := flooded(t, &spent)
					defer c.Close()
					stop := make(chan struct{})
					var wait sync.WaitGroup
					wait.Go(func() { flood(c, interval, stop, wrong) })
					time.Sleep(time.Minute)
					started := time.Now()
					for _, password := range []string{"secret", "next"} { // it is rotating
						verdict := Busy
						for attempt := 0; verdict == Busy && attempt < 20; attempt++ {
							time.Sleep(time.Second)
							_, verdict = c.Authenticate(basic("fresh", password))
						}
						if verdict != Accepted {
							t.Errorf("the good client is %v", verdict)
						}
					}
					if elapsed := time.Since(started); elapsed > 15*time.Second {
						t.Errorf("the good client was served after %v", elapsed)
					}
					close(stop)
					wait.Wait()
				})
			})
		}
	}
}

// Nobody is told of a check in the reserve that failed, so nothing has to look alike, and it costs no more than its own
// hashes.
func TestTheReserveWastesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var spent atomic.Int64
		c := flooded(t, &spent)
		defer c.Close()
		for i := range 2 { // overdraws the budget by six seconds
			expect(t, c, unknownUser(i), Rejected, "")
		}
		spent.Store(0)
		expect(t, c, basic("user-1", "wrong"), Busy, "")
		if got := spent.Load(); got != 200 {
			t.Errorf("spent %d ms, want 200", got)
		}
	})
}

// While the budget is used up, what an attacker is told must not show whether a user exists either.
func TestDuringAFloodUnknownAndWrongLookAlike(t *testing.T) {
	for pace, interval := range map[string]time.Duration{"queue has room": time.Second, "queue is full": 20 * time.Millisecond} {
		t.Run(pace, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var spent atomic.Int64
				c := flooded(t, &spent)
				defer c.Close()
				stop := make(chan struct{})
				var wait sync.WaitGroup
				wait.Go(func() { flood(c, interval, stop, unknownUser) })
				time.Sleep(time.Minute + time.Millisecond/2)
				type answer struct {
					verdict Verdict
					elapsed time.Duration
				}
				probe := func(cred Credential) (a answer) {
					a.elapsed = took(func() { _, a.verdict = c.Authenticate(cred) })
					return a
				}
				counts := map[string]map[answer]int{"unknown": {}, "wrong": {}}
				var mu sync.Mutex
				random := rand.New(rand.NewPCG(5, 6))
				for i := range 500 {
					// One of each, at the same moment, either of them first.
					time.Sleep(time.Duration(random.Int64N(int64(10 * time.Second))))
					names := []string{"unknown", "wrong"}
					if random.IntN(2) == 1 {
						names[0], names[1] = names[1], names[0]
					}
					var pair sync.WaitGroup
					for _, name := range names {
						cred := basic(fmt.Sprintf("user-%d", i), "wrong")
						if name == "unknown" {
							cred = basic(fmt.Sprintf("abuser-%d", i), "wrong")
						}
						pair.Go(func() {
							a := probe(cred)
							a.elapsed = a.elapsed.Round(time.Second)
							mu.Lock()
							counts[name][a]++
							mu.Unlock()
						})
						synctest.Wait()
					}
					pair.Wait()
				}
				for _, name := range [][2]string{{"unknown", "wrong"}, {"wrong", "unknown"}} {
					for a, n := range counts[name[0]] {
						if difference := n - counts[name[1]][a]; difference > 60 { // four standard deviations
							t.Errorf("%v after about %v: %d times for %s, %d for %s", a.verdict, a.elapsed, n, name[0], n-difference, name[1])
						}
					}
				}
				close(stop)
				wait.Wait()
			})
		})
	}
}

// What runs in the reserve is over before anything can run in the common lane: no worker is then missing there, and what a
// wrong password of a client that never came is told comes no later than what is told of an unknown user.
func TestTheReserveDelaysNobodyInTheCommonLane(t *testing.T) {
	const check, limit = 200 * time.Millisecond, 8
	type answer struct {
		verdict Verdict
		elapsed time.Duration
	}
	wrong := func(c *Cache, user string) (a answer) {
		a.elapsed = took(func() { _, a.verdict = c.Authenticate(basic(user, "wrong")) }).Round(time.Microsecond)
		return a
	}
	// both asks for one after the other, at one moment, and returns what the first is told.
	both := func(c *Cache, first, second string) (a answer) {
		var wait sync.WaitGroup
		wait.Go(func() { a = wrong(c, first) })
		synctest.Wait()
		wrong(c, second)
		wait.Wait()
		return a
	}
	// exhaust uses up the budget until so long before it opens.
	exhaust := func(c *Cache, before time.Duration) {
		q := &c.passwords.queue
		for i := 0; ; i++ {
			c.Authenticate(unknownUser(i))
			q.mu.Lock()
			wait := q.commonBudget.wait(time.Now())
			q.mu.Unlock()
			if wait > 0 {
				time.Sleep(wait - before)
				return
			}
		}
	}
	probes := map[string]func(t *testing.T, c *Cache, workers int, user string) answer{
		"behind a queue that was full": func(t *testing.T, c *Cache, workers int, user string) answer {
			var wait sync.WaitGroup
			for i := range workers + limit {
				wait.Go(func() { expect(t, c, basic("rotating", fmt.Sprint("secret-", i)), Accepted, "b") })
				synctest.Wait()
			}
			if got, want := wrong(c, user), (answer{Busy, 0}); got != want {
				t.Errorf("%s: %v, want %v", user, got, want)
			}
			wait.Wait()
			synctest.Wait()
			if workers == 1 {
				return wrong(c, "nobody")
			}
			return both(c, "nobody", "nobody else")
		},
		"while checks begin to take three times as long": func(_ *testing.T, c *Cache, _ int, user string) answer {
			exhaust(c, 5*check/2)
			c.passwords.queue.slowly = func(run func()) {
				run()
				time.Sleep(2 * check)
			}
			return wrong(c, user)
		},
	}
	for _, before := range []time.Duration{50 * time.Millisecond, 150 * time.Millisecond, 2 * check, 6 * check} {
		probes[fmt.Sprint(before, " before the budget opens")] = func(_ *testing.T, c *Cache, _ int, user string) answer {
			exhaust(c, before)
			return wrong(c, user)
		}
		probes[fmt.Sprint("behind somebody, ", before, " before the budget opens")] = func(_ *testing.T, c *Cache, _ int, user string) answer {
			exhaust(c, before)
			return both(c, "nobody", user)
		}
	}
	for name, probe := range probes {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				answers := map[string]answer{}
				for _, user := range []string{"unknown", "never-came"} {
					synctest.Test(t, func(t *testing.T) {
						c := opened(Options{Workers: workers, QueueLimit: limit})
						defer c.Close()
						entries := []Entry{hashed("a", "never-came", slowHash(check, "secret"))}
						for i := range 2 + limit {
							entries = append(entries, hashed("b", "rotating", slowHash(20*time.Millisecond, fmt.Sprint("secret-", i))))
						}
						mustReplace(t, c, "file", entries...)
						answers[user] = probe(t, c, workers, user)
					})
				}
				if answers["unknown"] != answers["never-came"] {
					t.Errorf("%+v, so one knows who is a client", answers)
				}
			})
		}
	}
}

// Some wrong passwords among many right ones delay a cold start by no more than the one check of each that the budget
// has to pay for.
func TestWrongPasswordsDelayAColdStartByTheirBudgetOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var spent atomic.Int64
		c := flooded(t, &spent)
		defer c.Close()
		var wait sync.WaitGroup
		var last atomic.Int64
		stop := make(chan struct{})
		started := time.Now()
		for i := range 400 {
			wait.Go(func() {
				password := "secret"
				if i%20 == 0 {
					password = "wrong"
				}
				for {
					_, verdict := c.Authenticate(basic(fmt.Sprintf("user-%d", i), password))
					switch {
					case verdict == Accepted:
						last.Store(max(last.Load(), int64(time.Since(started))))
						return
					case verdict == Rejected && password == "secret":
						t.Errorf("user-%d is rejected", i)
						return
					}
					select {
					case <-stop:
						return
					case <-time.After(time.Duration(500+i) * time.Millisecond):
					}
				}
			})
		}
		time.Sleep(5 * time.Minute)
		close(stop)
		wait.Wait()
		const check = 200 * time.Millisecond
		most := 380*check/2 + time.Duration(20*float64(check)/reserveShare)
		if elapsed := time.Duration(last.Load()); elapsed > most {
			t.Errorf("the last one was served after %v, want at most %v", elapsed, most)
		} else {
			t.Logf("the last one was served after %v", elapsed)
		}
	})
}
