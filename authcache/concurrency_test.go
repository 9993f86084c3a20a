package authcache

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Readers never see a credential missing that is in every version, nor one answering that is in none, nor anybody's
// identity for another's secret, while sources change under them.
func TestReadersAreRightWhileSourcesChange(t *testing.T) {
	const versions = 40
	c := opened(Options{Workers: 4, QueueTimeout: 20 * time.Millisecond})
	defer c.Close()
	hash := func(e Entry) Entry { e.Hash, e.Password = fakeHash(e.Password), ""; return e }
	scoped := func(e Entry, s Scope) Entry { e.Identity.Scopes = s; return e }
	file := func(version int) []Entry {
		entries := []Entry{
			scoped(plain("stable", "stable", "secret"), Scope(1+version%2)), // its rights change, it stays
			scoped(hash(plain("stable-slow", "stable-slow", "secret")), Scope(1+version%2)),
			plain("turning", "turning", fmt.Sprint("secret-", version)),
			hash(plain("turning-slow", "turning-slow", fmt.Sprint("secret-", version))),
			plain("moving", "moving", "secret"), // from a password to a hash and back
		}
		if version%2 == 0 {
			entries[4] = hash(entries[4])
		}
		for i := range 50 {
			entries = append(entries, plain(fmt.Sprint("filler-", i), fmt.Sprint("filler-", i), fmt.Sprint(version%3, i)))
		}
		return entries
	}
	folder := func(version int) []Entry {
		if version%2 == 0 {
			return []Entry{plain("folder", "coming", "secret")}
		}
		return []Entry{hash(plain("folder", "coming-slow", "secret"))}
	}
	mustReplace(t, c, "file", file(0)...)
	mustReplace(t, c, "folder", folder(0)...)

	var done atomic.Bool
	var current atomic.Int64 // the version that has come into force, at least
	var readers, writers sync.WaitGroup
	read := func(check func()) {
		readers.Go(func() {
			for !done.Load() {
				check()
			}
		})
	}
	always := func(user string) func() {
		return func() {
			identity, verdict := c.Authenticate(basic(user, "secret"))
			if verdict != Accepted && verdict != Busy || verdict == Accepted && identity.Tenant != user {
				t.Errorf("%s: %v %v", user, verdict, identity)
			}
		}
	}
	read(always("stable"))
	read(always("stable-slow"))
	read(always("moving"))
	read(func() {
		for _, user := range []string{"turning", "turning-slow"} {
			before := current.Load()
			for version := before - 2; version <= before; version++ {
				identity, verdict := c.Authenticate(basic(user, fmt.Sprint("secret-", version)))
				// current lags behind Replace, so a rejection of this version says nothing; an older one is over.
				if verdict == Accepted && (version < before || identity.Tenant != user) {
					t.Errorf("%s: the password of version %d is %v in version %d or later", user, version, identity, before)
				}
			}
		}
	})
	read(func() {
		for _, cred := range []Credential{basic("stable", "wrong"), basic("stable-slow", "wrong"), basic("nobody", "secret"), bearer("secret"), basic("filler-1", "secret")} {
			if identity, verdict := c.Authenticate(cred); verdict != Rejected && verdict != Busy || identity != nil {
				t.Errorf("%v: %v %v", cred, verdict, identity)
			}
		}
	})
	read(func() { c.Sources(); c.Len() })

	writers.Go(func() {
		for version := 1; version <= versions && !t.Failed(); version++ {
			mustReplace(t, c, "file", file(version)...)
			current.Store(int64(version))
			for _, user := range []string{"turning", "turning-slow"} {
				if _, verdict := c.Authenticate(basic(user, fmt.Sprint("secret-", version-1))); verdict == Accepted {
					t.Errorf("%s: the old password still answers after Replace returned", user)
				}
				if _, verdict := c.Authenticate(basic(user, fmt.Sprint("secret-", version))); verdict == Rejected {
					t.Errorf("%s: the new password is rejected after Replace returned", user)
				}
			}
		}
	})
	writers.Go(func() {
		for version := 1; version <= versions && !t.Failed(); version++ {
			mustReplace(t, c, "folder", folder(version)...)
			if version%2 == 0 {
				expect(t, c, basic("coming", "secret"), Accepted, "folder")
			}
		}
	})
	writers.Wait()
	done.Store(true)
	readers.Wait()
}

// reading calls check over and over while change runs.
func reading(check, change func()) {
	var done atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for !done.Load() {
			check()
		}
	})
	change()
	done.Store(true)
	reader.Wait()
}

// fillers make a Replace last long enough to be looked at half-way.
func fillers(version int) []Entry {
	var entries []Entry
	for i := range 2000 {
		entries = append(entries, plain("filler", fmt.Sprint("filler-", i), fmt.Sprint(version)))
	}
	return entries
}

func TestNobodyIsRejectedBeforeASourceIsRead(t *testing.T) {
	for range 10 {
		c := opened(Options{})
		c.Expect("file")
		seen := Unready
		reading(func() {
			_, verdict := c.Authenticate(basic("user", "secret"))
			if verdict != seen && verdict != Accepted {
				t.Errorf("%v after %v", verdict, seen)
			}
			seen = verdict
		}, func() { mustReplace(t, c, "file", append(fillers(0), plain("a", "user", "secret"))...) })
		c.Close()
	}
}

func TestWhatIsNewAnswersBeforeWhatIsOldStops(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("a", "user", "secret"))
	reading(
		func() { expect(t, c, basic("user", "secret"), Accepted, "a") },
		func() {
			for version := range 10 {
				e := plain("a", "user", "secret")
				if version%2 == 0 {
					e = hashed("a", "user", fakeHash("secret"))
				}
				mustReplace(t, c, "file", append(fillers(version), e)...)
			}
		})
}
