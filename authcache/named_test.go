package authcache

import "testing"

func TestCredentialsAreFoundByName(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	name := func(e Entry, client, where string) Entry {
		e.Identity.Client, e.Where = client, where
		return e
	}
	mustReplace(t, c, "file", name(plain("a", "u1", "1"), "one", "b"), name(plain("a", "u1", "2"), "one", "a"), name(plain("a", "u2", "1"), "u1", "c"),
		name(tokenEntry("a", "t1"), "ci", "d"), name(tokenEntry("b", "t2"), "ci", "e"))
	mustReplace(t, c, "another", name(plain("a", "u1", "1"), "one", "x"), name(hashed("c", "u3", fakeHash("3")), "three", "y"))
	for _, test := range []struct {
		name string
		want string
	}{
		{"u1", "a file:a file:b"}, // a user name goes before a client's
		{"one", "a file:a file:b"},
		{"ci", "a file:d b file:e"},
		{"b/ci", "b file:e"},
		{"three", "c another:y"},
		{"u3", "c another:y"},
		{"nobody", ""},
		{"", ""},
	} {
		got, tenant := "", ""
		for _, n := range c.Named(test.name) {
			if n.Identity.Tenant != tenant {
				tenant = n.Identity.Tenant
				got += " " + tenant
			}
			got += " " + n.Source + ":" + n.Where
		}
		if len(got) > 0 {
			got = got[1:]
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.name, got, test.want)
		}
	}
}
