package proxy

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/balancer"
)

// TestClocksOfHostsAreCompared: the Date of an answer after a scrape tells how a host's clock is.
func TestClocksOfHostsAreCompared(t *testing.T) {
	t.Parallel()
	up := startRecorder(t, func(*received) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\n\r\n", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	})
	_, target, err := balancer.ParseURL("http://" + up.addr)
	if err != nil {
		t.Fatal(err)
	}
	set := metrics.NewSet()
	pool := balancer.New(balancer.Options{Name: "test", Targets: []balancer.Target{target}, Metrics: balancer.NewMetrics(set)}, nil)
	t.Cleanup(pool.Close)
	g := startGateway(t, testRoutes(pool, nil))
	g.set = set
	ahead := func() time.Duration { return balancer.Address(pool.Hosts()).Traffic().ClockAhead }
	if g.ask(t, query); ahead() != 0 {
		t.Errorf("without a scrape the clock was looked at: %v", ahead())
	}
	g.shown("headgate_upstream")
	if g.ask(t, push("1")); ahead() < 59*time.Minute || ahead() > 61*time.Minute {
		t.Errorf("a clock that is an hour ahead is said to be %v ahead", ahead())
	}
}
