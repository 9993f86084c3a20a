package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// alertmanagerConfig is the least that Cortex takes.
const alertmanagerConfig = `alertmanager_config: |
  route: {receiver: nobody}
  receivers: [{name: nobody}]
`

// alertRules fire as soon as they are evaluated.
const alertRules = `groups:
  - name: e2e
    rules:
      - {alert: ShopIsClosed, expr: vector(1), labels: {severity: page}}
`

// TestAlertmanager configures the Alertmanager of two tenants through the
// gateway, lets a Prometheus of one post its alerts with a path prefix, and
// looks who has them.
func TestAlertmanager(t *testing.T) {
	needPrograms(t)
	g := startStack(t)
	for _, tenant := range []string{"team-a", "team-b"} {
		c := g.reader(tenant)
		expect(t, c, http.MethodGet, "/api/v1/alerts", "", http.StatusNotFound, "")
		expect(t, c, http.MethodPost, "/api/v1/alerts", alertmanagerConfig, http.StatusCreated, "")
		expect(t, c, http.MethodGet, "/api/v1/alerts", "", http.StatusOK, "receiver: nobody")
		eventually(t, "the Alertmanager of "+tenant, func() error {
			got, err := c.try(http.MethodGet, "/alertmanager/api/v2/status", "")
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("%s", got)
			}
			return err
		})
		expect(t, c, http.MethodGet, "/alertmanager/", "", http.StatusOK, "<title>Alertmanager</title>")
	}

	rules := filepath.Join(t.TempDir(), "alerts.yaml")
	if err := os.WriteFile(rules, []byte(alertRules), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startPrometheus(t, "alerting", prometheusOptions{
		Rules: rules,
		Alert: &endpoint{caller: g.as("prometheus-a"), Path: "/alertmanager"},
	})
	eventually(t, "the alert of team-a", func() error {
		names, err := g.reader("team-a").alerts()
		if err == nil {
			err = difference(names, []string{"ShopIsClosed"})
		}
		return err
	})
	if names, err := g.reader("team-b").alerts(); err != nil || len(names) != 0 {
		t.Errorf("team-b has the alerts %q, %v; want none", names, err)
	}
	said, err := p.metrics()
	if err != nil {
		t.Fatal(err)
	}
	// Its counter of dropped alerts says nothing here: it drops what fires before
	// it has discovered the Alertmanager.
	sent, failed := said.sum("prometheus_notifications_sent_total"), said.sum("prometheus_notifications_errors_total")
	if sent == 0 || failed != 0 {
		t.Errorf("Prometheus says: %v alerts sent, %v errors", sent, failed)
	}

	expect(t, g.as("push-only"), http.MethodGet, "/api/v1/alerts", "", http.StatusForbidden, "headgate: ")
	expect(t, g.as("push-only"), http.MethodPost, "/alertmanager/api/v2/alerts", "[]", http.StatusForbidden, "headgate: ")
	expect(t, g.reader("team-a"), http.MethodDelete, "/api/v1/alerts", "", http.StatusOK, "")
	expect(t, g.reader("team-a"), http.MethodGet, "/api/v1/alerts", "", http.StatusNotFound, "")
	expect(t, g.reader("team-b"), http.MethodGet, "/api/v1/alerts", "", http.StatusOK, "receiver: nobody")
}

// alerts returns the names of the alerts that the Alertmanager of c's tenant
// has.
func (c caller) alerts() ([]string, error) {
	got, err := c.try(http.MethodGet, "/alertmanager/api/v2/alerts", "")
	if err != nil {
		return nil, err
	}
	var list []struct{ Labels labelSet }
	if err := json.Unmarshal(got.body, &list); err != nil {
		return nil, fmt.Errorf("alerts as %s: %s", c.user, got)
	}
	var names []string
	for _, alert := range list {
		names = append(names, alert.Labels["alertname"])
	}
	return names, nil
}
