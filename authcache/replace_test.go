package authcache

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReplaceRefusesWhatCannotWork(t *testing.T) {
	withIdentity := func(id Identity) Entry {
		e := plain("", "user", "secret")
		e.Identity, e.Where = &id, "tenants[0]"
		return e
	}
	tests := []struct {
		name  string
		entry Entry
		want  string
	}{
		{"no identity", Entry{User: "user", Password: "secret"}, "an entry: the entry has no identity"},
		{"bad tenant", withIdentity(Identity{Tenant: "a|b", Client: "user"}), `tenants[0]: tenant ID "a|b"`},
		{"bad client", withIdentity(Identity{Tenant: "a", Client: "a b"}), "tenants[0]: the client's name"},
		{"no client", withIdentity(Identity{Tenant: "a"}), "tenants[0]: the client's name"},
		{"no secret", plain("a", "user", ""), "exactly one of a password, a password hash"},
		{"two secrets", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, User: "user", Password: "p", Hash: fakeHash("p")}, "exactly one of"},
		{"no user", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Password: "p"}, "the user name is empty"},
		{"colon in the user", plain("a", "us:er", "p"), `user name "us:er" has a colon`},
		{"control character in the user", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, User: "a\tb", Password: "p"}, "control character"},
		{"too long", plain("a", "user", strings.Repeat("p", MaxBasicSize-4)), "have 1025 bytes; want at most 1024"},
		{"bad hash", hashed("a", "user", "fake"), "a/user: no fake hash"},
		{"unknown scheme", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: 9, Password: "p"}, "scheme 9 is unknown"},
		{"bearer with a user", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: Bearer, User: "user", Password: "p"}, "want none"},
		{"bearer with a slow hash", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: Bearer, Hash: fakeHash("p")}, "want the token"},
		{"bearer with a blank", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: Bearer, Password: "a b"}, "at position 1"},
		{"bearer with padding only", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: Bearer, Password: "=="}, "nothing but padding"},
		{"bearer too long", Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: Bearer, Password: strings.Repeat("t", MaxAuthorizationSize)}, "want at most 8185"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := opened(Options{})
			defer c.Close()
			mustReplace(t, c, "file", plain("team-a", "kept", "secret"))
			_, err := c.Replace("file", []Entry{plain("team-a", "other", "secret"), test.entry})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), `source "file": `) {
				t.Fatalf("got error %v, want one with %q", err, test.want)
			}
			// Nothing changed, but what is unknown may stand in the source.
			expect(t, c, basic("kept", "secret"), Accepted, "team-a")
			expect(t, c, basic("other", "secret"), Unready, "")
			if c.Len() != 1 {
				t.Fatalf("got %d credentials, want 1", c.Len())
			}
		})
	}
}

