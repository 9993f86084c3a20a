package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// shippedRules are those that are installed, except that they wait for a second
// only.
func shippedRules(t *testing.T) string {
	t.Helper()
	shipped, err := os.ReadFile("../deploy/alerts/headgate.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^( +for:) \S+$`).ReplaceAllString(string(shipped), "$1 1s")
}

// fire waits until alerts of these names fire, and returns all that do.
func (w *watcher) fire(t *testing.T, meanwhile func(), names ...string) (firing map[string]string) {
	t.Helper()
	eventually(t, "the alerts fire", func() (err error) {
		meanwhile()
		firing, err = w.alerts()
		for _, name := range names {
			if err == nil && firing[name] == "" {
				err = fmt.Errorf("%s does not fire, but %v", name, firing)
			}
		}
		return err
	})
	return firing
}

// TestABrokenUpstreamIsSeen breaks the only upstream of a gateway: the sender is
// told to come again, the metrics say which host it is and how it fails, and a
// real Prometheus with the shipped rules tells whoever is to be told. The rules
// are those that are installed, except that they wait for a second only.
func TestABrokenUpstreamIsSeen(t *testing.T) {
	cortex := startStandIn(t, "127.0.0.1", 0)
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{cortex.url}, LogLevel: "error"})
	w := watch(t, g, "headgate", shippedRules(t))

	push := func() reply { return g.as("prometheus-a").call(t, http.MethodPost, "/api/v1/push", "samples") }
	if got := push(); got.status != http.StatusOK {
		t.Fatalf("before: %s", got)
	}
	eventually(t, "the gateway is scraped", func() error {
		got, err := w.value(`headgate_upstream_hosts_available == 1`)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("%v", got)
		}
		return err
	})
	broken := []string{"HeadgateNoHealthyUpstream", "HeadgateHostDown", "HeadgateWriteErrors"}
	if firing, err := w.alerts(); err != nil || firing[broken[0]]+firing[broken[1]]+firing[broken[2]] != "" {
		t.Fatalf("before anything is broken: %v, %v", firing, err)
	}

	cortex.fall()
	firing := w.fire(t, func() {
		if got := push(); got.status < 500 || got.header.Get("X-Headgate-Reason") == "" {
			t.Errorf("to a host that is gone: %s", got)
		}
	}, broken...)
	if !strings.Contains(firing["HeadgateHostDown"], cortex.addr) || firing["HeadgateRefusesWrites"] != "" {
		t.Errorf("what fires is %v", firing)
	}
	said, err := readMetrics(g.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if n := said.sum("headgate_upstream_host_errors_total", "host", cortex.addr, "kind", "connect"); n == 0 {
		t.Error("the metrics do not say that the host accepts no connections")
	}
	if n := said.sum("headgate_tenant_refusals_total", "tenant", "team-a", "reason", "connect_failed"); n == 0 {
		t.Error("the metrics do not say whose pushes were refused")
	}
}

// TestAnUpstreamWithoutAHealthyHostIsSeen has two hosts that take pushes and fail
// their health probes. Those take out at most half of the hosts, so nobody
// notices, except for the alerts.
func TestAnUpstreamWithoutAHealthyHostIsSeen(t *testing.T) {
	var urls []string
	var hosts []*standIn
	for range 2 {
		host := startStandIn(t, "127.0.0.1", 0)
		hosts, urls = append(hosts, host), append(urls, host.url)
	}
	g := startHeadgate(t, gatewayOptions{Upstreams: urls, LogLevel: "error", Probes: "/ready"})
	w := watch(t, g, "headgate", shippedRules(t))
	eventually(t, "both hosts are healthy", func() error {
		got, err := w.value(`headgate_upstream_hosts_healthy == 2`)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("%v", got)
		}
		return err
	})
	for _, host := range hosts {
		host.unready.Store(true)
	}
	firing := w.fire(t, func() {
		if got := g.as("prometheus-a").call(t, http.MethodPost, "/api/v1/push", "samples"); got.status != http.StatusOK {
			t.Errorf("a push to hosts that only fail their probes: %s", got)
		}
	}, "HeadgateNoHealthyUpstream", "HeadgateHostDown")
	if !strings.Contains(firing["HeadgateNoHealthyUpstream"], "all has no healthy host") {
		t.Errorf("what fires is %v", firing)
	}
}

// TestPushesRefusedBeforeTheyHaveARouteAreSeen: a sender whose URL has a slash
// too many throws its data away like one with a wrong password.
func TestPushesRefusedBeforeTheyHaveARouteAreSeen(t *testing.T) {
	cortex := startStandIn(t, "127.0.0.1", 0)
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{cortex.url}, LogLevel: "error"})
	w := watch(t, g, "headgate", shippedRules(t))
	firing := w.fire(t, func() {
		if got := g.as("prometheus-a").call(t, http.MethodPost, "//api/v1/push", "samples"); got.status != http.StatusBadRequest {
			t.Errorf("a push to a path that is not clean: %s", got)
		}
	}, "HeadgateRefusesWrites")
	if !strings.Contains(firing["HeadgateRefusesWrites"], "refuses pushes to other with 4xx") {
		t.Errorf("what fires is %v", firing)
	}
}

// TestARefusedReloadIsATicket: what is served does not change, so nobody is woken
// up, though credentials that are unknown get 503 on pushes until it is repaired.
func TestARefusedReloadIsATicket(t *testing.T) {
	cortex := startStandIn(t, "127.0.0.1", 0)
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{cortex.url}, LogLevel: "error"})
	w := watch(t, g, "headgate", shippedRules(t))
	if err := os.WriteFile(g.config, []byte("[server]\nlistn = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := (caller{url: g.admin}).call(t, http.MethodPost, "/reload", "now"); got.status != http.StatusInternalServerError {
		t.Errorf("a reload of a broken file: %s", got)
	}
	w.fire(t, func() {}, "HeadgateReloadFailed")
	eventually(t, "Prometheus knows that the file is in doubt", func() error {
		got, err := w.value(`headgate_source_up{source="configuration file"} == 0`)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("%v", got)
		}
		return err
	})
	if got, err := w.value(`ALERTS{severity="page"}`); err != nil || len(got) != 0 {
		t.Errorf("somebody is woken up: %v, %v", got, err)
	}
}
