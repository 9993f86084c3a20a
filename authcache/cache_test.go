package authcache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/quick"

	"golang.org/x/crypto/bcrypt"
)

// Whatever is presented, it is accepted exactly when an entry says so, and as that entry's identity.
func TestCacheAnswersForNothingElse(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	want := map[string]string{} // what is presented → tenant
	name := func(cred Credential) string { return fmt.Sprintf("%d %q %q", cred.Scheme, cred.User, cred.Secret) }
	var entries []Entry
	words := []string{"a", "b", "c", "ab", "bc", "a b", "abc", "x", strings.Repeat("a", 200), "ä"}
	for i, user := range words {
		tenant := fmt.Sprintf("team-%d", i)
		for j, password := range words {
			if (i+j)%3 == 0 {
				continue
			}
			e := plain(tenant, user, password)
			e.Identity.Client = "client"
			if (i+j)%3 == 1 {
				e.Hash, e.Password = fakeHash(password), ""
			}
			entries = append(entries, e)
			if len(password) > 72 && e.Hash != "" {
				continue // too long for a slow hash
			}
			want[name(basic(user, password))] = tenant
		}
	}
	entries = append(entries, Entry{Identity: &Identity{Tenant: "robots", Client: "robot"}, Scheme: Bearer, Password: "abc"})
	want[name(bearer("abc"))] = "robots"
	mustReplace(t, c, "file", entries...)

	f := func(user, secret uint8, isBearer bool, noise []byte) bool {
		cred := basic(words[int(user)%len(words)], words[int(secret)%len(words)])
		if isBearer {
			cred = bearer(words[int(secret)%len(words)])
		}
		if len(noise) > 0 && noise[0]%4 == 0 {
			cred.Secret = append(cred.Secret, noise...)
		}
		for range 2 { // the second answer comes from memory
			tenant, known := want[name(cred)]
			identity, verdict := c.Authenticate(cred)
			if known != (verdict == Accepted) || known && identity.Tenant != tenant || !known && verdict != Rejected {
				t.Errorf("%s: %v %v, want tenant %q", name(cred), verdict, identity, tenant)
				return false
			}
		}
		return true
	}
	if err := quick.Check(f, &quick.Config{MaxCount: 2000}); err != nil {
		t.Fatal(err)
	}
}

// The cache may keep nothing of what was presented: the buffer belongs to the next request at once (T33).
func TestCacheKeepsNothingOfTheRequest(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	var entries []Entry
	for i := range 50 {
		entries = append(entries, hashed("team-a", fmt.Sprintf("user-%02d", i), fakeHash(fmt.Sprintf("right-%02d", i))))
	}
	mustReplace(t, c, "file", entries...)
	user, secret := make([]byte, 7), make([]byte, 8)
	show := func(format string, i int) Verdict {
		copy(user, fmt.Sprintf("user-%02d", i%50))
		copy(secret, fmt.Sprintf(format, i%100))
		_, verdict := c.Authenticate(Credential{Scheme: Basic, User: user, Secret: secret})
		return verdict
	}
	for i := range 50 {
		if got := show("right-%02d", i); got != Accepted {
			t.Fatalf("user %d: %v", i, got)
		}
	}
	for i := range 5000 {
		if got := show("wrong-%02d", i); got != Rejected {
			t.Fatalf("user %d with a wrong password: %v", i, got)
		}
		if i%50 != i%100 {
			if got := show("right-%02d", i); got != Rejected {
				t.Fatalf("user %d with another's password: %v", i, got)
			}
		}
	}
	for i := range 50 {
		if got := show("right-%02d", i); got != Accepted {
			t.Fatalf("user %d: %v", i, got)
		}
	}
}

func TestOversizedCredentialsAreRejected(t *testing.T) {
	for _, slow := range []bool{false, true} {
		c := opened(Options{})
		longest := strings.Repeat("p", MaxBasicSize-len("user:"))
		token := strings.Repeat("t", MaxAuthorizationSize-len("Bearer "))
		mustReplace(t, c, "file", plain("a", "user", longest),
			Entry{Identity: &Identity{Tenant: "b", Client: "b"}, Scheme: Bearer, Password: token})
		if slow {
			mustReplace(t, c, "slow", hashed("c", "slow", slowHash(1<<40, "secret")))
		}
		c.Expect("another")
		expect(t, c, basic("user", longest), Accepted, "a")
		expect(t, c, bearer(token), Accepted, "b")
		expect(t, c, basic("user", longest+"p"), Rejected, "")
		expect(t, c, basic("user", strings.Repeat("p", 100_000)), Rejected, "")
		expect(t, c, basic(strings.Repeat("u", 100_000), ""), Rejected, "")
		expect(t, c, bearer(strings.Repeat("t", 100_000)), Rejected, "")
		c.Close()
	}
}

