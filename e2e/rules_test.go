package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// ruleGroup is a group with a rule that needs no data.
const ruleGroup = `name: prices/net
interval: 1s
rules:
  - record: e2e:one
    expr: vector(1)
`

// TestRules sets rules through the ruler's routes as the tenant's operator
// would, sees them evaluated, and takes them away. Namespace and group have a
// slash in their names, which must reach Cortex as %2F.
func TestRules(t *testing.T) {
	g := startStack(t)
	a, b := g.reader("team-a"), g.reader("team-b")
	const namespace = "/api/v1/rules/shop%2Fcheckout"
	const group = namespace + "/prices%2Fnet"

	expect(t, a, http.MethodPost, namespace, ruleGroup, http.StatusAccepted, "success")
	expect(t, a, http.MethodGet, group, "", http.StatusOK, "record: e2e:one")
	expect(t, a, http.MethodGet, namespace, "", http.StatusOK, "shop/checkout:")
	expect(t, a, http.MethodGet, "/api/v1/rules", "", http.StatusOK, "name: prices/net")
	expect(t, a, http.MethodGet, "/api/prom/rules", "", http.StatusOK, "name: prices/net")
	expect(t, a, http.MethodGet, "/prometheus/config/v1/rules", "", http.StatusOK, "name: prices/net")

	eventually(t, "the ruler has the rule", func() error {
		got, err := a.try(http.MethodGet, "/prometheus/api/v1/rules", "")
		if err == nil && !strings.Contains(string(got.body), "e2e:one") {
			err = fmt.Errorf("%s", got)
		}
		return err
	})
	eventually(t, "the rule's series", func() error {
		got, err := a.vector("e2e:one")
		if err == nil && got[`{__name__="e2e:one"}`] != "1" {
			err = fmt.Errorf("%v", got)
		}
		return err
	})

	expect(t, b, http.MethodGet, "/api/v1/rules", "", http.StatusNotFound, "no rule groups found")
	expect(t, b, http.MethodGet, group, "", http.StatusNotFound, "")
	if got, err := b.vector("e2e:one"); err != nil || len(got) != 0 {
		t.Errorf("team-b sees team-a's rule: %v, %v", got, err)
	}

	expect(t, g.as("push-only"), http.MethodPost, namespace, ruleGroup, http.StatusForbidden, "headgate: ")
	expect(t, a, http.MethodPost, namespace, "not: [a rule group", http.StatusBadRequest, "")
	expect(t, a, http.MethodDelete, group, "", http.StatusAccepted, "success")
	expect(t, a, http.MethodGet, "/api/v1/rules", "", http.StatusNotFound, "no rule groups found")
	expect(t, a, http.MethodPost, namespace, ruleGroup, http.StatusAccepted, "success")
	expect(t, a, http.MethodDelete, namespace, "", http.StatusAccepted, "success")
	expect(t, a, http.MethodGet, namespace, "", http.StatusNotFound, "")
}
