package authcache

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// forms are the ways in which two entries of one client may have the same password. The hashes are two, as bcrypt makes
// another one each time.
var forms = map[string]Entry{
	"plain":     plain("a", "user", "secret"),
	"generated": generated("a", "user", "secret"),
	"hash":      hashed("a", "user", slowHash(10*time.Millisecond, "secret")),
	"dear hash": hashed("a", "user", slowHash(20*time.Millisecond, "secret")),
}

// eachPair runs a test for every two forms, in both orders, in one source and in two.
func eachPair(t *testing.T, test func(t *testing.T, c *Cache, put func(first, second Terms))) {
	for one, first := range forms {
		for other, second := range forms {
			if one == other {
				continue
			}
			for _, sources := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s and %s in %d", one, other, sources), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := opened(Options{})
						defer c.Close()
						test(t, c, func(firstTerms, secondTerms Terms) {
							entries := []Entry{onTerms(first, firstTerms), onTerms(second, secondTerms)}
							if sources == 1 {
								mustReplace(t, c, "file", entries...)
								return
							}
							mustReplace(t, c, "file", entries[0])
							mustReplace(t, c, "htpasswd", entries[1])
						})
					})
				})
			}
		}
	}
}

// expectAtOnce is expect for what has to be in memory.
func expectAtOnce(t *testing.T, c *Cache, cred Credential, want Verdict, tenant string) {
	t.Helper()
	if elapsed := took(func() { expect(t, c, cred, want, tenant) }); elapsed != 0 {
		t.Errorf("%v took %v, want to find it in memory", cred, elapsed)
	}
}

// An entry that has ended, or has not begun, is not in the way of another one with the same password.
func TestTheSamePasswordTwiceIsGoodAsLongAsOneOfThemIs(t *testing.T) {
	eachPair(t, func(t *testing.T, c *Cache, put func(first, second Terms)) {
		now := time.Now()
		put(Terms{Expires: now.Add(time.Hour)}, Terms{NotBefore: now.Add(30 * time.Minute), Expires: now.Add(2 * time.Hour)})
		cred := basic("user", "secret")
		for _, asked := range []time.Duration{0, 40 * time.Minute, time.Hour, 90 * time.Minute} {
			time.Sleep(time.Until(now.Add(asked)))
			expect(t, c, cred, Accepted, "a")
			expectAtOnce(t, c, cred, Accepted, "a")
		}
		time.Sleep(time.Hour)
		expect(t, c, cred, Expired, "")
		expect(t, c, basic("user", "wrong"), Rejected, "")
	})
}

// Two entries may have the same password for two networks. Each is checked once, whoever comes in between.
func TestTheSamePasswordForTwoNetworks(t *testing.T) {
	eachPair(t, func(t *testing.T, c *Cache, put func(first, second Terms)) {
		put(Terms{AllowFrom: prefixes("10.0.0.0/8")}, Terms{AllowFrom: prefixes("192.168.0.0/16")})
		here, there := from(basic("user", "secret"), "10.0.0.1"), from(basic("user", "secret"), "192.168.0.1")
		var wait sync.WaitGroup
		for _, cred := range []Credential{here, there, here, there} {
			wait.Go(func() { expect(t, c, cred, Accepted, "a") })
		}
		wait.Wait()
		for range 3 {
			expectAtOnce(t, c, here, Accepted, "a")
			expectAtOnce(t, c, there, Accepted, "a")
			expect(t, c, from(basic("user", "secret"), "11.0.0.1"), Misplaced, "")
		}
	})
}

// Once the one that was found first is gone, the other answers without another check.
func TestWhatTheSamePasswordProvedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		here, there := Terms{AllowFrom: prefixes("10.0.0.0/8")}, Terms{AllowFrom: prefixes("192.168.0.0/16")}
		mustReplace(t, c, "file", onTerms(forms["hash"], here))
		mustReplace(t, c, "htpasswd", onTerms(forms["dear hash"], there))
		expect(t, c, from(basic("user", "secret"), "10.0.0.1"), Accepted, "a")
		expect(t, c, from(basic("user", "secret"), "192.168.0.1"), Accepted, "a")
		mustReplace(t, c, "htpasswd") // it was the last to be proved, so the table has that one
		expectAtOnce(t, c, from(basic("user", "secret"), "10.0.0.1"), Accepted, "a")
		mustReplace(t, c, "file")
		if checks.Load() != 2 {
			t.Errorf("%d checks, want one of each hash", checks.Load())
		}
		expect(t, c, from(basic("user", "secret"), "10.0.0.1"), Rejected, "")
		if size := c.verified.Size(); size != 0 {
			t.Errorf("the verified table has %d secrets, want none", size)
		}
	})
}