func TestReplaceNamesBothPlacesOfAConflict(t *testing.T) {
	at := func(where string, e Entry) Entry { e.Where = where; return e }
	scoped := func(e Entry, s Scope) Entry { e.Identity.Scopes = s; return e }
	tests := []struct {
		name         string
		other, first []Entry // of another source, and of this one
		want         string  // empty: no error
	}{
		{"two tenants", nil, []Entry{at("tenants[0]", plain("a", "user", "p1")), at("tenants[1]", plain("b", "user", "p2"))},
			`tenants[1]: user name "user" has tenant "b" here and "a" at tenants[0]`},
		{"two tenants, one slow", nil, []Entry{at("tenants[0]", plain("a", "user", "p1")), at("tenants[1]", hashed("b", "user", fakeHash("p2")))},
			`tenants[1]: user name "user" has tenant "b" here and "a" at tenants[0]`},
		{"two tenants in two sources", []Entry{at("x.toml: tenants[0]", plain("a", "user", "p1"))}, []Entry{at("tenants[1]", plain("b", "user", "p2"))},
			`tenants[1]: user name "user" has tenant "b" here and "a" at x.toml: tenants[0]`},
		{"the same password with two tenants", nil, []Entry{at("tenants[0]", plain("a", "user", "p")), at("tenants[1]", plain("b", "user", "p"))},
			`has tenant "b" here and "a" at tenants[0]`},
		{"the same credential with other scopes", nil, []Entry{at("tenants[0]", plain("a", "user", "p")), at("tenants[1]", scoped(plain("a", "user", "p"), Read))},
			"tenants[1]: the same credential is at tenants[0] with another tenant, name, scopes or terms"},
		{"the same in another source with other scopes", []Entry{at("x.toml", plain("a", "user", "p"))}, []Entry{at("tenants[1]", scoped(plain("a", "user", "p"), Read))},
			"tenants[1]: the same credential is at x.toml"},
		{"the same token with two tenants", nil, []Entry{
			{Identity: &Identity{Tenant: "a", Client: "a"}, Scheme: Bearer, Password: "t0ken", Where: "tenants[0]"},
			{Identity: &Identity{Tenant: "b", Client: "b"}, Scheme: Bearer, Password: "t0ken", Where: "tenants[1]"}},
			"tenants[1]: the same credential is at tenants[0]"},

		{"several passwords", nil, []Entry{plain("a", "user", "p1"), plain("a", "user", "p2"), hashed("a", "user", fakeHash("p3"))}, ""},
		{"several passwords in two sources", []Entry{plain("a", "user", "p1")}, []Entry{plain("a", "user", "p2")}, ""},
		{"the same credential twice", nil, []Entry{plain("a", "user", "p"), plain("a", "user", "p")}, ""},
		{"the same credential in two sources", []Entry{plain("a", "user", "p")}, []Entry{plain("a", "user", "p")}, ""},
		{"two users of one tenant", nil, []Entry{plain("a", "user1", "p"), plain("a", "user2", "p")}, ""},
		{"a token that reads like a user's", nil, []Entry{plain("a", "user", "p"),
			{Identity: &Identity{Tenant: "b", Client: "b"}, Scheme: Bearer, Password: "p"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := opened(Options{})
			defer c.Close()
			mustReplace(t, c, "other", test.other...)
			_, err := c.Replace("file", test.first)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Fatalf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestReplaceTellsEveryProblem(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	var entries []Entry
	for i := range 3 {
		entries = append(entries, Entry{Where: fmt.Sprintf("tenants[%d]", i)})
	}
	_, err := c.Replace("file", entries)
	for i := range 3 {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("tenants[%d]", i)) {
			t.Fatalf("tenants[%d] is not in %v", i, err)
		}
	}
	_, err = c.Replace("file", make([]Entry, maxProblems+50))
	if err == nil || !strings.HasSuffix(err.Error(), "and 50 more problems") || strings.Count(err.Error(), "\n") != maxProblems {
		t.Fatalf("got %v", err)
	}
}

func TestAUserNameMayMoveToAnotherTenant(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("a", "user", "p1"), plain("a", "user", "p2"), hashed("a", "user", fakeHash("p3")))
	expect(t, c, basic("user", "p3"), Accepted, "a")
	mustReplace(t, c, "file", plain("b", "user", "p1"), hashed("b", "user", fakeHash("p3")))
	expect(t, c, basic("user", "p1"), Accepted, "b")
	expect(t, c, basic("user", "p2"), Rejected, "")
	expect(t, c, basic("user", "p3"), Accepted, "b")
}

func TestACredentialOfTwoSourcesStaysUntilBothDropIt(t *testing.T) {
	for _, e := range []Entry{plain("a", "user", "p"), hashed("a", "user", fakeHash("p"))} {
		for _, order := range [][]string{{"x", "y", "z"}, {"z", "x", "y"}, {"y", "z", "x"}} {
			c := opened(Options{})
			for _, source := range []string{"x", "y", "z"} {
				mustReplace(t, c, source, e)
			}
			for _, source := range order {
				expect(t, c, basic("user", "p"), Accepted, "a")
				if c.Len() != 1 {
					t.Fatalf("got %d credentials, want 1", c.Len())
				}
				mustReplace(t, c, source)
			}
			expect(t, c, basic("user", "p"), Rejected, "")
			if c.Len() != 0 || len(c.users) != 0 || len(c.hashes) != 0 || c.slow.Load() != 0 {
				t.Fatalf("something is left: %d %d %d %d", c.Len(), len(c.users), len(c.hashes), c.slow.Load())
			}
			c.Close()
		}
	}
}

func TestReplaceTellsWhatChanged(t *testing.T) {
	named := func(name string, e Entry) Entry { id := *e.Identity; id.Client = name; e.Identity = &id; return e }
	scoped := func(e Entry) Entry { id := *e.Identity; id.Scopes = Operator; e.Identity = &id; return e }
	tokenOf := func(tenant, name, token string) Entry {
		return Entry{Identity: &Identity{Tenant: tenant, Client: name}, Scheme: Bearer, Password: token}
	}
	token := func(name, token string) Entry { return tokenOf("a", name, token) }
	tests := []struct {
		name          string
		before, after []Entry
		want          Change
	}{
		{"nothing", []Entry{plain("a", "u", "p")}, []Entry{plain("a", "u", "p")}, Change{}},
		{"from nothing", nil, []Entry{plain("a", "v", "p"), plain("a", "u", "p")}, Change{Added: []string{"a/u", "a/v"}}},
		{"to nothing", []Entry{plain("a", "v", "p"), plain("a", "u", "p")}, nil, Change{Removed: []string{"a/u", "a/v"}}},
		{"order and place", []Entry{plain("a", "u", "p"), plain("a", "v", "p")}, []Entry{plain("a", "v", "p"), plain("a", "u", "p")}, Change{}},
		{"password", []Entry{plain("a", "u", "p")}, []Entry{plain("a", "u", "q")}, Change{Changed: []string{"a/u"}}},
		{"hash for password", []Entry{plain("a", "u", "p")}, []Entry{hashed("a", "u", fakeHash("p"))}, Change{Changed: []string{"a/u"}}},
		{"second password", []Entry{plain("a", "u", "p")}, []Entry{plain("a", "u", "p"), plain("a", "u", "q")}, Change{Changed: []string{"a/u"}}},
		{"first password gone", []Entry{plain("a", "u", "p"), plain("a", "u", "q")}, []Entry{plain("a", "u", "q")}, Change{Changed: []string{"a/u"}}},
		{"scopes", []Entry{plain("a", "u", "p")}, []Entry{scoped(plain("a", "u", "p"))}, Change{Changed: []string{"a/u"}}},
		{"scopes of a hash", []Entry{hashed("a", "u", fakeHash("p"))}, []Entry{scoped(hashed("a", "u", fakeHash("p")))}, Change{Changed: []string{"a/u"}}},
		{"one in, one out", []Entry{plain("a", "u", "p")}, []Entry{plain("a", "v", "p")}, Change{Added: []string{"a/v"}, Removed: []string{"a/u"}}},
		{"user name of a named client", []Entry{named("c", plain("a", "u", "p"))}, []Entry{named("c", plain("a", "v", "p"))}, Change{Changed: []string{"a/c"}}},
		{"token", []Entry{token("c", "one")}, []Entry{token("c", "two")}, Change{Changed: []string{"a/c"}}},
		{"token in, token out", []Entry{token("c", "one")}, []Entry{token("d", "two")}, Change{Added: []string{"a/d"}, Removed: []string{"a/c"}}},
		{"second token", []Entry{token("c", "one")}, []Entry{token("c", "one"), token("c", "two")}, Change{Changed: []string{"a/c"}}},
		{"first token gone", []Entry{token("c", "one"), token("c", "two")}, []Entry{token("c", "two")}, Change{Changed: []string{"a/c"}}},
		{"password beside a token", []Entry{token("c", "one")}, []Entry{token("c", "one"), named("c", plain("a", "u", "p"))}, Change{Changed: []string{"a/c"}}},
		{"one name of three tenants, two gone", []Entry{tokenOf("a", "c", "one"), tokenOf("b", "c", "two"), tokenOf("z", "c", "three")},
			[]Entry{tokenOf("b", "c", "two")}, Change{Removed: []string{"a/c", "z/c"}}},
		{"one name, from tenant to tenant", []Entry{tokenOf("a", "c", "one")}, []Entry{tokenOf("z", "c", "two")},
			Change{Added: []string{"z/c"}, Removed: []string{"a/c"}}},
		{"the token of another tenant", []Entry{tokenOf("a", "c", "one")}, []Entry{tokenOf("z", "c", "one")},
			Change{Added: []string{"z/c"}, Removed: []string{"a/c"}}},
		{"another name", []Entry{token("c", "one")}, []Entry{token("d", "one")}, Change{Added: []string{"a/d"}, Removed: []string{"a/c"}}},
		{"another name for one of two", []Entry{token("c", "one"), token("c", "two")}, []Entry{token("c", "one"), token("d", "two")},
			Change{Added: []string{"a/d"}, Changed: []string{"a/c"}}},
		{"a name that another has", []Entry{token("c", "one"), token("d", "two")}, []Entry{token("d", "one"), token("d", "two")},
			Change{Removed: []string{"a/c"}, Changed: []string{"a/d"}}},
		{"two names change places", []Entry{token("c", "one"), token("d", "two")}, []Entry{token("d", "one"), token("c", "two")},
			Change{Changed: []string{"a/c", "a/d"}}},
		{"user name of another tenant", []Entry{plain("a", "u", "p")}, []Entry{plain("z", "u", "q")},
			Change{Added: []string{"z/u"}, Removed: []string{"a/u"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := opened(Options{})
			defer c.Close()
			mustReplace(t, c, "file", test.before...)
			got := mustReplace(t, c, "file", test.after...)
			for _, names := range []*[]string{&got.Added, &got.Removed, &got.Changed} {
				if len(*names) == 0 {
					*names = nil
				}
			}
			if !reflect.DeepEqual(got, test.want) || got.Empty() != (test.name == "nothing" || test.name == "order and place") {
				t.Fatalf("got %+v, want %+v", got, test.want)
			}
		})
	}
	change := Change{Added: []string{"a", "b"}, Changed: []string{"c"}}
	if got := change.String(); got != "+2 -0 ~1" {
		t.Errorf("got %q", got)
	}
}

// TestAClientMayHaveCredentialsElsewhere: what the other sources have of it counts too.
func TestAClientMayHaveCredentialsElsewhere(t *testing.T) {
	token := func(token string) Entry {
		return Entry{Identity: &Identity{Tenant: "a", Client: "c"}, Scheme: Bearer, Password: token}
	}
	c := opened(Options{})
	defer c.Close()
	for _, step := range []struct {
		source  string
		entries []Entry
		want    string
	}{
		{"file", []Entry{token("one")}, "+1 -0 ~0"},
		{"folder", []Entry{token("two")}, "+0 -0 ~1"},
		{"folder", []Entry{token("one"), token("two")}, "+0 -0 ~0"},
		{"file", nil, "+0 -0 ~0"},
		{"folder", []Entry{token("one")}, "+0 -0 ~1"},
		{"folder", nil, "+0 -1 ~0"},
	} {
		if got := mustReplace(t, c, step.source, step.entries...); got.String() != step.want {
			t.Errorf("%s with %d tokens: %v, want %s", step.source, len(step.entries), got, step.want)
		}
	}
	if n := c.Clients(); n != 0 {
		t.Errorf("%d clients are left", n)
	}
}

func TestTwoChangesComeToOne(t *testing.T) {
	first := Change{Added: []string{"n", "n gone", "n more"}, Removed: []string{"o", "o back"}, Changed: []string{"c", "c gone", "c more"}}
	next := Change{Added: []string{"o back", "x"}, Removed: []string{"c gone", "n gone", "y"}, Changed: []string{"c more", "n more", "z"}}
	want := Change{Added: []string{"n", "n more", "x"}, Removed: []string{"c gone", "o", "y"}, Changed: []string{"c", "c more", "o back", "z"}}
	if got := first.Then(next); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := first.Then(Change{}); !reflect.DeepEqual(got, first) {
		t.Errorf("nothing after it makes %+v of it", got)
	}
}

func TestAnUnchangedCredentialKeepsItsIdentity(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("a", "u", "p"))
	first, _ := c.Authenticate(basic("u", "p"))
	mustReplace(t, c, "file", plain("a", "u", "p"), plain("a", "v", "p"))
	if second, _ := c.Authenticate(basic("u", "p")); second != first {
		t.Fatal("the identity is another one")
	}
}

func TestUnknownIsUnreadyUntilEverySourceWasRead(t *testing.T) {
	for _, slow := range []bool{false, true} {
		t.Run(fmt.Sprintf("slow=%v", slow), func(t *testing.T) {
			c := opened(Options{})
			defer c.Close()
			known, other := plain("a", "known", "p"), plain("b", "other", "p")
			if slow {
				known, other = hashed("a", "known", fakeHash("p")), hashed("b", "other", fakeHash("p"))
			}
			expect(t, c, basic("other", "p"), Rejected, "")

			c.Expect("file")
			c.Expect("folder")
			expect(t, c, basic("other", "p"), Unready, "")
			mustReplace(t, c, "file", known)
			expect(t, c, basic("known", "p"), Accepted, "a")
			expect(t, c, basic("other", "p"), Unready, "")
			expect(t, c, basic("known", "wrong"), Unready, "")

			c.Failed("folder", errors.New("is away"))
			expect(t, c, basic("other", "p"), Unready, "")
			mustReplace(t, c, "folder", other)
			expect(t, c, basic("other", "p"), Accepted, "b")
			expect(t, c, basic("known", "wrong"), Rejected, "")

			c.Failed("folder", errors.New("is away again"))
			expect(t, c, basic("other", "p"), Accepted, "b")
			expect(t, c, basic("known", "wrong"), Unready, "")
			c.Expect("folder") // declared again, by a reload
			expect(t, c, basic("known", "wrong"), Unready, "")
			mustReplace(t, c, "file", known) // another source's success is no news of this one
			expect(t, c, basic("known", "wrong"), Unready, "")

			want := []SourceStatus{
				{Name: "file", Credentials: 1, Read: true},
				{Name: "folder", Credentials: 1, Read: true, Err: errors.New("is away again")},
			}
			got := c.Sources()
			for i := range got {
				if got[i].At.IsZero() {
					t.Errorf("%s was read, and nobody knows when", got[i].Name)
				}
				got[i].At = time.Time{}
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			mustReplace(t, c, "folder")
			expect(t, c, basic("other", "p"), Rejected, "")
			c.Expect("folder")
			expect(t, c, basic("other", "p"), Rejected, "")
		})
	}
}
