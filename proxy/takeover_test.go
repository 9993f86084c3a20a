package proxy

import (
	"testing"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// useRoutes puts routes to the hosts of a pool in the place of those that are served, as a reload does: a pool of its own takes
// the hosts over. change may alter each route.
func (g *gateway) useRoutes(t *testing.T, o balancer.Options, before *balancer.Pool, change func(*Route)) *balancer.Pool {
	t.Helper()
	pool := balancer.New(o, before)
	t.Cleanup(pool.Close)
	g.use(t, settings(testRoutes(pool, change), testCredentials(t)))
	return pool
}

// TestAReloadFreesNoSlot: reads that hang take three of four connections, before a reload and after it, and those of a
// route take its slots.
func TestAReloadFreesNoSlot(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	u := startScripted(t, holdingThose(answer, isQuery))
	var options balancer.Options
	first := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.QueueTimeout = 4, short; options = *o }, u.addr)
	limited := func(most int) func(*Route) {
		return func(r *Route) {
			r.Timeout, r.ReadTimeout = patience, patience
			if r.Scope == authcache.Read && r.Path == "/prometheus" {
				r.MaxInFlight = most
			}
		}
	}
	g := startPatient(t, testRoutes(first, limited(2)))
	held := make(chan reply)
	hold := func(raw string, seen int64) {
		t.Helper()
		c := g.caller(t)
		go func() { held <- c.ask(raw) }()
		eventually(t, "the query hangs", func() bool { return u.seen.Load() == seen })
	}
	refused := func(what, raw string, status int, reason string) {
		t.Helper()
		if got := g.ask(t, raw); got.status != status || got.reason != reason {
			t.Errorf("%s: %v: %s", what, got, got.body)
		}
	}
	rules := "GET /api/v1/rules/ns HTTP/1.1\r\nHost: gw.test\r\nAuthorization: " + basicA + "\r\n\r\n"
	hold(query, 1)
	hold(query, 2)
	refused("a third query", query, 429, "overloaded")

	second := g.useRoutes(t, options, first, limited(2))
	refused("a third query, after a reload", query, 429, "overloaded")
	hold(rules, 3)
	refused("a fourth read", rules, 503, "no_connection")

	g.useRoutes(t, options, second, limited(3))
	refused("a fourth read, after a reload", rules, 503, "no_connection")
	refused("a third query, by a limit of three", query, 503, "no_connection")
	if got := g.ask(t, push("samples")); got.status != 200 {
		t.Errorf("a push: %v: %s", got, got.body)
	}

	close(answer)
	for range 3 {
		if got := <-held; got.status != 200 {
			t.Errorf("a read that hung: %v: %s", got, got.body)
		}
	}
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
	g.wantNobodyInLane(t)
	for _, r := range g.snapshot.Load().routes.all {
		if n := r.slots.used.Load(); n != 0 {
			t.Errorf("%s: %d slots were not given back", r.Path, n)
		}
	}
}

// TestWhatIsTakenOver: slots belong to what a route takes, lanes to where it leads, and no lane to two.
func TestWhatIsTakenOver(t *testing.T) {
	pool := func() *balancer.Pool { return testPool(t, "127.0.0.1:1") }
	table := func(change func(*Route)) *routeTable {
		made, err := newRouteTable(testRoutes(pool(), change))
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	before := table(nil)

	same := table(func(r *Route) { r.Retries++ })
	same.takeOver(before)
	for i, r := range same.all {
		if old := before.all[i]; r.slots != old.slots || r.lane != old.lane {
			t.Errorf("%v %s begins anew", r.Methods, r.Path)
		}
	}

	other := table(func(r *Route) { r.Path += "/elsewhere" })
	other.takeOver(before)
	moved := table(func(r *Route) { r.Upstream = "other" })
	moved.takeOver(before)
	for i, r := range moved.all {
		old := before.all[i]
		if r.slots != old.slots || r.lane == old.lane {
			t.Errorf("%v %s to another upstream: the route's slots are %v, want its own; the lane is the old one: %v", r.Methods, r.Path, r.slots, r.lane == old.lane)
		}
		if o := other.all[i]; o.slots == old.slots || o.lane == old.lane {
			t.Errorf("%v %s goes on with what another route had", o.Methods, o.Path)
		}
	}

	own := pool()
	split := table(func(r *Route) {
		if r.Path == "/ring" {
			r.Pool = own
		}
	})
	split.takeOver(before)
	if a, b := split.all[0], split.all[len(split.all)-1]; a.lane != before.all[0].lane || b.Path != "/ring" || b.lane == a.lane {
		t.Error("want the lane to stay with the first pool that has it")
	}
}
