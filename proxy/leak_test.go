package proxy

import (
	"fmt"
	"net"
	"testing"

	"go.uber.org/goleak"
)

// TestFaultsLeaveNothingBehind shows every fault to every scope, to clients that wait and clients that leave, and then
// counts: connections while the gateway lives, goroutines and descriptors when it is gone.
func TestFaultsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	faults()[1].leavesNothing(t) // what the runtime opens once and keeps
	before, running := descriptors(t), goleak.IgnoreCurrent()
	for _, f := range append(faults(), harmlessFaults()...) {
		f.leavesNothing(t)
	}
	eventually(t, "descriptors are what they were", func() bool { return descriptors(t) <= before })
	// The last sleeps for up to ten seconds before it sees that its server has ended.
	sleeper := goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2")
	var left error
	for range 100 {
		if left = goleak.Find(running, sleeper); left == nil {
			return
		}
	}
	t.Error(left)
}

func (f fault) leavesNothing(t *testing.T) {
	// A subtest, so that everything has ended when it returns.
	t.Run(f.name, func(t *testing.T) {
		addrs, _ := f.hosts(t, wiring{}, 3)
		pool := testPool(t, addrs...)
		g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = patience, f.readTimeout() }))
		for _, scope := range []string{"write", "read", "rules"} {
			g.ask(t, requestOf(scope, "n", "samples"))
			leaving := g.caller(t)
			fmt.Fprint(leaving, requestOf(scope, "n", "samples"))
			reset(leaving.Conn.(*net.TCPConn)) //nolint:errcheck // it may be gone already
		}
		eventually(t, "no client is left", func() bool { return g.InFlight() == 0 && g.conns.count() == 0 })
		eventually(t, "no upstream connection is left", func() bool {
			left := 0
			for _, h := range pool.Hosts() {
				open, _ := h.Connections()
				left += open + int(h.InFlight())
			}
			return left == 0
		})
	})
}
