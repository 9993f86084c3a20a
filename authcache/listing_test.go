package authcache

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

func TestTheLastUseOfEveryKindIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := taking(t, verify.IssuerOptions{})
		defer c.Close()
		bearing := tokenEntry("bearer", "t0ken")
		certificate := Entry{Identity: &Identity{Tenant: "certificate", Client: "x"}, Scheme: Certificate, User: "cn:x"}
		nobody := Entry{Identity: &Identity{Tenant: "nobody", Client: "x", Terms: &Terms{AllowFrom: prefixes("10.0.0.0/8")}}, Scheme: Anonymous}
		bound := onTerms(plain("terms", "terms", "secret"), Terms{AllowFrom: prefixes("10.0.0.0/8")})
		slowBound := onTerms(hashed("slowterms", "slowterms", fakeHash("secret")), Terms{AllowFrom: prefixes("10.0.0.0/8")})
		entries := []Entry{plain("plain", "plain", "secret"), hashed("slow", "slow", fakeHash("secret")), generated("generated", "generated", "secret"),
			bearing, certificate, nobody, bound, slowBound, plain("unused", "unused", "secret")}
		mustReplace(t, c, "file", entries...)
		for _, s := range c.Credentials() {
			if !s.Used.IsZero() {
				t.Errorf("%s was used at %v, before anybody came", s.Tenant, s.Used)
			}
		}
		credentials := []Credential{basic("plain", "secret"), basic("slow", "secret"), basic("generated", "secret"), bearer("t0ken"),
			{Scheme: Certificate, User: []byte("cn:x")}, from(Credential{Scheme: Anonymous}, "10.0.0.1"), from(basic("terms", "secret"), "10.0.0.1"), from(basic("slowterms", "secret"), "10.0.0.1")}
		for round := range 3 {
			time.Sleep(time.Hour)
			now := time.Now()
			// A rejection is no use.
			c.Authenticate(basic("unused", "wrong"))
			c.Authenticate(from(basic("terms", "secret"), "11.0.0.1"))
			for _, cred := range credentials {
				if _, verdict := c.Authenticate(cred); verdict != Accepted {
					t.Fatalf("%v is %v", cred, verdict)
				}
			}
			expect(t, c, signed(t, nil), Accepted, "team-a")
			if round == 1 { // others change beside them, and their rights
				for i := range 500 {
					entries = append(entries, plain("filler", fmt.Sprint("filler-", i), "secret"))
				}
				entries[0].Identity = &Identity{Tenant: "plain", Client: "plain", Scopes: Operator}
				mustReplace(t, c, "file", entries...)
				entries = entries[:9]
				mustReplace(t, c, "file", entries...)
			}
			all := c.Credentials()
			if len(all) != len(entries) {
				t.Fatalf("%d credentials, want %d", len(all), len(entries))
			}
			for _, s := range all {
				switch late := now.Sub(s.Used); {
				case s.Tenant == "unused":
					if !s.Used.IsZero() {
						t.Errorf("unused was used at %v", s.Used)
					}
				case late < 0 || late > time.Minute+clockStep:
					t.Errorf("round %d: %s was last used %v ago", round, s.Tenant, late)
				}
			}
			if key := c.Keys()[0]; now.Sub(key.Used) > time.Minute+clockStep {
				t.Errorf("the key was last used at %v", key.Used)
			}
		}
	})
}

func TestCredentialsTellWhatIsLeftOfThem(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	now := time.Unix(1_800_000_000, 0)
	until := func(e Entry, left time.Duration) Entry { return onTerms(e, Terms{Expires: now.Add(left)}) }
	mustReplace(t, c, "file",
		until(plain("a", "a1", "p"), time.Hour), until(plain("a", "a1", "q"), 2*time.Hour), until(plain("a", "a2", "p"), -time.Hour),
		until(plain("b", "b1", "p"), time.Hour), plain("b", "b1", "q"), plain("c", "c1", "p"))
	mustReplace(t, c, "folder", plain("c", "c1", "p"), until(plain("d", "d1", "p"), time.Hour), until(plain("d", "d2", "p"), time.Hour))
	type row struct {
		client string
		left   time.Duration
		ends   bool
		last   bool
	}
	var got []row
	for _, s := range c.Credentials() {
		left, ends := s.Left(now)
		got = append(got, row{s.Client, left, ends, s.Last})
	}
	want := []row{{"a1", time.Hour, true, false}, {"a1", 2 * time.Hour, true, true}, {"a2", -time.Hour, true, false},
		{"b1", time.Hour, true, false}, {"b1", 0, false, false}, {"c1", 0, false, false}, {"d1", time.Hour, true, true}, {"d2", time.Hour, true, true}}
	if len(got) == len(want) && got[0].last { // the two passwords of a1 are at the same place
		got[0], got[1] = got[1], got[0]
	}
	if len(got) == len(want) && !got[3].ends {
		got[3], got[4] = got[4], got[3]
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if c.Keys() != nil {
		t.Error("there are keys")
	}
}

func TestTheNameOfABearer(t *testing.T) {
	if got := BearerClient("team-a", sha256Of("t0ken")); got != "team-a/"+sha256Of("t0ken")[:8] {
		t.Error(got)
	}
}

// TestClientsAreCountedOnce: a client with two passwords, or in two sources, is one; the same name of two tenants is two.
func TestClientsAreCountedOnce(t *testing.T) {
	c := New(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("team-a", "a", "one"), plain("team-a", "a", "two"), tokenEntry("team-b", "t0ken"))
	before := c.Clients()
	mustReplace(t, c, "folder", plain("team-a", "a", "three"), plain("team-c", "c", "secret"))
	if before != 2 || c.Clients() != 3 {
		t.Errorf("%d clients and then %d, want 2 and 3", before, c.Clients())
	}
}
