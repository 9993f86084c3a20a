package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// claim is a header by which a client says that it is of another tenant.
type claim struct{ name, value string }

// claims are the spellings of a tenant header that Cortex, or something before
// it, might believe, as sent by a client of own.
func claims(own, other string) []claim {
	return []claim{
		{"X-Scope-OrgID", other},
		{"x-scope-orgid", other},
		{"X-Scope-OrgID", own + "|" + other},
		{"X_Scope_OrgID", other},
	}
}

// add puts the header on a request, spelled as it is.
func (c claim) add(req *http.Request) { req.Header[c.name] = []string{c.value} }

// String is the header line.
func (c claim) String() string { return c.name + ": " + c.value }

// TestClaimedTenant writes samples and rules as one tenant with a claim to be
// another, before a Cortex that would believe every word, several tenants
// included. All of it must become the writer's own. A Prometheus cannot stand in
// here: 2.42 takes "headers" in its configuration but does not send them.
func TestClaimedTenant(t *testing.T) {
	needHeadgate(t)
	c := startCortex(t, cortexOptions{Federation: true})
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{c.url}, Federation: true})
	own, other := g.reader("team-b"), g.reader("team-a")

	all := claims("team-b", "team-a")
	for i, claim := range all {
		push, err := g.as("prometheus-b").pushRequest("claimed", fmt.Sprint(i), time.Now(), 1)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := own.request(http.MethodPost, fmt.Sprintf("/api/v1/rules/claimed-%d", i), strings.NewReader(ruleGroup))
		if err != nil {
			t.Fatal(err)
		}
		for _, req := range []*http.Request{push, rules} {
			claim.add(req)
			got, err := do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got.status/100 != 2 {
				t.Errorf("%s %s with %s: %s, want 2xx", req.Method, req.URL.Path, claim, got)
			}
		}
		expect(t, own, http.MethodGet, rules.URL.Path, "", http.StatusOK, "prices/net")
		expect(t, other, http.MethodGet, rules.URL.Path, "", http.StatusNotFound, "")
	}
	eventually(t, "all samples are the writer's", func() error {
		got, err := own.vector("claimed")
		if err == nil && len(got) != len(all) {
			err = fmt.Errorf("%v, want %d series", got, len(all))
		}
		return err
	})
	if got, err := other.vector("claimed"); err != nil || len(got) != 0 {
		t.Errorf("%s sees %v, %v; want nothing", other.user, got, err)
	}
}
