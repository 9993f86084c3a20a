package e2e

import (
	"testing"
	"time"
)

// TestRollingRestart restarts two gateways, one after the other, behind a
// HAProxy that only passes on connections. Each says on its health path that it
// is going, and goes on accepting until HAProxy has noticed: no push fails and
// no connection is refused.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	needHAProxy(t)
	upstream := startStandIn(t, "127.0.0.1", 0)
	var gateways []*gateway
	for range 2 {
		g := newGateway(t, gatewayOptions{Upstreams: []string{upstream.url}, DrainDelay: "5s", LogLevel: "info"})
		g.run(t)
		gateways = append(gateways, g)
	}
	h := startHAProxy(t, gateways)
	senders := startKeepAlive(t, h.addr, gateways[0].as("prometheus-a"), load{Senders: 16})

	started, restarts := time.Now(), 0
	for again := true; again; again = time.Since(started) < soakLength(t, 0) {
		for _, g := range gateways {
			g.end(t)
			if code := g.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("headgate ended with %s, want exit status 0", g.cmd.ProcessState)
			}
			h.awaits(t, g, "DOWN")
			g.run(t)
			h.awaits(t, g, "UP")
			restarts++
		}
	}
	t.Logf("%d restarts under %d pushes", restarts, senders.noneFailed(t))
	for _, g := range gateways {
		row, err := h.row(g.host)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("HAProxy about %s: %s failed and %s repeated connections", g.host, row["econ"], row["wretr"])
		if row["econ"] != "0" {
			t.Errorf("HAProxy could not connect to %s %s times", g.host, row["econ"])
		}
	}
}
