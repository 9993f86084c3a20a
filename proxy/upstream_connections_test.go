package proxy

import (
	"testing"

	"github.com/headgate/headgate/balancer"
)

// TestConnectionsStayCountedOverAReload: what is under way at hosts that the next pool takes over counts there, and what is
// under way at others does not.
func TestConnectionsStayCountedOverAReload(t *testing.T) {
	next := func(before *balancer.Pool, addr string) *balancer.Pool {
		_, target, err := balancer.ParseURL("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		pool := balancer.New(balancer.Options{Name: "test", Targets: []balancer.Target{target}, MaxConnections: 8}, before)
		t.Cleanup(pool.Close)
		return pool
	}
	p := New(Options{})
	var pool *balancer.Pool
	use := func(addr string) *route {
		pool = next(pool, addr)
		s, err := Compile(settings(testRoutes(pool, nil), testCredentials(t)))
		if err != nil {
			t.Fatal(err)
		}
		p.Use(s)
		for _, r := range s.routes.all {
			if r.connections != s.routes.all[0].connections {
				t.Error("routes of one pool do not share its connections")
			}
		}
		return s.routes.all[0]
	}
	first := use("127.0.0.1:1")
	taken := first.connections.fill(t, "team-a", 3)
	second := use("127.0.0.1:1")
	if used := second.connections.used.Load(); used != 3 {
		t.Errorf("after a reload %d connections are counted, want 3", used)
	}
	if third := use("127.0.0.1:2"); third.connections.used.Load() != 0 {
		t.Error("connections to another host are counted")
	}
	for _, slot := range taken {
		slot.free()
	}
	second.connections.wantEmpty(t)
}