func TestRealBcrypt(t *testing.T) {
	hash := func(password []byte) string {
		text, err := bcrypt.GenerateFromPassword(password, bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	longest := bytes.Repeat([]byte("p"), 72)
	c := New(Options{})
	defer c.Close()
	mustReplace(t, c, "file",
		hashed("a", "rotating", hash([]byte("old"))), hashed("a", "rotating", hash([]byte("new"))), plain("a", "rotating", "plain"),
		hashed("b", "longest", hash(longest)), hashed("c", "short", hash([]byte("a"))))
	for range 2 {
		expect(t, c, basic("rotating", "old"), Accepted, "a")
		expect(t, c, basic("rotating", "new"), Accepted, "a")
		expect(t, c, basic("rotating", "plain"), Accepted, "a")
		expect(t, c, basic("rotating", "wrong"), Rejected, "")
		expect(t, c, basic("longest", string(longest)), Accepted, "b")
		expect(t, c, basic("longest", string(longest)+"p"), Rejected, "")
		expect(t, c, basic("longest", string(longest[1:])), Rejected, "")
		expect(t, c, basic("short", "a"), Accepted, "c")
		expect(t, c, basic("short", "a\x00a"), Rejected, "")
		expect(t, c, basic("nobody", "old"), Rejected, "")
	}
	if _, err := c.Replace("file", []Entry{hashed("a", "u", "$2a$10$short")}); err == nil || strings.Contains(err.Error(), "$10$") {
		t.Fatalf("got error %v", err)
	}
}

// FuzzAuthenticate looks for a credential that is accepted and should not be.
func FuzzAuthenticate(f *testing.F) {
	c := opened(Options{})
	f.Cleanup(c.Close)
	entries := []Entry{plain("a", "user", "secret"), hashed("b", "slow", fakeHash("secret")),
		{Identity: &Identity{Tenant: "c", Client: "c"}, Scheme: Bearer, Password: "secret"}}
	if _, err := c.Replace("file", entries); err != nil {
		f.Fatal(err)
	}
	f.Add(byte(0), []byte("user"), []byte("secret"))
	f.Add(byte(0), []byte("slow"), []byte("secret"))
	f.Add(byte(1), []byte(""), []byte("secret"))
	f.Add(byte(0), []byte("use"), []byte("rsecret"))
	f.Fuzz(func(t *testing.T, scheme byte, user, secret []byte) {
		cred := Credential{Scheme: Scheme(scheme), User: user, Secret: secret}
		want := ""
		switch fmt.Sprintf("%d:%s:%s", scheme, user, secret) {
		case "0:user:secret":
			want = "a"
		case "0:slow:secret":
			want = "b"
		case "1::secret":
			want = "c"
		}
		identity, verdict := c.Authenticate(cred)
		if (verdict == Accepted) != (want != "") || want != "" && identity.Tenant != want || want == "" && verdict == Unready {
			t.Fatalf("scheme %d, user %q, secret %q: %v %v", scheme, user, secret, verdict, identity)
		}
	})
}

// Sources that change at random, with credentials in common, against plain maps.
func TestCacheAgreesWithAMapOverManyReplaces(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	random := rand.New(rand.NewPCG(3, 4))
	sources := []string{"x", "y", "z"}
	held := map[string]map[string]Entry{}
	for _, source := range sources {
		held[source] = map[string]Entry{}
	}
	for range 200 {
		source := sources[random.IntN(len(sources))]
		for range random.IntN(10) {
			n := random.IntN(30)
			key := fmt.Sprintf("%d", n)
			e := plain(fmt.Sprintf("team-%d", n%7), fmt.Sprintf("user-%d", n%7), fmt.Sprintf("secret-%d", n))
			if n%2 == 0 {
				e.Hash, e.Password = fakeHash(e.Password), ""
			}
			if random.IntN(2) == 0 {
				delete(held[source], key)
			} else {
				held[source][key] = e
			}
		}
		var entries []Entry
		for _, e := range held[source] {
			entries = append(entries, e)
		}
		mustReplace(t, c, source, entries...)
		for n := range 30 {
			want := Rejected
			for _, source := range sources {
				if _, found := held[source][fmt.Sprint(n)]; found {
					want = Accepted
				}
			}
			expect(t, c, basic(fmt.Sprintf("user-%d", n%7), fmt.Sprintf("secret-%d", n)), want, fmt.Sprintf("team-%d", n%7))
		}
	}
}