// How long a refusal takes tells nothing of a second entry, nor of its end: neither in the time of one check, nor in what
// is remembered of it.
func TestTheSamePasswordTwiceIsRefusedLikeAWrongOne(t *testing.T) {
	eachPair(t, func(t *testing.T, c *Cache, put func(first, second Terms)) {
		mustReplace(t, c, "other", hashed("d", "dear", slowHash(80*time.Millisecond, "secret")))
		now := time.Now()
		put(Terms{Expires: now.Add(time.Hour)}, Terms{AllowFrom: prefixes("192.168.0.0/16"), Expires: now.Add(time.Hour)})
		for range 2 { // the first time nobody was let in yet
			for _, cred := range []Credential{
				from(basic("user", "secret"), "10.0.0.1"), from(basic("user", "wrong"), "10.0.0.1"), from(basic("nobody", "secret"), "10.0.0.1"),
			} {
				time.Sleep(time.Until(now.Add(2 * time.Hour)))
				for _, want := range []time.Duration{80 * time.Millisecond, 0} {
					elapsed := took(func() {
						if _, verdict := c.Authenticate(cred); verdict == Accepted || verdict == Busy {
							t.Errorf("%v is %v", cred, verdict)
						}
					})
					if elapsed != want {
						t.Errorf("%v took %v, want %v", cred, elapsed, want)
					}
				}
				time.Sleep(time.Minute) // let the budget refill
			}
			now = time.Now()
			put(Terms{Expires: now.Add(time.Hour)}, Terms{AllowFrom: prefixes("192.168.0.0/16"), Expires: now.Add(time.Hour)})
			expect(t, c, from(basic("user", "secret"), "192.168.0.1"), Accepted, "a")
		}
	})
}

// A token may be written down as it is and as its SHA-256.
func TestTheSameTokenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{})
		defer c.Close()
		sum := tokenEntry("a", "")
		sum.SHA256 = sha256Of("t0ken")
		mustReplace(t, c, "file", onTerms(tokenEntry("a", "t0ken"), Terms{Expires: time.Now().Add(time.Hour)}), sum)
		for range 2 {
			expect(t, c, bearer("t0ken"), Accepted, "a")
			time.Sleep(time.Hour)
		}
	})
}

// While one form of a password comes and another one goes, it is known at every moment, also beside an entry that has ended.
func TestASecretMayChangeItsFormBesideOneThatHasEnded(t *testing.T) {
	forms := []Entry{plain("a", "user", "secret"), hashed("a", "user", fakeHash("secret")), generated("a", "user", "secret")}
	for i, ended := range forms {
		c := opened(Options{})
		mustReplace(t, c, "file", onTerms(ended, Terms{Expires: time.Unix(1, 0)}))
		others := []Entry{forms[(i+1)%3], forms[(i+2)%3]}
		mustReplace(t, c, "htpasswd", others[0])
		reading(func() { expect(t, c, basic("user", "secret"), Accepted, "a") }, func() {
			for turn := range 200 {
				mustReplace(t, c, "htpasswd", others[turn%2])
			}
		})
		c.Close()
	}
}

// Whatever entries there are, and whenever and from wherever somebody comes: a password is good if one of those that have it
// may be used, and what was accepted once costs no check as long as these entries are in force.
func TestTheSamePasswordAgreesWithALookAtEveryEntry(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	addresses := []string{"10.0.0.1", "10.1.0.1", "192.168.0.1", "11.0.0.1"}
	terms := func(now time.Time) (terms Terms) {
		if random.IntN(2) == 0 {
			terms.NotBefore = now.Add(time.Duration(random.IntN(20)-10) * time.Minute)
		}
		if random.IntN(2) == 0 {
			terms.Expires = now.Add(time.Duration(20+random.IntN(20)) * time.Minute)
		}
		if random.IntN(2) == 0 {
			terms.AllowFrom = [][]netip.Prefix{prefixes("10.0.0.0/8"), prefixes("10.1.0.0/16", "192.168.0.0/16")}[random.IntN(2)]
		}
		return terms
	}
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			c, checks := counted(Options{})
			defer c.Close()
			var entries []Entry
			sets := 0
			replace := func() {
				sets++
				entries = nil
				for _, form := range slices.Sorted(maps.Keys(forms)) {
					if random.IntN(2) == 0 {
						entries = append(entries, onTerms(forms[form], terms(time.Now())))
					}
				}
				half := random.IntN(len(entries) + 1)
				mustReplace(t, c, "htpasswd") // an entry may go from one source to the other, on other terms
				mustReplace(t, c, "file", entries[:half]...)
				mustReplace(t, c, "htpasswd", entries[half:]...)
			}
			replace()
			for range 60 {
				if random.IntN(20) == 0 {
					replace()
				}
				time.Sleep(time.Duration(random.IntN(100)) * time.Second)
				cred := from(basic("user", "secret"), addresses[random.IntN(len(addresses))])
				good := slices.ContainsFunc(entries, func(e Entry) bool { return e.Identity.judge(cred.From) == Accepted })
				if _, verdict := c.Authenticate(cred); (verdict == Accepted) != good {
					t.Fatalf("it is %v, and that one of %v is good is %v", verdict, entries, good)
				}
				before := checks.Load()
				if _, verdict := c.Authenticate(cred); (verdict == Accepted) != good || checks.Load() != before {
					t.Fatalf("asked again, it is %v after %d more checks", verdict, checks.Load()-before)
				}
			}
			if good := c.metrics.accepted.Get(); good > uint64(2*sets) {
				t.Errorf("%d checks of %d sets were good, want at most one of each hash", good, sets)
			}
		})
	}
}
