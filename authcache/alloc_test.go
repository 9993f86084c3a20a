//go:build !race

package authcache

import (
	"strings"
	"testing"
)

// What happens for every request allocates nothing.
func TestKnownCredentialsAllocateNothing(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	password := strings.Repeat("p", 900)
	token := strings.Repeat("t", 8000)
	mustReplace(t, c, "file", plain("a", "plain", "secret"), plain("a", "long", password),
		Entry{Identity: &Identity{Tenant: "b", Client: "b"}, Scheme: Bearer, Password: token},
		hashed("c", "slow", fakeHash("secret")))
	c2 := opened(Options{}) // without any slow hash
	defer c2.Close()
	mustReplace(t, c2, "file", plain("a", "plain", "secret"))
	tests := []struct {
		name  string
		cache *Cache
		cred  Credential
		want  Verdict
	}{
		{"plain password", c, basic("plain", "secret"), Accepted},
		{"long password", c, basic("long", password), Accepted},
		{"long token", c, bearer(token), Accepted},
		{"password with a slow hash, once seen", c, basic("slow", "secret"), Accepted},
		{"wrong password, seen a moment ago", c, basic("slow", "wrong"), Rejected},
		{"wrong password without slow hashes", c2, basic("plain", "wrong"), Rejected},
		{"oversized", c, basic("plain", strings.Repeat("p", 5000)), Rejected},
	}
	for _, test := range tests {
		test.cache.Authenticate(test.cred) // seen once
		allocs := testing.AllocsPerRun(1000, func() {
			if _, verdict := test.cache.Authenticate(test.cred); verdict != test.want {
				t.Fatalf("%s: %v", test.name, verdict)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want none", test.name, allocs)
		}
	}
}

func TestParseAuthorizationAllocatesNothing(t *testing.T) {
	buf := make([]byte, MaxBasicSize)
	for _, value := range []string{
		"Basic " + encode("user:secret"), "Basic " + encode("u:"+strings.Repeat("p", 1000)), "Bearer " + strings.Repeat("t", 8000),
		"Basic dTpwcB==", "Basic " + encode("a\tb:c"), "Digest x", "Basic !!!!",
	} {
		header := []byte(value)
		if allocs := testing.AllocsPerRun(1000, func() { ParseAuthorization(header, buf) }); allocs != 0 {
			t.Errorf("%.20s: %v allocations, want none", value, allocs)
		}
	}
}
