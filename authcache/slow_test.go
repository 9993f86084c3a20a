package authcache

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// counted returns a cache that counts the checks of its hashes.
func counted(o Options) (*Cache, *atomic.Int64) {
	checks := new(atomic.Int64)
	parse := func(text string) (verify.Hash, error) { return parseCounted(text, checks) }
	return newCache(o, parse, burnFake), checks
}

// took is how long a call lasts.
func took(f func()) time.Duration {
	started := time.Now()
	f()
	return time.Since(started)
}

func TestASlowCredentialIsCheckedOnceHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{Workers: 4})
		defer c.Close()
		mustReplace(t, c, "file", hashed("a", "user", slowHash(100*time.Millisecond, "secret")))
		var wait sync.WaitGroup
		elapsed := took(func() {
			for range 1000 {
				wait.Go(func() { expect(t, c, basic("user", "secret"), Accepted, "a") })
			}
			wait.Wait()
		})
		if checks.Load() != 1 || elapsed != 100*time.Millisecond {
			t.Fatalf("%d checks in %v, want 1 in 100ms", checks.Load(), elapsed)
		}
		elapsed = took(func() { expect(t, c, basic("user", "secret"), Accepted, "a") })
		if checks.Load() != 1 || elapsed != 0 {
			t.Fatalf("once seen, it took %v and %d checks", elapsed, checks.Load())
		}
	})
}

// Whoever gives the cache a place for slow work finds all of it there, that of a rejection as well, and nothing else.
func TestSlowChecksRunWhereTheyAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs int
		var inside time.Duration
		c, _ := counted(Options{Workers: 1, Slowly: func(check func()) {
			runs++
			inside += took(check)
		}})
		defer c.Close()
		mustReplace(t, c, "file", hashed("a", "user", slowHash(100*time.Millisecond, "secret")),
			plain("b", "quick", "plain"))
		for _, step := range []struct {
			user, password string
			verdict        Verdict
			tenant         string
			runs           int
			inside         time.Duration
		}{
			{"quick", "plain", Accepted, "b", 0, 0},
			{"user", "secret", Accepted, "a", 1, 100 * time.Millisecond},
			{"user", "secret", Accepted, "a", 1, 100 * time.Millisecond},
			{"user", "wrong", Rejected, "", 2, 200 * time.Millisecond},
			{"nobody", "wrong", Rejected, "", 3, 300 * time.Millisecond},
		} {
			expect(t, c, basic(step.user, step.password), step.verdict, step.tenant)
			if runs != step.runs || inside != step.inside {
				t.Errorf("after %s:%s %d runs that took %v, want %d and %v", step.user, step.password, runs, inside, step.runs, step.inside)
			}
		}
	})
}

func TestOnlySoManyChecksRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 3})
		defer c.Close()
		var entries []Entry
		for i := range 9 {
			entries = append(entries, hashed("a", fmt.Sprint("user-", i), slowHash(100*time.Millisecond, "secret")))
		}
		mustReplace(t, c, "file", entries...)
		var wait sync.WaitGroup
		var done [9]time.Duration
		for i := range done {
			wait.Go(func() {
				done[i] = took(func() { expect(t, c, basic(fmt.Sprint("user-", i), "secret"), Accepted, "a") })
			})
			synctest.Wait()
		}
		wait.Wait()
		for i, elapsed := range done {
			if want := time.Duration(i/3+1) * 100 * time.Millisecond; elapsed != want {
				t.Errorf("number %d was served after %v, want %v", i, elapsed, want)
			}
		}
	})
}

func TestWhatWaitsTooLongIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 1, QueueTimeout: time.Second})
		defer c.Close()
		mustReplace(t, c, "file",
			hashed("a", "long", slowHash(2500*time.Millisecond, "secret")), hashed("b", "next", slowHash(time.Second, "secret")))
		var wait sync.WaitGroup
		wait.Go(func() { // begun in time, so it is awaited
			elapsed := took(func() { expect(t, c, basic("long", "secret"), Accepted, "a") })
			if elapsed != 2500*time.Millisecond {
				t.Errorf("the long one took %v", elapsed)
			}
		})
		synctest.Wait()
		for _, cred := range []Credential{basic("next", "secret"), basic("next", "wrong"), basic("nobody", "secret")} {
			wait.Go(func() {
				elapsed := took(func() { expect(t, c, cred, Busy, "") })
				if elapsed != time.Second {
					t.Errorf("%v waited for %v, want 1s", cred, elapsed)
				}
			})
		}
		wait.Wait()
		// Busy is forgotten at once, and who comes again is served.
		expect(t, c, basic("next", "secret"), Accepted, "b")
	})
}

func TestAFullQueueIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 1, QueueLimit: 2, QueueTimeout: time.Minute})
		defer c.Close()
		var entries []Entry
		for i := range 5 {
			entries = append(entries, hashed("a", fmt.Sprint("user-", i), slowHash(time.Second, "secret")))
		}
		mustReplace(t, c, "file", entries...)
		var wait sync.WaitGroup
		for i := range 3 { // one runs, two wait
			wait.Go(func() { expect(t, c, basic(fmt.Sprint("user-", i), "secret"), Accepted, "a") })
			synctest.Wait()
		}
		for _, cred := range []Credential{basic("user-3", "secret"), basic("user-3", "wrong"), basic("nobody", "secret")} {
			if elapsed := took(func() { expect(t, c, cred, Busy, "") }); elapsed != 0 {
				t.Errorf("%v waited for %v", cred, elapsed)
			}
		}
		// A secret that waits already is no further place in the queue.
		wait.Go(func() { expect(t, c, basic("user-2", "secret"), Accepted, "a") })
		wait.Wait()
		expect(t, c, basic("user-3", "secret"), Accepted, "a")
	})
}

func TestCloseAnswersAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 1})
		mustReplace(t, c, "file", plain("a", "plain", "secret"),
			hashed("a", "seen", slowHash(time.Second, "secret")), hashed("a", "user", slowHash(time.Second, "secret")))
		expect(t, c, basic("seen", "secret"), Accepted, "a")
		var wait sync.WaitGroup
		wait.Go(func() { expect(t, c, basic("user", "secret"), Accepted, "a") })
		synctest.Wait()
		wait.Go(func() { expect(t, c, basic("user", "wrong"), Busy, "") })
		wait.Go(func() { expect(t, c, basic("nobody", "secret"), Busy, "") })
		synctest.Wait()
		c.Close()
		wait.Wait()
		expect(t, c, basic("nobody", "secret"), Busy, "")
		expect(t, c, basic("seen", "secret"), Accepted, "a")
		expect(t, c, basic("plain", "secret"), Accepted, "a")
	})
}

// The time of a rejection tells neither whether the user exists nor how expensive or how many their hashes are.
func TestEveryRejectionTakesEquallyLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{})
		defer c.Close()
		mustReplace(t, c, "file",
			plain("a", "plain", "secret"),
			hashed("b", "cheap", slowHash(16*time.Millisecond, "secret")),
			hashed("c", "dear", slowHash(64*time.Millisecond, "secret")),
			hashed("d", "rotating", slowHash(64*time.Millisecond, "old")), hashed("d", "rotating", slowHash(32*time.Millisecond, "new")))
		rejection := func(cred Credential) time.Duration {
			defer time.Sleep(time.Minute) // let the budget refill
			return took(func() { expect(t, c, cred, Rejected, "") })
		}
		for _, user := range []string{"plain", "cheap", "dear", "rotating", "nobody", strings.Repeat("x", 900)} {
			if elapsed := rejection(basic(user, "wrong")); elapsed != 96*time.Millisecond {
				t.Errorf("user %.10q: refused after %v, want 96ms", user, elapsed)
			}
		}
		// What bcrypt cannot hash is wrong for everybody, at once.
		for _, user := range []string{"plain", "cheap", "nobody"} {
			for _, password := range []string{strings.Repeat("p", verify.MaxBcryptPassword+1), "a\x00b"} {
				if elapsed := rejection(basic(user, password)); elapsed != 0 {
					t.Errorf("user %q: refused after %v, want at once", user, elapsed)
				}
			}
		}
		// Nothing slow is ever a token.
		if elapsed := rejection(bearer("wrong")); elapsed != 0 {
			t.Errorf("a token was refused after %v, want at once", elapsed)
		}
		// The most expensive ones went, so rejections are cheaper; then all went, and they cost nothing.
		left := []Entry{plain("a", "plain", "secret"), hashed("b", "cheap", slowHash(16*time.Millisecond, "secret"))}
		for i := range 20 {
			left = append(left, hashed("e", fmt.Sprint("cheaper-", i), slowHash(8*time.Millisecond, "secret")))
		}
		mustReplace(t, c, "file", left...)
		if elapsed := rejection(basic("nobody", "wrong")); elapsed != 16*time.Millisecond {
			t.Errorf("refused after %v, want 16ms", elapsed)
		}
		mustReplace(t, c, "file", plain("a", "plain", "secret"))
		if elapsed := rejection(basic("nobody", "wrong")); elapsed != 0 {
			t.Errorf("refused after %v, want at once", elapsed)
		}
	})
}

