package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestDroppedPackets lets one of three hosts go silent, as a machine without
// power does: no packet to it is acknowledged and none refused. The gateway
// passes it over, no push fails, and when it is back it has its share again.
func TestDroppedPackets(t *testing.T) {
	t.Parallel()
	hosts := []*standIn{startStandIn(t, "127.0.0.1", 0), startStandIn(t, "127.0.0.1", 0), startStandIn(t, "127.0.0.1", 0)}
	silent := hosts[2]
	g := newGateway(t, gatewayOptions{
		Upstreams: []string{hosts[0].url, hosts[1].url, hosts[2].url}, IdleTimeout: "2s", LogLevel: "info",
	})
	g.run(t)
	before := g.mustResources(t)
	senders := startKeepAlive(t, g.host, g.as("prometheus-a"), load{Senders: 16, Between: 10 * time.Millisecond, Timed: true})
	all := func(what string, hosts ...*standIn) {
		t.Helper()
		var from []int64
		for _, h := range hosts {
			from = append(from, h.pushes.Load())
		}
		eventually(t, what, func() error {
			for i, h := range hosts {
				if n := h.pushes.Load() - from[i]; n < 100 {
					return fmt.Errorf("%d pushes to %s", n, h.addr)
				}
			}
			return nil
		})
	}
	available := func() float64 {
		said, err := readMetrics(g.admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		return said.sum("headgate_upstream_host_available", "host", silent.addr)
	}

	all("all hosts have pushes", hosts...)
	whole := time.Now()

	silent.dropPackets(t, true)
	dropped := time.Now()
	eventually(t, "the silent host is passed over", func() error {
		if n := available(); n != 0 {
			return fmt.Errorf("headgate_upstream_host_available is %v after %d pushes to it, %d to all", n, silent.pushes.Load(), senders.count())
		}
		return nil
	})
	passedOver := time.Now()
	all("the others have it all", hosts[:2]...)
	letPass(time.Until(dropped.Add(min(soakLength(t, 15*time.Second), time.Minute))))
	minute := time.Now()
	letPass(min(soakLength(t, 5*time.Second), 30*time.Second))
	if n := available(); n != 0 {
		t.Error("the silent host counts as available")
	}

	silent.dropPackets(t, false)
	back := time.Now()
	all("the host is back", silent)
	senders.noneFailed(t)

	latency := func(what string, from, to time.Time) (p99 time.Duration) {
		p50, _ := senders.percentile(0.50, from, to)
		p99, _ = senders.percentile(0.99, from, to)
		longest, n := senders.percentile(1, from, to)
		t.Logf("%s: %d pushes, p50 %s, p99 %s, longest %s", what, n, p50, p99, longest)
		return p99
	}
	usual := latency("before", time.Time{}, whole)
	if p99 := latency(fmt.Sprintf("the first %.0fs", minute.Sub(dropped).Seconds()), dropped, minute); p99 >= 10*time.Second {
		t.Errorf("p99 is %s when the host has just gone silent, want less than 10s", p99)
	}
	// Who waits for the silent host waits for seconds. A machine that takes its time without that is no fault of ours.
	if p99, most := latency("after it", minute, back), max(100*time.Millisecond, 10*usual); p99 >= most {
		t.Errorf("p99 is %s when the host has long been passed over, want less than %s", p99, most)
	}
	t.Logf("passed over %s after the first packet was dropped", passedOver.Sub(dropped).Round(time.Millisecond))
	g.comesBackTo(t, before)
	g.endWell(t)
}
