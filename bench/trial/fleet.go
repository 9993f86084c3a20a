package trial

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/procfs"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// Fleet is a gateway with many clients in etcd, which are changed one by one.
type Fleet struct {
	Clients int
	Changes int           // without load, and as many beside pushes
	Pause   time.Duration // between two of them
	Window  time.Duration // of finding the most
}

// FleetResult is what they cost.
type FleetResult struct {
	Fleet
	Start         time.Duration      // from the start of the gateway to the first push of the last client
	StartCPU      time.Duration      // of the gateway until then
	Heap, RSS     int64              // bytes that the clients take of it
	Peak          int64              // that the process ever took
	Idle, Half    []time.Duration    // from a change in etcd to the first push with the new password, without load and beside half of the most
	CPU           time.Duration      // of the gateway for one change, without load
	Alone, Beside report.Measurement // pushes at half of the most, without and beside changes
}

// RunFleet measures.
func RunFleet(ctx context.Context, o Options, f Fleet) (*FleetResult, error) {
	if err := o.stayOnLoadCore(); err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(f.Clients, scenario.Plain)
	if err != nil {
		return nil, err
	}
	e, err := startEtcd(ctx, o)
	if err != nil {
		return nil, err
	}
	defer e.stop()
	const few, many = "/few/", "/many/"
	if err := e.fill(ctx, o, few, tenants[:1]); err != nil {
		return nil, err
	}
	if err := e.fill(ctx, o, many, tenants); err != nil {
		return nil, err
	}
	s, err := build(ctx, o, rivals.Setting{Connections: 64, Extra: e.table(few, "")})
	if err != nil {
		return nil, err
	}
	defer s.takeDown()
	if err := s.running.Accepts(ctx, tenants[0].Authorization()); err != nil {
		return nil, err
	}
	result := &FleetResult{Fleet: f}
	empty, err := memoryOf(ctx, s)
	if err != nil {
		return nil, err
	}
	s.running.Stop()

	last := tenants[len(tenants)-1]
	began := time.Now()
	if err := s.start(ctx, rivals.Setting{Connections: 64, Upstream: s.load.Upstream(), Extra: e.table(many, filepath.Join(o.Dir, "copy"))}); err != nil {
		return nil, err
	}
	if err := known(ctx, s, last.Authorization()); err != nil {
		return nil, err
	}
	result.Start = time.Since(began)
	if err := s.running.Accepts(ctx, last.Authorization()); err != nil {
		return nil, err
	}
	full, err := memoryOf(ctx, s)
	if err != nil {
		return nil, err
	}
	result.StartCPU, result.Heap, result.RSS, result.Peak = full.CPU, full.heap-empty.heap, full.RSS-empty.RSS, full.Peak
	return result, f.change(ctx, s, e, many, tenants, result)
}

// change measures changes without load and beside it, and the load without and beside changes.
func (f Fleet) change(ctx context.Context, s *stand, e *etcd, prefix string, tenants []rivals.Tenant, result *FleetResult) error {
	last := tenants[len(tenants)-1] // who pushes; the others are changed
	before, err := procfs.Read(s.running.PIDs)
	if err != nil {
		return err
	}
	if result.Idle, err = f.changes(ctx, s, e, prefix, tenants, 0); err != nil {
		return err
	}
	after, err := procfs.Read(s.running.PIDs)
	if err != nil {
		return err
	}
	result.CPU = (after.CPU - before.CPU) / time.Duration(f.Changes)
	request, err := scenario.Scenario{Push: pushSize}.Request("gateway.example", last.Authorization())
	if err != nil {
		return err
	}
	order := s.order(request, f.Window)
	order.Pace = load.Closed
	most, err := s.load.Measure(ctx, order)
	if err != nil {
		return err
	}
	order.Pace, order.Rate = load.Open, most.Throughput/2
	order.Window = time.Duration(f.Changes)*(f.Pause+50*time.Millisecond) + time.Second
	if result.Alone, err = s.load.Measure(ctx, order); err != nil {
		return err
	}
	var measured error
	done := make(chan struct{})
	go func() {
		defer close(done)
		result.Beside, measured = s.load.Measure(ctx, order)
	}()
	result.Half, err = f.changes(ctx, s, e, prefix, tenants, f.Changes)
	<-done
	return errors.Join(err, measured)
}

