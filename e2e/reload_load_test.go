package e2e

import (
	"net/http"
	"testing"
	"time"
)

// TestReloadUnderLoad reloads once a second while senders push as fast as they
// are answered. No push fails, and what the snapshots that were replaced held
// is given back.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	upstream := startStandIn(t, "127.0.0.1", 0)
	g := newGateway(t, gatewayOptions{Upstreams: []string{upstream.url}, IdleTimeout: "2s", LogLevel: "info"})
	g.run(t)
	before := g.mustResources(t)
	senders := startKeepAlive(t, g.host, g.as("prometheus-a"), 16, 0)

	length := soakLength(t, 30*time.Second)
	started, reloads := time.Now(), 0
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for time.Since(started) < length {
		<-tick.C
		if got := (caller{url: g.admin}).call(t, http.MethodPost, "/reload", ""); got.status != http.StatusOK {
			t.Errorf("reload: %s", got)
		}
		if reloads++; reloads%60 == 0 {
			t.Logf("after %d reloads under load: %s", reloads, g.mustResources(t))
		}
	}
	pushed := senders.noneFailed(t)
	t.Logf("%d reloads under %d pushes", reloads, pushed)
	if n := upstream.pushes.Load(); int(n) != pushed {
		t.Errorf("the upstream has seen %d pushes for %d that were sent", n, pushed)
	}
	g.comesBackTo(t, before)
	g.endWell(t)
}
