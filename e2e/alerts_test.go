package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestABrokenUpstreamIsSeen breaks the only upstream of a gateway: the sender is
// told to come again, the metrics say which host it is and how it fails, and a
// real Prometheus with the shipped rules tells whoever is to be told. The rules
// are those that are installed, except that they wait for a second only.
func TestABrokenUpstreamIsSeen(t *testing.T) {
	shipped, err := os.ReadFile("../deploy/alerts/headgate.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`(?m)^( +for:) \S+$`).ReplaceAllString(string(shipped), "$1 1s")
	cortex := startStandIn(t, "127.0.0.1", 0)
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{cortex.url}, LogLevel: "error"})
	w := watch(t, g, "headgate", rules)

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
	eventually(t, "the alerts fire", func() error {
		if got := push(); got.status < 500 || got.header.Get("X-Headgate-Reason") == "" {
			t.Errorf("to a host that is gone: %s", got)
		}
		firing, err := w.alerts()
		for _, name := range broken {
			if err == nil && firing[name] == "" {
				err = fmt.Errorf("%s does not fire, but %v", name, firing)
			}
		}
		return err
	})
	firing, err := w.alerts()
	if err != nil {
		t.Fatal(err)
	}
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
