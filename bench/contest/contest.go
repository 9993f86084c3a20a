package contest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// Options say what to run and how.
type Options struct {
	Scenarios []scenario.Scenario
	Variants  []rivals.Variant
	Rounds    int
	Retakes   int           // how often a disturbed round is taken again
	Window    time.Duration // of a round
	Warmup    time.Duration
	Starts    int    // of each variant that has several
	Headgate  string // its program
	Self      string // this program, which is the worker too
	ProxyCore int
	LoadCore  int
	OpenFiles int       // the limit of the processes that are started
	Dir       string    // for configurations; kept by the caller
	Progress  io.Writer // for the progress line; nil: none
}

// Contest is one run.
type Contest struct {
	o           Options
	progress    *progress
	certificate *rivals.Certificate
	worker      *workerProcess
	programs    map[string]string // proxy → path
	missing     map[string]string // proxy → why it cannot run
}

// trialWindow is how long each start of a variant with several is tried.
const trialWindow = 300 * time.Millisecond

// patience is how long the load waits for answers after its window.
const patience = 5 * time.Second

// Run measures every scenario. Each is handed to done as soon as it is complete. A variant that cannot run, or fails, is
// noted in the scenario and does not end the run; an error does.
func Run(ctx context.Context, o Options, done func(report.Scenario) error) (versions map[string]string, err error) {
	c := &Contest{o: o, progress: newProgress(o.Progress), programs: map[string]string{}, missing: map[string]string{}}
	if c.certificate, err = rivals.NewCertificate(); err != nil {
		return nil, err
	}
	versions = map[string]string{}
	for _, v := range o.Variants {
		if c.programs[v.Proxy] != "" || c.missing[v.Proxy] != "" {
			continue
		}
		program, err := rivals.Program(v.Proxy, o.Headgate)
		if err != nil {
			c.missing[v.Proxy] = err.Error()
			continue
		}
		c.programs[v.Proxy] = program
		versions[v.Proxy] = rivals.Version(v.Proxy, program)
	}
	if len(c.programs) == 0 {
		return versions, errors.New("none of the proxies is there: run make build and make bench-deps")
	}
	if c.worker, err = startWorker(o.Self, o.LoadCore); err != nil {
		return versions, err
	}
	defer c.worker.stop()
	c.progress.expect(c.steps())
	defer c.progress.end()
	for _, s := range o.Scenarios {
		result, err := c.run(ctx, s)
		if err != nil {
			return versions, fmt.Errorf("%s: %w", s.Name, err)
		}
		c.progress.clear()
		if err := done(result); err != nil {
			return versions, err
		}
	}
	return versions, nil
}

// steps estimates how many rounds there are.
func (c *Contest) steps() int {
	steps := 0
	for _, s := range c.o.Scenarios {
		if s.Series != "" {
			steps += 2 * c.o.Rounds * max(len(s.Counts), 9)
			continue
		}
		subjects := 0
		if c.hasDirect(s) {
			subjects++
		}
		for _, v := range c.o.Variants {
			if fits, _ := v.Fits(s); fits && c.missing[v.Proxy] == "" {
				subjects++
			}
		}
		if s.Idle {
			steps += subjects
			continue
		}
		steps += 2 * subjects * c.o.Rounds
	}
	return steps
}

// hasDirect reports whether the load can send to the upstream itself: it has no TLS, and idle it tells nothing.
func (c *Contest) hasDirect(s scenario.Scenario) bool { return !s.TLS && !s.Idle }

// contestant is one subject of a scenario while it runs.
type contestant struct {
	result  report.Subject
	variant rivals.Variant
	running *rivals.Running // nil for direct
	order   order
	out     bool // it failed: no more rounds
	shares  bool // running is another's, who stops it

	// restart starts it again for one round; nil: it runs all the time.
	restart func(context.Context) error
}

func (one *contestant) stop() {
	if one.running != nil && !one.shares {
		one.running.Stop()
	}
	one.running = nil
}

// run measures one scenario.
func (c *Contest) run(ctx context.Context, s scenario.Scenario) (report.Scenario, error) {
	result := report.Scenario{Scenario: s, Skipped: map[string]string{}}
	needed := 2*s.Connections + 500
	if c.o.OpenFiles < needed {
		result.Skipped["all"] = fmt.Sprintf("the limit of open files is %d: %d are needed; raise it with ulimit -n", c.o.OpenFiles, needed)
		return result, nil
	}
	var field []*contestant
	defer func() {
		for _, one := range field {
			one.stop()
		}
	}()
	if s.Series != "" {
		var err error
		if field, err = c.enterSeries(ctx, s); err != nil {
			result.Skipped["all"] = err.Error()
			return result, ctx.Err()
		}
		err = c.finish(ctx, s, field, &result)
		return result, err
	}
	tenants, err := rivals.Tenants(s.Tenants, s.Auth)
	if err != nil {
		return result, err
	}
	if c.hasDirect(s) {
		one, err := c.direct(s, tenants)
		if err != nil {
			return result, err
		}
		field = append(field, one)
	}
	for _, v := range c.o.Variants {
		if why := c.missing[v.Proxy]; why != "" {
			result.Skipped[v.Name] = why
			continue
		}
		if fits, _ := v.Fits(s); !fits {
			continue
		}
		c.progress.say(s.Name, v.Name, "start")
		one, err := c.enter(ctx, s, v, tenants)
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		if err != nil {
			result.Skipped[v.Name] = err.Error()
			continue
		}
		field = append(field, one)
	}
	err = c.finish(ctx, s, field, &result)
	return result, err
}

