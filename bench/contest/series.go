package contest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// senders is how many tenants send in turn, spread over all of them: more than fit into a processor's nearest cache.
const senders = 512

// enterSeries starts what a scenario needs in which all subjects are headgate.
func (c *Contest) enterSeries(ctx context.Context, s scenario.Scenario) ([]*contestant, error) {
	if why := c.missing[rivals.Headgate]; why != "" {
		return nil, errors.New(why)
	}
	if c.programs[rivals.Headgate] == "" {
		return nil, errors.New("this scenario is headgate's alone: choose headgate")
	}
	if s.Series == scenario.ByMethod {
		return c.enterMethods(ctx, s)
	}
	var field []*contestant
	for _, count := range s.Counts {
		c.progress.say(s.Name, strconv.Itoa(count), "start")
		one, err := c.enterTenants(ctx, s, count)
		if err != nil {
			for _, earlier := range field {
				earlier.stop()
			}
			return nil, err
		}
		field = append(field, one)
	}
	return field, nil
}

// enterMethods starts one headgate that knows all methods. The first contestant owns it.
func (c *Contest) enterMethods(ctx context.Context, s scenario.Scenario) ([]*contestant, error) {
	dir := filepath.Join(c.o.Dir, s.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	methods, text, err := rivals.Methods(dir)
	if err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(1, scenario.Plain)
	if err != nil {
		return nil, err
	}
	running, err := c.startHeadgate(ctx, rivals.Setting{Dir: dir, Tenants: tenants, Connections: s.Connections, Extra: text})
	if err != nil {
		return nil, err
	}
	field := make([]*contestant, len(methods))
	for i, method := range methods {
		one := &contestant{
			result:  report.Subject{Name: method.Name, Proxy: rivals.Headgate, About: method.About},
			variant: headgate(), running: running, shares: i > 0,
		}
		field[i] = one
		request, err := s.Request("gateway.example", method.Authorization)
		if err == nil {
			one.order, err = c.seriesOrder(s, running, request), running.Accepts(ctx, method.Authorization)
		}
		if err != nil {
			running.Stop()
			return nil, fmt.Errorf("%s: %w", method.Name, err)
		}
	}
	return field, nil
}

// enterTenants starts a headgate with a number of tenants, of which many send in turn.
func (c *Contest) enterTenants(ctx context.Context, s scenario.Scenario, count int) (*contestant, error) {
	name := strconv.Itoa(count)
	dir := filepath.Join(c.o.Dir, s.Name, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(count, scenario.Plain)
	if err != nil {
		return nil, err
	}
	running, err := c.startHeadgate(ctx, rivals.Setting{Dir: dir, Tenants: tenants, Connections: s.Connections})
	if err != nil {
		return nil, err
	}
	one := &contestant{
		result:  report.Subject{Name: name, Proxy: rivals.Headgate, About: name + " tenants"},
		variant: headgate(), running: running,
	}
	for i := range senders { // as many requests for one tenant as for many: the load does the same
		tenant := tenants[i*len(tenants)/senders]
		request, err := s.Request("gateway.example", tenant.Authorization())
		if err != nil {
			running.Stop()
			return nil, err
		}
		if i == 0 {
			one.order = c.seriesOrder(s, running, request)
			continue
		}
		one.order.Further = append(one.order.Further, request)
	}
	return one, nil
}

// headgate is the variant with its defaults.
func headgate() rivals.Variant { return rivals.Variants()[0] }

// startHeadgate starts headgate before the stand-in upstream and checks that it does the work.
func (c *Contest) startHeadgate(ctx context.Context, s rivals.Setting) (*rivals.Running, error) {
	s.Upstream, s.OpenFiles = c.worker.upstream, c.o.OpenFiles
	running, err := rivals.Start(ctx, c.programs[rivals.Headgate], headgate(), s, c.o.ProxyCore)
	if err != nil {
		return nil, err
	}
	if err := running.Check(ctx); err != nil {
		running.Stop()
		return nil, err
	}
	return running, nil
}

func (c *Contest) seriesOrder(s scenario.Scenario, running *rivals.Running, request []byte) order {
	return order{
		Addr: running.Setting.Listen, Subject: running.PIDs, Request: request, Connections: s.Connections, Warmup: c.o.Warmup,
		Window: c.o.Window, Grace: patience, SubjectCore: c.o.ProxyCore, OwnCore: c.o.LoadCore,
	}
}
