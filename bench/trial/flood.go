package trial

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// Flood is many clients with wrong passwords beside one that pushes.
type Flood struct {
	Clients int
	Rate    float64 // wrong passwords a second of each client
	Cost    int     // of bcrypt
	Window  time.Duration
}

// FloodResult is what the good client saw, and how the others were answered.
type FloodResult struct {
	Flood
	Alone  report.Measurement // without the flood, at the same rate
	Beside report.Measurement
	Wrong  map[int]int // answers to wrong passwords by status; 0: none came
}

// inTime is how soon the answer to a push has to come to be in time: far within what a sender waits, far above what
// it takes alone.
const inTime = 100 * time.Millisecond

// RunFlood finds the most that headgate can do, then pushes at half of it, without and beside the flood.
func RunFlood(ctx context.Context, o Options, f Flood) (*FloodResult, error) {
	if err := o.stayOnLoadCore(); err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(1, scenario.Plain)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(tenants[0].Password), f.Cost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	tenants[0].Hash = string(hash)
	s, err := build(ctx, o, rivals.Setting{Tenants: tenants, Connections: 64})
	if err != nil {
		return nil, err
	}
	defer s.takeDown()
	if err := s.running.Accepts(ctx, tenants[0].Authorization()); err != nil {
		return nil, err
	}
	request, err := scenario.Scenario{Push: pushSize}.Request("gateway.example", tenants[0].Authorization())
	if err != nil {
		return nil, err
	}
	order := s.order(request, f.Window)
	order.Pace = load.Closed
	most, err := s.load.Measure(ctx, order)
	if err != nil {
		return nil, err
	}
	result := &FloodResult{Flood: f}
	order.Pace, order.Rate = load.Open, most.Throughput/2
	if result.Alone, err = s.load.Measure(ctx, order); err != nil {
		return nil, err
	}
	stop := f.begin(ctx, s, tenants[0].User, result)
	result.Beside, err = s.load.Measure(ctx, order)
	stop()
	return result, err
}

// begin starts the flood. No two passwords are the same, so that none is remembered as wrong. The function that it returns
// ends it.
func (f Flood) begin(ctx context.Context, s *stand, user string, result *FloodResult) func() {
	ctx, cancel := context.WithCancel(ctx)
	var clients sync.WaitGroup
	counts := make([]map[int]int, f.Clients)
	pause := time.Duration(float64(time.Second) / f.Rate)
	began := time.Now()
	for i := range f.Clients {
		one := &client{addr: s.running.Setting.Listen}
		counts[i] = map[int]int{}
		clients.Go(func() {
			defer one.close()
			for n := 0; ; n++ {
				due := began.Add(time.Duration(n)*pause + time.Duration(i)*pause/time.Duration(f.Clients))
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(due)):
				}
				status, _, err := one.send(payload.Push("gateway.example", payload.Basic(user, fmt.Sprintf("wrong-%d-%d", i, n)), []byte("body")))
				if err != nil {
					status = 0
				}
				counts[i][status]++
			}
		})
	}
	return func() {
		cancel()
		clients.Wait()
		result.Wrong = map[int]int{}
		for _, one := range counts {
			for status, count := range one {
				result.Wrong[status] += count
			}
		}
	}
}

// Write writes the result as a table.
func (r *FloodResult) Write(w io.Writer) {
	fmt.Fprintf(w, "\n%d clients with %g wrong passwords a second each, bcrypt of cost %d\n", r.Clients, r.Rate, r.Cost)
	fmt.Fprintf(w, "  %-14s %8s %8s %8s %8s %9s %9s │ %7s %7s %7s\n", "pushes", "rate/s", "p50 µs", "p95 µs", "p99 µs", "p99.9 µs", "CPU µs", "refused", "failed", "late")
	for _, row := range []struct {
		name string
		m    report.Measurement
	}{{"alone", r.Alone}, {"beside it", r.Beside}} {
		fmt.Fprintf(w, "  %-14s %8.0f %8.0f %8.0f %8.0f %9.0f %9.1f │ %7d %7d %7d\n", row.name, row.m.Rate, row.m.P50, row.m.P95, row.m.P99, row.m.P999, row.m.CPU,
			row.m.Refused, row.m.Failures, row.m.Unfinished)
	}
	fmt.Fprintf(w, "  wrong passwords:")
	for _, status := range slices.Sorted(maps.Keys(r.Wrong)) {
		fmt.Fprintf(w, " %s", answered(status, r.Wrong[status]))
	}
	good := r.Beside.P95 <= float64(inTime.Microseconds()) && r.Beside.Refused+r.Beside.Failures+r.Beside.Unfinished == 0
	fmt.Fprintf(w, "\n  95 %% of the pushes within %s, none failed: %t\n", inTime, good)
}

func answered(status, count int) string {
	if status == 0 {
		return fmt.Sprintf("%d without an answer", count)
	}
	return fmt.Sprintf("%d × %d", count, status)
}