// finish lets the field take its rounds and puts together what they gave.
func (c *Contest) finish(ctx context.Context, s scenario.Scenario, field []*contestant, result *report.Scenario) error {
	if err := c.rounds(ctx, s, field, result.Skipped); err != nil {
		return err
	}
	for _, one := range field {
		result.Subjects = append(result.Subjects, one.result)
	}
	return nil
}

// direct makes the subject that is no proxy.
func (c *Contest) direct(s scenario.Scenario, tenants []rivals.Tenant) (*contestant, error) {
	o, err := c.order(s, tenants)
	o.Addr = c.worker.upstream
	return &contestant{
		result: report.Subject{Name: report.Direct, Proxy: report.Direct, About: "no proxy: what load and upstream can do"}, order: o,
	}, err
}

// enter starts a variant, checks that it does the work, and of several starts keeps the best. With many connections it stops
// it again, until its rounds.
func (c *Contest) enter(ctx context.Context, s scenario.Scenario, v rivals.Variant, tenants []rivals.Tenant) (*contestant, error) {
	if s.Many() {
		one, err := c.start(ctx, s, v, tenants, 0)
		if err != nil {
			return nil, err
		}
		one.stop()
		one.restart = func(ctx context.Context) error {
			again, err := c.start(ctx, s, v, tenants, 0)
			if err != nil {
				return err
			}
			one.running, one.order.Addr, one.order.Subject = again.running, again.order.Addr, again.order.Subject
			return nil
		}
		return one, nil
	}
	starts := 1
	if v.SeveralStarts() && !v.HashesEachTime(s) {
		starts = c.o.Starts
	}
	var best *contestant
	least := 0.0
	for start := range starts {
		one, err := c.start(ctx, s, v, tenants, start)
		if err != nil {
			if best != nil {
				best.running.Stop()
			}
			return nil, err
		}
		if starts == 1 {
			return one, nil
		}
		c.progress.say(s.Name, v.Name, fmt.Sprintf("try start %d of %d", start+1, starts))
		o := one.order
		o.Pace, o.Warmup, o.Window = load.Closed, trialWindow/3, trialWindow
		m, err := c.worker.measure(ctx, o)
		switch {
		case err != nil || m.Requests == 0 || (best != nil && m.CPU >= least):
			one.running.Stop()
		case best != nil:
			best.running.Stop()
			fallthrough
		default:
			best, least = one, m.CPU
		}
	}
	if best == nil {
		return nil, fmt.Errorf("none of %d starts answered", starts)
	}
	return best, nil
}

func (c *Contest) start(ctx context.Context, s scenario.Scenario, v rivals.Variant, tenants []rivals.Tenant, start int) (*contestant, error) {
	dir := filepath.Join(c.o.Dir, s.Name, fmt.Sprintf("%s-%d", v.Name, start))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("configure %s: %w", v.Name, err)
	}
	setting := rivals.Setting{
		Dir: dir, Upstream: c.worker.upstream, Tenants: tenants, Connections: s.Connections, OpenFiles: c.o.OpenFiles,
	}
	if s.TLS {
		setting.Certificate = c.certificate
	}
	running, err := rivals.Start(ctx, c.programs[v.Proxy], v, setting, c.o.ProxyCore)
	if err != nil {
		return nil, err
	}
	if err := running.Check(ctx); err != nil {
		running.Stop()
		return nil, err
	}
	o, err := c.order(s, tenants)
	if err != nil {
		running.Stop()
		return nil, err
	}
	o.Addr, o.Subject = running.Setting.Listen, running.PIDs
	if s.TLS {
		o.CA = c.certificate.PEM()
	}
	if v.HashesEachTime(s) {
		// A request of 50 ms on one core: more connections would only wait, and go on being hashed after the round.
		o.Connections = 4
	}
	return &contestant{
		result: report.Subject{Name: v.Name, Proxy: v.Proxy, About: v.About}, variant: v, running: running, order: o,
	}, nil
}

// order is what the subjects of a scenario have in common.
func (c *Contest) order(s scenario.Scenario, tenants []rivals.Tenant) (order, error) {
	request, err := s.Request("gateway.example", tenants[len(tenants)-1].Authorization())
	return order{
		Request: request, Connections: s.Connections, Warmup: c.o.Warmup, Window: c.o.Window, Grace: patience,
		SubjectCore: c.o.ProxyCore, OwnCore: c.o.LoadCore,
	}, err
}
