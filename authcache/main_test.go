package authcache

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened returns a cache whose slow hashes are fakes, to be closed by the test.
func opened(o Options) *Cache { return newCache(o, parseFake, burnFake) }

// basic is what a request with this user name and password shows.
func basic(user, password string) Credential {
	return Credential{Scheme: Basic, User: []byte(user), Secret: []byte(password)}
}

func bearer(token string) Credential {
	return Credential{Scheme: Bearer, Secret: []byte(token)}
}

// plain is an entry with a plain password.
func plain(tenant, user, password string) Entry {
	return Entry{
		Identity: &Identity{Tenant: tenant, Client: user, Scopes: Write},
		User:     user, Password: password, Where: tenant + "/" + user,
	}
}

func hashed(tenant, user, hash string) Entry {
	e := plain(tenant, user, "")
	e.Hash = hash
	return e
}

func mustReplace(t testing.TB, c *Cache, source string, entries ...Entry) Change {
	t.Helper()
	change, err := c.Replace(source, entries)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// expect checks the verdict on a credential, and that an accepted one is of this tenant.
func expect(t testing.TB, c *Cache, cred Credential, want Verdict, tenant string) {
	t.Helper()
	identity, verdict := c.Authenticate(cred)
	if verdict != want {
		t.Fatalf("%v is %v, want %v", cred, verdict, want)
	}
	if verdict != Accepted {
		if identity != nil {
			t.Fatalf("%v is %v, with an identity", cred, verdict)
		}
		return
	}
	if identity.Tenant != tenant {
		t.Fatalf("%v is tenant %q, want %q", cred, identity.Tenant, tenant)
	}
}
