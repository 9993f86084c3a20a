package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
)

// Tokens of tokenSecret without an end: {"tenant_id":"tenant-j","sub":"jane"} and {"tenant_id":["j2","j1"],"sub":"joe"}.
const (
	tokenOfJane = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqYW5lIiwidGVuYW50X2lkIjoidGVuYW50LWoifQ.g6S3W7_wYUXoe1I-KTL8yOgHfC1e3rslUNfXaiOVzNo"
	tokenOfJoe  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqb2UiLCJ0ZW5hbnRfaWQiOlsiajIiLCJqMSJdfQ.9FasuQgVAZhYG1J-RGc0sWjnqCR1xuj-61NvjwVOTaw"
)

// sentCredential is a credential of everyKind, with what it allows written down a second time.
type sentCredential struct {
	sent   string // a text that stands in every request which presents it
	client string

	own         string   // the tenant that goes upstream when none is named; "": one has to be
	ownRead     string   // the same for reads that take several
	read, write []string // what may be named; "*" is all
}

// sentCredentials are those that a fuzzer may find in its fragments.
var sentCredentials = []sentCredential{
	{sent: "dGVuYW50LWE6c2VjcmV0", client: "tenant-a", own: "tenant-a"},
	{sent: "dGVuYW50LWI6c2VjcmV0", client: "tenant-b", own: "tenant-b"},
	{sent: "cmVhZGVyLWE6c2VjcmV0", client: "reader-a", own: "tenant-a"},
	{sent: strings.TrimPrefix(bearerA, "Bearer "), client: "bearer-a", own: "tenant-a"},
	{sent: strings.TrimPrefix(bearerB, "Bearer "), client: "bearer-b", own: "tenant-b"},
	{sent: "c2xvdzpzZWNyZXQ=", client: "slow", own: "tenant-s"},
	{sent: "c2V2ZXJhbDpzZWNyZXQ=", client: "several", own: "own", ownRead: "a|b", read: []string{"a", "b", "c"}, write: []string{"a", "d"}},
	{sent: "ZXZlcnk6c2VjcmV0", client: "every", own: "own", read: []string{"*"}, write: []string{"*"}},
	{sent: "b3BlcmF0b3I6c2VjcmV0", client: "operator", own: "tenant-o"},
	{sent: tokenOfJane, client: "jane", own: "tenant-j"},
	{sent: tokenOfJoe, client: "joe", ownRead: "j1|j2", read: []string{"j1", "j2"}, write: []string{"j1", "j2"}},
}

// agent is who sends without any Authorization on a connection with a certificate: every request may be one.
var agent = sentCredential{sent: "HTTP/1.", client: "agent", own: "tenant-m"}

// allows reports whether the upstream may see this tenant in a request of the credential. raw is all that was sent: what
// was named must stand in it.
func (c *sentCredential) allows(r *received, tenant, raw string) bool {
	method, target, _ := strings.Cut(r.line, " ")
	federated := strings.HasPrefix(target, "/prometheus/") // the one route of testRoutes that is
	reads := federated || strings.HasPrefix(target, "/new") || method == "GET" && strings.HasPrefix(target, "/api/v1/rules")
	own, list := c.own, c.write
	if reads {
		list = c.read
		if c.ownRead != "" {
			own = c.ownRead
		}
	}
	if tenant == own && (federated || !strings.Contains(own, "|")) {
		return true
	}
	named := strings.Split(tenant, "|")
	if len(named) > 1 && !federated || !slices.IsSorted(named) || len(slices.Compact(slices.Clone(named))) != len(named) {
		return false
	}
	for _, one := range named {
		if authcache.ValidTenant(one) != nil || !strings.Contains(raw, one) {
			return false
		}
		if !slices.Contains(list, one) && !slices.Contains(list, "*") {
			return false
		}
	}
	return true
}

// checkIdentities holds what reached the upstream against the credentials among the bytes that were sent: no more
// requests of a client than there are of its credentials, and each for a tenant that the credential allows.
func checkIdentities(t *testing.T, seen []*received, raw string, credentials []sentCredential) {
	t.Helper()
	for _, r := range seen {
		checkUpstream(t, r)
		client, tenants := r.values("X-Scope-ClientID")[0], r.tenants()
		i := slices.IndexFunc(credentials, func(c sentCredential) bool { return c.client == client })
		if i < 0 {
			t.Fatalf("%q: upstream saw a request of %q", raw, client)
		}
		if !credentials[i].allows(r, tenants[0], raw) {
			t.Fatalf("%q: upstream saw tenant %q of %s in %q", raw, tenants[0], client, r.line)
		}
	}
	for _, c := range credentials {
		of := 0
		for _, r := range seen {
			if r.values("X-Scope-ClientID")[0] == c.client {
				of++
			}
		}
		if sent := strings.Count(raw, c.sent); of > sent {
			t.Fatalf("%q holds %d credentials of %s, upstream saw %d requests of it", raw, sent, c.client, of)
		}
	}
}