func TestVerifiedSecretsSurviveWhatDoesNotConcernThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		kept := hashed("a", "kept", slowHash(time.Millisecond, "secret"))
		mustReplace(t, c, "file", kept, hashed("b", "changed", slowHash(time.Millisecond, "old")), hashed("c", "removed", slowHash(time.Millisecond, "secret")))
		expect(t, c, basic("kept", "secret"), Accepted, "a")
		expect(t, c, basic("changed", "old"), Accepted, "b")
		expect(t, c, basic("removed", "secret"), Accepted, "c")
		checks.Store(0)

		renamed := kept
		renamed.Identity = &Identity{Tenant: "a2", Client: "kept", Scopes: Read}
		mustReplace(t, c, "file", hashed("b", "changed", slowHash(time.Millisecond, "new")), renamed)
		mustReplace(t, c, "other", plain("z", "another", "secret"))
		if elapsed := took(func() { expect(t, c, basic("kept", "secret"), Accepted, "a2") }); elapsed != 0 || checks.Load() != 0 {
			t.Errorf("the kept credential took %v and %d checks", elapsed, checks.Load())
		}
		expect(t, c, basic("changed", "old"), Rejected, "")
		expect(t, c, basic("removed", "secret"), Rejected, "")
		expect(t, c, basic("changed", "new"), Accepted, "b")
		if size := c.verified.Size(); size != 2 {
			t.Errorf("the verified table has %d secrets, want 2", size)
		}
	})
}

// A credential that is taken away while it is being checked must not slip through.
func TestACredentialRemovedDuringItsCheckIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{})
		defer c.Close()
		mustReplace(t, c, "file", hashed("a", "user", slowHash(time.Second, "secret")))
		var wait sync.WaitGroup
		wait.Go(func() { expect(t, c, basic("user", "secret"), Rejected, "") })
		synctest.Wait()
		mustReplace(t, c, "file")
		wait.Wait()
		if size := c.verified.Size(); size != 0 {
			t.Errorf("the verified table has %d secrets, want none", size)
		}
	})
}

// A 401 must hold for all credentials there are when it is given: one that came during the check counts.
func TestACredentialAddedDuringACheckIsFound(t *testing.T) {
	entries := map[string]Entry{
		"plain":  plain("a", "user", "secret"),
		"hashed": hashed("a", "user", slowHash(10*time.Millisecond, "secret")),
	}
	for name, entry := range entries {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := opened(Options{})
				defer c.Close()
				mustReplace(t, c, "other", hashed("b", "other", slowHash(time.Second, "secret")))
				c.Expect("file")
				var wait sync.WaitGroup
				for range 2 {
					wait.Go(func() { expect(t, c, basic("user", "secret"), Accepted, "a") })
				}
				synctest.Wait()
				mustReplace(t, c, "file", entry)
				wait.Wait()
			})
		})
	}
}

// Between the moment a record is gone and the moment its secret is out of the verified table, it must not answer.
func TestARecordThatIsGoneDoesNotAnswer(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", hashed("a", "user", fakeHash("secret")))
	expect(t, c, basic("user", "secret"), Accepted, "a")
	c.users["user"].hashed.gone.Store(true)
	if identity, verdict := c.Authenticate(basic("user", "secret")); verdict == Accepted {
		t.Fatalf("accepted as %v", identity)
	}
}

func TestAPasswordThatBecomesAHashIsNeverUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{})
		defer c.Close()
		versions := []Entry{
			plain("a", "user", "secret"),
			hashed("a", "user", slowHash(time.Millisecond, "secret")),
			hashed("a", "user", slowHash(2*time.Millisecond, "secret")),
		}
		mustReplace(t, c, "file", versions[0])
		for i := range 20 {
			var wait sync.WaitGroup
			for range 5 {
				wait.Go(func() { expect(t, c, basic("user", "secret"), Accepted, "a") })
			}
			mustReplace(t, c, "file", versions[i%len(versions)])
			wait.Wait()
		}
	})
}