// changes gives one client after the other a new password in etcd, and waits until the gateway takes it.
func (f Fleet) changes(ctx context.Context, s *stand, e *etcd, prefix string, tenants []rivals.Tenant, from int) ([]time.Duration, error) {
	var took []time.Duration
	for n := range f.Changes {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(f.Pause):
		}
		t := tenants[(from+n)%max(len(tenants)-1, 1)]
		password := fmt.Sprintf("new-password-%d-of-many", from+n)
		began := time.Now()
		if err := e.put(ctx, prefix+t.User, sharedTenant(t, password)); err != nil {
			return nil, err
		}
		if err := known(ctx, s, payload.Basic(t.User, password)); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// sharedTenant is a tenant as etcd has it.
func sharedTenant(t rivals.Tenant, password string) string {
	return fmt.Sprintf("id = %q\nusername = %q\npassword_sha256 = \"%x\"\n", t.ID, t.User, sha256.Sum256([]byte(password)))
}

// known pushes until a push is taken.
func known(ctx context.Context, s *stand, authorization string) error {
	one := &client{addr: s.running.Setting.Listen}
	defer one.close()
	request := payload.Push("gateway.example", authorization, []byte("body"))
	for over := time.Now().Add(clientPatience); ; {
		got, _, err := one.send(request)
		if err == nil && got == http.StatusOK {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(over) {
			return fmt.Errorf("a push is answered %d (%v) after %s", got, err, clientPatience)
		}
		time.Sleep(time.Millisecond)
	}
}

// memory is what a gateway holds.
type memory struct {
	procfs.Usage
	heap int64 // bytes in objects that are in use
}

// memoryOf collects the gateway's garbage first.
func memoryOf(ctx context.Context, s *stand) (memory, error) {
	url := "http://" + s.running.Setting.Admin.String() + "/debug/pprof/heap?gc=1&debug=1"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return memory{}, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return memory{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return memory{}, err
	}
	_, rest, _ := strings.Cut(string(text), "# HeapAlloc = ")
	number, _, _ := strings.Cut(rest, "\n")
	heap, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return memory{}, fmt.Errorf("%s says nothing of the heap", url)
	}
	usage, err := procfs.Read(s.running.PIDs)
	return memory{usage, heap}, err
}

// What the clients of a fleet are meant to cost at most.
const (
	longestChange = time.Second // of 99 in a hundred
	longestStart  = 5 * time.Second
	mostMemory    = 100 << 20 // live
	mostAdded     = 5 * time.Millisecond
)

// Write writes the result as tables.
func (r *FleetResult) Write(w io.Writer) {
	fmt.Fprintf(w, "\n%d clients in etcd\n", r.Clients)
	fmt.Fprintf(w, "  start: %s, %s of processor time; they take %d MB live, %d MB of the process, which took %d MB at most\n",
		r.Start.Round(10*time.Millisecond), r.StartCPU.Round(10*time.Millisecond), r.Heap>>20, r.RSS>>20, r.Peak>>20)
	fmt.Fprintf(w, "  %-22s %9s %9s %9s\n", "a change is in force", "median", "p99", "longest")
	worst := time.Duration(0)
	for _, row := range []struct {
		name string
		took []time.Duration
	}{{"without load", r.Idle}, {"beside half the most", r.Half}} {
		sorted := slices.Sorted(slices.Values(row.took))
		p99 := sorted[len(sorted)*99/100]
		worst = max(worst, p99)
		fmt.Fprintf(w, "  %-22s %9s %9s %9s\n", row.name, tenths(sorted[len(sorted)/2]), tenths(p99), tenths(sorted[len(sorted)-1]))
	}
	fmt.Fprintf(w, "  %s of processor time each, without load\n", tenths(r.CPU))
	fmt.Fprintf(w, "  %-22s %8s %8s %8s %9s %9s │ %7s %7s\n", "pushes", "rate/s", "p50 µs", "p99 µs", "p99.9 µs", "max µs", "refused", "failed")
	for _, row := range []struct {
		name string
		m    report.Measurement
	}{{"without a change", r.Alone}, {"beside changes", r.Beside}} {
		fmt.Fprintf(w, "  %-22s %8.0f %8.0f %8.0f %9.0f %9.0f │ %7d %7d\n", row.name, row.m.Rate, row.m.P50, row.m.P99, row.m.P999, row.m.Max,
			row.m.Refused, row.m.Failures+row.m.Unfinished)
	}
	fmt.Fprintf(w, "  a change under %s: %t; %s more at p99.9 at most: %t; start under %s: %t; under %d MB live: %t\n", longestChange, worst < longestChange,
		mostAdded, r.Beside.P999-r.Alone.P999 < micros(mostAdded), longestStart, r.Start < longestStart, mostMemory>>20, r.Heap < mostMemory)
}

// tenths is a time in tenths of milliseconds.
func tenths(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
