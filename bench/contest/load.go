package contest

import (
	"context"
	"net/netip"

	"github.com/headgate/headgate/bench/report"
)

// Order is what the load is told to do.
type Order = order

// Load is the load with the stand-in upstream, for what is not a contest.
type Load struct{ worker *workerProcess }

// StartLoad starts this program, which is self, again as the load, bound to a core. The caller stops it.
func StartLoad(self string, core int) (*Load, error) {
	worker, err := startWorker(self, core)
	if err != nil {
		return nil, err
	}
	return &Load{worker}, nil
}

// Upstream is where the stand-in upstream listens.
func (l *Load) Upstream() netip.AddrPort { return l.worker.upstream }

// Measure carries out an order. When ctx has ended the load has gone.
func (l *Load) Measure(ctx context.Context, o Order) (report.Measurement, error) {
	return l.worker.measure(ctx, o)
}

// Stop ends the load.
func (l *Load) Stop() { l.worker.stop() }
