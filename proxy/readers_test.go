package proxy

import (
	"testing"

	"github.com/headgate/headgate/balancer"
)

// TestReadsLeaveConnectionsToPushes: queries that hang take three of an upstream's four connections, one more is told to
// come again, and pushes pass.
func TestReadsLeaveConnectionsToPushes(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	u := startScripted(t, func(l *line) {
		for l.request() {
			if l.requestLine[:4] == "GET " {
				select {
				case <-answer:
				case <-l.up.over:
					return
				}
			}
			l.say(answerOK)
		}
	})
	pool := testPoolWith(t, func(o *balancer.Options) { o.MaxConnections, o.QueueTimeout = 4, short }, u.addr)
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = patience, patience }))
	held := make(chan reply)
	for range 3 {
		c := g.caller(t)
		go func() { held <- c.ask(query) }()
	}
	eventually(t, "three queries hang", func() bool { return u.seen.Load() == 3 })
	if got := g.ask(t, query); got.status != 503 || got.reason != "no_connection" {
		t.Errorf("a fourth query: %v: %s", got, got.body)
	}
	for range 5 {
		if got := g.ask(t, push("samples")); got.status != 200 {
			t.Errorf("a push: %v: %s", got, got.body)
		}
		eventually(t, "its connection is free again", func() bool { return g.InFlight() == 3 })
	}
	close(answer)
	for range 3 {
		if got := <-held; got.status != 200 {
			t.Errorf("a query that hung: %v: %s", got, got.body)
		}
	}
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
	for _, r := range g.snapshot.Load().routes.all {
		if r.readers != nil && r.readers.used.Load() != 0 {
			t.Errorf("%d slots of reads were not given back", r.readers.used.Load())
		}
	}
}

// TestReadsHaveAnUpstreamOfTheirOwnToThemselves: where nothing but reads goes, nothing is kept from them.
func TestReadsHaveAnUpstreamOfTheirOwnToThemselves(t *testing.T) {
	writes, reads := testPool(t, "127.0.0.1:1"), testPool(t, "127.0.0.1:2")
	table, err := newRouteTable(testRoutes(writes, func(r *Route) {
		if r.Path == "/prometheus" {
			r.Pool = reads
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.all {
		if got, want := r.readers != nil, r.isRead() && r.Pool == writes; got != want {
			t.Errorf("%v %s: connections are kept from it: %v, want %v", r.Methods, r.Path, got, want)
		}
	}
}
