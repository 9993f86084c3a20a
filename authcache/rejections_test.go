package authcache

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestARejectionIsRememberedForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		mustReplace(t, c, "file", hashed("a", "user", slowHash(10*time.Millisecond, "secret")))
		wrong := func() time.Duration { return took(func() { expect(t, c, basic("user", "wrong"), Rejected, "") }) }
		if elapsed := wrong(); elapsed != 10*time.Millisecond {
			t.Fatalf("the first took %v", elapsed)
		}
		time.Sleep(rejectionLife - time.Nanosecond)
		if elapsed := wrong(); elapsed != 0 || checks.Load() != 1 {
			t.Fatalf("within five seconds it took %v and %d checks", elapsed, checks.Load())
		}
		time.Sleep(time.Nanosecond)
		if elapsed := wrong(); elapsed != 10*time.Millisecond || checks.Load() != 2 {
			t.Fatalf("after five seconds it took %v and %d checks", elapsed, checks.Load())
		}
		// Another password, or another user with this one, is another matter.
		expect(t, c, basic("user", "secret"), Accepted, "a")
	})
}

// A client that comes too early costs no check each time, and is good the moment it begins.
func TestWhatIsTooEarlyIsRememberedUntilItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checks := counted(Options{})
		defer c.Close()
		now := time.Now()
		soon, sooner := slowHash(20*time.Millisecond, "secret"), slowHash(10*time.Millisecond, "secret")
		mustReplace(t, c, "file",
			onTerms(hashed("a", "user", sooner), Terms{NotBefore: now.Add(12 * time.Second)}),
			onTerms(hashed("a", "user", soon), Terms{NotBefore: now.Add(13 * time.Second)}),
			onTerms(hashed("a", "user", slowHash(30*time.Millisecond, "secret")), Terms{Expires: now}))
		const all = 3 // hashes of the user
		for _, step := range []struct {
			at      time.Duration
			rejects int64 // checks of all until then
		}{
			{0, 1},
			{time.Second, 1},
			{6 * time.Second, 2},
			{10 * time.Second, 2},
			{11500 * time.Millisecond, 3},
			{12*time.Second - time.Nanosecond, 3},
		} {
			time.Sleep(time.Until(now.Add(step.at)))
			if _, verdict := c.Authenticate(basic("user", "secret")); verdict != Early && verdict != Expired || checks.Load() != all*step.rejects {
				t.Errorf("after %v it is %v, with %d checks; want %d", step.at, verdict, checks.Load(), all*step.rejects)
			}
		}
		time.Sleep(time.Nanosecond)
		expect(t, c, basic("user", "secret"), Accepted, "a")
	})
}

func TestRejectionsAreForgottenWhenCredentialsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{})
		defer c.Close()
		slow := hashed("a", "user", slowHash(10*time.Millisecond, "secret"))
		mustReplace(t, c, "file", slow)
		expect(t, c, basic("new", "secret"), Rejected, "")
		mustReplace(t, c, "folder", hashed("b", "new", slowHash(10*time.Millisecond, "secret")))
		expect(t, c, basic("new", "secret"), Accepted, "b")

		expect(t, c, basic("user", "wrong"), Rejected, "")
		mustReplace(t, c, "file", slow) // nothing changed, but it was read again
		if elapsed := took(func() { expect(t, c, basic("user", "wrong"), Rejected, "") }); elapsed != 10*time.Millisecond {
			t.Errorf("still remembered after Replace: took %v", elapsed)
		}
		// What is remembered is that nobody has it, not what that means.
		c.Failed("folder", errors.New("is away"))
		expect(t, c, basic("user", "wrong"), Unready, "")
	})
}

func TestRejectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m rejections
		remembers := func(d digest, generation uint64) bool {
			_, found := m.remembers(d, generation, time.Now())
			return found
		}
		at := func(i int) digest { return digest{uint64(i), 1} }
		remember := func(d digest, generation uint64) {
			m.remember(rejection{d, Rejected, time.Now().Add(rejectionLife)}, generation, time.Now())
		}
		for i := range 3 * rejectionLimit {
			remember(at(i), 0)
			if len(m.noted) > rejectionLimit || len(m.ring) > rejectionLimit {
				t.Fatalf("%d are remembered", len(m.noted))
			}
		}
		for i, want := range map[int]bool{0: false, 2*rejectionLimit - 1: false, 2 * rejectionLimit: true, 3*rejectionLimit - 1: true} {
			if got := remembers(at(i), 0); got != want {
				t.Errorf("number %d is remembered: %v, want %v", i, got, want)
			}
		}
		m.forget(1)
		remember(at(1), 0) // from a check that began before
		remember(at(2), 1)
		if remembers(at(1), 1) || !remembers(at(2), 1) || remembers(at(3*rejectionLimit-1), 1) {
			t.Error("a rejection of older credentials is remembered, or one of these is not")
		}
		// The same one noted twice lives as long as the second note.
		time.Sleep(3 * time.Second)
		remember(at(2), 1)
		time.Sleep(3 * time.Second)
		remember(at(3), 1)
		if !remembers(at(2), 1) {
			t.Error("the newer note went with the older one")
		}
		time.Sleep(rejectionLife)
		remember(at(4), 1)
		if m.count != 1 || len(m.noted) != 1 {
			t.Errorf("old ones were not swept: %d, %d", m.count, len(m.noted))
		}
	})
}

func TestAFloodOfWrongPasswordsEvictsNothingGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 8, QueueTimeout: time.Hour, QueueLimit: 4 * rejectionLimit})
		defer c.Close()
		mustReplace(t, c, "file", plain("p", "plain", "secret"), hashed("a", "user", fakeHash("secret")))
		expect(t, c, basic("user", "secret"), Accepted, "a")
		for i := range 2 * rejectionLimit {
			expect(t, c, basic("user", fmt.Sprint("wrong-", i)), Rejected, "")
		}
		if elapsed := took(func() { expect(t, c, basic("user", "secret"), Accepted, "a") }); elapsed != 0 {
			t.Errorf("the good one took %v", elapsed)
		}
		expect(t, c, basic("plain", "secret"), Accepted, "p")
	})
}
