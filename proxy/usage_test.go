package proxy

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// TestEveryLimitIsShownBesideItsValue takes some of each and reads the metrics.
func TestEveryLimitIsShownBesideItsValue(t *testing.T) {
	set := metrics.NewSet()
	p := New(Options{Metrics: set})
	settings := Settings{
		Routes: testRoutes(testPool(t, "127.0.0.1:1"), func(r *Route) {
			if r.Path == "/prometheus" {
				r.MaxInFlight = 7
			}
		}),
		Credentials: testCredentials(t), Realm: "headgate", MaxConnections: 5,
		Limits: Limits{MaxInFlight: 10, MaxInFlightReads: 2, MaxBuffered: 1000, QueueTimeout: time.Second},
	}
	s, err := Compile(settings)
	if err != nil {
		t.Fatal(err)
	}
	p.Use(s)
	p.reads.fill(t, "team-a", 2)
	p.reads.wantNone(t, "team-a")
	p.writes.fill(t, "team-a", 1)
	p.held.hold(600)
	s.routes.all[2].slots.fill(t, "team-a", 1)
	want := Usages{
		Connections: Usage{0, 5}, Reads: Usage{2, 2}, Others: Usage{1, 10}, HeldBytes: Usage{600, 1000},
	}
	if got := p.Usages(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var text bytes.Buffer
	set.WritePrometheus(&text)
	for _, line := range []string{
		"headgate_client_connections 0", "headgate_client_connections_limit 5",
		`headgate_admitted_requests{kind="read"} 2`, `headgate_admitted_requests_limit{kind="read"} 2`,
		`headgate_admitted_requests{kind="other"} 1`, `headgate_admitted_requests_limit{kind="other"} 10`,
		`headgate_queued_requests{kind="read"} 0`, `headgate_queued_requests{kind="other"} 0`,
		"headgate_held_body_bytes 600", "headgate_held_body_bytes_limit 1000",
		`headgate_route_admitted_requests{path="/prometheus/*",methods=""} 1`,
		`headgate_route_admitted_requests_limit{path="/prometheus/*",methods=""} 7`,
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("the metrics have no %s", line)
		}
	}
}

// A queue_timeout of 0 waits for no slot, whatever the route's timeout.
func TestWithoutAQueueTimeoutNobodyWaits(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Minute} {
		x := &exchange{snapshot: &Snapshot{}}
		if timeout > 0 {
			x.deadline = time.Now().Add(timeout)
		}
		if got := x.patience(time.Now()); got != 0 {
			t.Errorf("with a timeout of %v: patience %v, want none", timeout, got)
		}
	}
}
