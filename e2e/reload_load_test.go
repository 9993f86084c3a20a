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
	senders := startKeepAlive(t, g.host, g.as("prometheus-a"), load{Senders: 16})

	length := soakLength(t, time.Minute)
	started, reloads := time.Now(), 0
	var first resources // after the first minute
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for time.Since(started) < length {
		<-tick.C
		if got := (caller{url: g.admin}).call(t, http.MethodPost, "/reload", ""); got.status != http.StatusOK {
			t.Errorf("reload: %s", got)
		}
		if reloads++; reloads%60 != 0 {
			continue
		}
		now := g.mustResources(t)
		t.Logf("after %d reloads under load: %s", reloads, now)
		if reloads == 60 {
			first = now
		} else if now.goroutines > first.goroutines+20 || now.descriptors > first.descriptors+20 || now.resident > 2*first.resident {
			t.Errorf("after %d reloads: %s; after a minute: %s", reloads, now, first)
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
