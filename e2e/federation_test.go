package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFederation reads two tenants of a real Cortex with one credential, and
// writes to each of them with another one's consent.
func TestFederation(t *testing.T) {
	needHeadgate(t)
	c := startCortex(t, cortexOptions{Federation: true})
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{c.url}, Federation: true})
	naming := func(tenant string) caller {
		both := g.as("both")
		both.tenant = tenant
		return both
	}
	now := time.Now()
	for i, writer := range []caller{g.as("prometheus-a"), g.as("prometheus-b"), naming("team-b")} {
		if err := writer.push("federated", fmt.Sprint(i), now, 1); err != nil {
			t.Fatal(err)
		}
	}

	// Which tenants the answer is of: Cortex puts each series' own on it.
	tenantsOf := func(reader caller) ([]string, error) {
		var got struct{ Result []struct{ Metric labelSet } }
		err := reader.queryJSON(&got, "query", url.Values{"query": {"federated"}})
		found := map[string]int{}
		for _, series := range got.Result {
			found[series.Metric["__tenant_id__"]+" "+series.Metric["writer"]]++
		}
		return slices.Sorted(maps.Keys(found)), err
	}
	for _, named := range []struct {
		tenant string
		want   []string
	}{
		{"team-a|team-b", []string{"team-a 0", "team-b 1", "team-b 2"}},
		{"team-b|team-a|team-b", []string{"team-a 0", "team-b 1", "team-b 2"}},
		{"", []string{"team-a 0", "team-b 1", "team-b 2"}},
		{"team-a", []string{" 0"}}, // of one tenant Cortex does not say which
		{"team-b", []string{" 1", " 2"}},
	} {
		eventually(t, fmt.Sprintf("a read of %q", named.tenant), func() error {
			got, err := tenantsOf(naming(named.tenant))
			if err == nil && !slices.Equal(got, named.want) {
				err = fmt.Errorf("%q, want %q", got, named.want)
			}
			return err
		})
	}

	// Who may not name another gets their own, or is told whom they may not.
	claiming := g.reader("team-a")
	claiming.tenant = "team-a|team-b"
	if got, err := tenantsOf(claiming); err != nil || !slices.Equal(got, []string{" 0"}) {
		t.Errorf("a reader of one tenant who names two: %q %v", got, err)
	}
	for _, refused := range []struct {
		tenant, path, says string
		status             int
	}{
		{"team-a|team-c", "/prometheus/api/v1/labels", `"team-c"`, http.StatusForbidden},
		{"team-a|", "/prometheus/api/v1/labels", "empty part", http.StatusBadRequest},
		{"team-a|team-b", "/api/v1/rules/federated", "this request is for one", http.StatusBadRequest},
	} {
		got := naming(refused.tenant).call(t, http.MethodPost, refused.path, ruleGroup)
		if got.status != refused.status || !strings.Contains(string(got.body), refused.says) {
			t.Errorf("POST %s for %s: %s, want %d with %q", refused.path, refused.tenant, got, refused.status, refused.says)
		}
	}
	if err := naming("team-c").push("federated", "3", now, 1); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a push for another tenant: %v, want 403", err)
	}

	// Rules go to the tenant that is named, and to no other.
	expect(t, naming("team-b"), http.MethodPost, "/api/v1/rules/federated", ruleGroup, http.StatusAccepted, "")
	expect(t, g.reader("team-b"), http.MethodGet, "/api/v1/rules/federated", "", http.StatusOK, "prices/net")
	expect(t, g.reader("team-a"), http.MethodGet, "/api/v1/rules/federated", "", http.StatusNotFound, "")
}
