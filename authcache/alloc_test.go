//go:build !race

package authcache

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/headgate/headgate/authcache/verify"
)

// What happens for every request allocates nothing.
func TestKnownCredentialsAllocateNothing(t *testing.T) {
	c := taking(t, verify.IssuerOptions{Leeway: time.Minute})
	defer c.Close()
	password := strings.Repeat("p", 900)
	token := strings.Repeat("t", 8000)
	terms := Terms{AllowFrom: prefixes("10.0.0.0/8", "fd00::/8"), Expires: time.Now().Add(time.Hour)}
	bearing := tokenEntry("b", "")
	bearing.SHA256 = sha256Of("generated")
	mustReplace(t, c, "file", plain("a", "plain", "secret"), plain("a", "long", password), tokenEntry("b", token), bearing,
		hashed("c", "slow", fakeHash("secret")), generated("a", "generated", "secret"), onTerms(plain("a", "terms", "secret"), terms),
		onTerms(hashed("a", "slowterms", fakeHash("secret")), terms),
		onTerms(hashed("a", "networks", fakeHash("secret")), terms), onTerms(hashed("a", "networks", slowHash(time.Nanosecond, "secret")), Terms{AllowFrom: prefixes("192.168.0.0/16")}),
		Entry{Identity: &Identity{Tenant: "d", Client: "d"}, Scheme: Certificate, User: "dns:agent.example"},
		Entry{Identity: &Identity{Tenant: "e", Client: "e", Terms: &terms}, Scheme: Anonymous})
	many := signed(t, jwt.MapClaims{"tenant_id": []string{"a", "b"}})
	c2 := opened(Options{}) // without any slow hash
	defer c2.Close()
	mustReplace(t, c2, "file", plain("a", "plain", "secret"))
	c3 := taking(t, verify.IssuerOptions{})
	defer c3.Close()
	c3.SetBounds(Bounds{TTL: time.Hour, MaxTokens: 10})
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
		{"generated password, once seen", c, basic("generated", "secret"), Accepted},
		{"generated token, once seen", c, bearer("generated"), Accepted},
		{"signed token, once seen", c, signed(t, nil), Accepted},
		{"signed token with a time to live", c3, signed(t, nil), Accepted},
		{"token of several tenants", c, many, Accepted},
		{"certificate", c, Credential{Scheme: Certificate, User: []byte("dns:agent.example")}, Accepted},
		{"nobody, by address", c, from(Credential{Scheme: Anonymous}, "10.0.0.1"), Accepted},
		{"bound to time and place", c, from(basic("terms", "secret"), "fd00::1"), Accepted},
		{"slow, bound to time and place", c, from(basic("slowterms", "secret"), "10.0.0.1"), Accepted},
		{"slow, in one network", c, from(basic("networks", "secret"), "10.0.0.1"), Accepted},
		{"the same, in the other one", c, from(basic("networks", "secret"), "192.168.0.1"), Accepted},
		{"once more in the first, which is not in the table any more", c, from(basic("networks", "secret"), "10.0.0.1"), Accepted},
		{"from the wrong place, seen a moment ago", c, from(basic("terms", "secret"), "11.0.0.1"), Misplaced},
		{"wrong password, seen a moment ago", c, basic("slow", "wrong"), Rejected},
		{"forged token, seen a moment ago", c, bearer("eyJhbGciOiJIUzI1NiJ9.e30.AAAA"), Rejected},
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
	names := [][]byte{[]byte("uri:x"), []byte("dns:agent.example"), []byte("cn:x")}
	if allocs := testing.AllocsPerRun(1000, func() { c.AuthenticateCertificate(names, netip.Addr{}) }); allocs != 0 {
		t.Errorf("certificate with three names: %v allocations, want none", allocs)
	}
}

func TestTenantsAllocateNothing(t *testing.T) {
	own := &Identity{Tenant: "own", Client: "c"}
	lists := &Identity{Tenant: "own", Client: "c", Reach: reachOf(t, []string{"a", "b", "c"}, []string{"a", "b"}, []string{"a", "b"})}
	every := &Identity{Tenant: "own", Client: "c", Reach: reachOf(t, anyTenant, nil, anyTenant)}
	rules := TenantRules{Federation: true, RegexMatcher: true, Check: true}
	for name, test := range map[string]struct {
		identity *Identity
		ask      TenantAsk
	}{
		"own":           {own, TenantAsk{Scope: Write}},
		"own, sent too": {own, TenantAsk{Scope: Rules, Sent: []byte("own"), Headers: 1}},
		"own, ignored":  {own, TenantAsk{Scope: Read, Sent: []byte("x"), Headers: 1}},
		"default":       {lists, TenantAsk{Scope: Read, Federated: true}},
		"one of a list": {lists, TenantAsk{Scope: Write, Sent: []byte("b"), Headers: 1}},
		"own of any":    {every, TenantAsk{Scope: Write, Sent: []byte("own"), Headers: 1}},
	} {
		if allocs := testing.AllocsPerRun(1000, func() {
			if _, err := rules.Tenant(test.identity, test.ask); err != nil {
				t.Fatal(err)
			}
		}); allocs != 0 {
			t.Errorf("%s: %v allocations, want none", name, allocs)
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
