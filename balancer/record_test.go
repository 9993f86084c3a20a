package balancer

import (
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// TestClockIsComparedAfterEachReading: an answer's Date is looked at once for each time that somebody looks at the result.
func TestClockIsComparedAfterEachReading(t *testing.T) {
	set := metrics.NewSet()
	p := New(Options{Name: "distributor", Targets: literals(1), Metrics: NewMetrics(set)}, nil)
	defer p.Close()
	h := p.Hosts()[0]
	if h.ClockWanted() {
		t.Error("the clock is wanted before anybody looked at the metrics")
	}
	skew := func() string {
		for line := range strings.Lines(text(set)) {
			if rest, ok := strings.CutPrefix(line, `headgate_upstream_host_clock_skew_seconds{upstream="distributor",host="10.0.0.1:9009"} `); ok {
				return strings.TrimSpace(rest)
			}
		}
		return ""
	}
	if got := skew(); got != "0" || !h.ClockWanted() {
		t.Errorf("skew %q before an answer, wanted %v", got, h.ClockWanted())
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 500_000_000, time.UTC)
	h.Clock([]byte("no date"), now)
	if !h.ClockWanted() {
		t.Error("a Date that cannot be read was enough")
	}
	h.Clock([]byte("Sat, 21 Nov 2026 12:01:00 GMT"), now)
	if ahead := (Address{h}).Traffic().ClockAhead; h.ClockWanted() || ahead != time.Minute {
		t.Errorf("wanted %v, ahead %v", h.ClockWanted(), ahead)
	}
	if got := skew(); got != "60" {
		t.Errorf("skew %q, want 60", got)
	}
}

// TestRequestsOfHostsThatWentStayCounted: a counter that went back would be taken for one that began anew.
func TestRequestsOfHostsThatWentStayCounted(t *testing.T) {
	set := metrics.NewSet()
	o := Options{Name: "distributor", Targets: literals(1), Metrics: NewMetrics(set)}
	old := New(o, nil)
	o.MaxConnections = 7 // makes other hosts of the same addresses
	p := New(o, old)
	defer p.Close()
	for range 3 {
		old.Hosts()[0].Begin()
		old.Hosts()[0].End()
	}
	p.Hosts()[0].Begin()
	const want = `headgate_upstream_host_requests_total{upstream="distributor",host="10.0.0.1:9009"} 4` + "\n"
	for _, when := range []string{"with both", "after the old one went"} {
		if got := text(set); !strings.Contains(got, want) {
			t.Errorf("%s: no %s in\n%s", when, want, got)
		}
		old.Close()
	}
	if n := p.Hosts()[0].InFlight(); n != 1 {
		t.Errorf("%d requests in flight, want 1", n)
	}
}
