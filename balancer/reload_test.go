package balancer

import (
	"crypto/tls"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestReloadTakesOverHostsWithTheSameConnections(t *testing.T) {
	config := &tls.Config{}
	base := Options{Name: "distributor", Targets: literals(1), MaxConnections: 5}
	secure := base
	secure.TLS, secure.TLSKey = config, "a"
	unkeyed := base
	unkeyed.TLS = config
	tests := []struct {
		name   string
		before Options
		change func(*Options)
		same   bool
	}{
		{"nothing changed", base, func(*Options) {}, true},
		{"another interval", base, func(o *Options) { o.RefreshInterval = time.Hour }, true},
		{"a default that is spelled out", base, func(o *Options) { o.IdleTimeout = defaultIdleTimeout }, true},
		{"another connect timeout", base, func(o *Options) { o.ConnectTimeout = time.Hour }, false},
		{"another idle timeout", base, func(o *Options) { o.IdleTimeout = time.Hour }, false},
		{"another age", base, func(o *Options) { o.MaxConnectionAge = time.Hour }, false},
		{"another user timeout", base, func(o *Options) { o.UserTimeout = time.Hour }, false},
		{"another queue timeout", base, func(o *Options) { o.QueueTimeout = time.Hour }, false},
		{"another limit", base, func(o *Options) { o.MaxConnections = 6 }, false},
		{"another name", base, func(o *Options) { o.Name = "ruler" }, false},
		{"TLS", base, func(o *Options) { o.TLS = config }, false},
		{"no TLS", secure, func(o *Options) { o.TLS, o.TLSKey = nil, "" }, false},
		{"a copy of the TLS configuration, the same key", secure, func(o *Options) { o.TLS = config.Clone() }, true},
		{"another TLS key", secure, func(o *Options) { o.TLSKey = "b" }, false},
		{"another server name", secure, func(o *Options) { o.TLS = &tls.Config{ServerName: "other"} }, false},
		{"no key, the same TLS configuration", unkeyed, func(*Options) {}, true},
		{"no key, a copy of the TLS configuration", unkeyed, func(o *Options) { o.TLS = config.Clone() }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := New(tt.before, nil)
			defer old.Close()
			h := old.Hosts()[0]
			after := tt.before
			tt.change(&after)
			p := New(after, old)
			defer p.Close()
			if same := p.Hosts()[0] == h; same != tt.same {
				t.Errorf("the host is the same value: %v, want %v", same, tt.same)
			}
			old.Close()
			if h.gone.Load() == tt.same {
				t.Errorf("after the pool before was closed, the host is gone: %v", h.gone.Load())
			}
			if p.Hosts()[0].gone.Load() {
				t.Error("the new pool's host is gone")
			}
		})
	}
}

func TestConnectionsSurviveAReload(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	o := Options{Name: "distributor", Targets: []Target{u.target()}}
	old := New(o, nil)
	idle, busy := acquire(t, old.Hosts()[0]), acquire(t, old.Hosts()[0])
	kept := idle.NetConn()
	idle.Release()
	p := New(o, old)
	defer p.Close()
	old.Close()
	c := acquire(t, p.Hosts()[0])
	if c.NetConn() != kept {
		t.Error("the idle connection was not kept")
	}
	busy.Release()
	if _, idle := p.Hosts()[0].Connections(); idle != 1 {
		t.Errorf("%d idle connections after the loan from before the reload ended, want 1", idle)
	}
}

func TestPoolThatWasNeverPutToUseLeavesTheHostsToTheOldOne(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	o := Options{Name: "distributor", Targets: []Target{u.target()}}
	old := New(o, nil)
	defer old.Close()
	acquire(t, old.Hosts()[0]).Release()
	New(o, old).Close()
	if c := acquire(t, old.Hosts()[0]); c.Fresh() {
		t.Error("the connection of the pool that stays was closed")
	}
}

func TestReloadWhileDNSIsDownLosesNothing(t *testing.T) {
	resolver := &scriptedResolver{ips: map[string][]string{"a.test": {"10.0.0.1", "10.0.0.2"}, "b.test": {"10.0.1.1"}}}
	o := Options{Targets: []Target{{Name, "a.test", 80}, {Name, "b.test", 80}}, Resolver: resolver}
	old, r := steppedPool(t, o, nil)
	r.first()
	hosts := old.Hosts()

	o.Targets = []Target{{Name, "a.test", 80}, {Name, "c.test", 80}}
	o.Resolver = silentResolver{}
	p := New(o, old)
	defer p.Close()
	wantHosts(t, p, "10.0.0.1:80", "10.0.0.2:80")
	r.quitNow()
	if !slices.Equal(p.Hosts(), hosts[:2]) {
		t.Error("the hosts are not those of the pool before")
	}
	old.Close()
	if hosts[0].gone.Load() || hosts[1].gone.Load() {
		t.Error("a host that was taken over is gone")
	}
}

// A name that is new in the configuration may stand for addresses that were there before under another name.
func TestHostsAreTakenOverWhenTheAnswerComesLater(t *testing.T) {
	resolver := &scriptedResolver{ips: map[string][]string{"a.test": {"10.0.0.1", "10.0.0.2"}, "b.test": {"10.0.0.1"}}}
	o := Options{Targets: []Target{{Name, "a.test", 80}}, Resolver: resolver}
	old, r := steppedPool(t, o, nil)
	r.first()
	stays, leaves := old.Hosts()[0], old.Hosts()[1]

	answering := &gatedResolver{resolver, make(chan struct{})}
	o.Targets, o.Resolver = []Target{{Name, "b.test", 80}}, answering
	r.quitNow()
	p, r := steppedPool(t, o, old)
	old.Close()
	if stays.gone.Load() || leaves.gone.Load() {
		t.Error("a host is gone before it is known whether the new pool has it")
	}
	close(answering.gate)
	r.first()
	wantHosts(t, p, "10.0.0.1:80")
	if p.Hosts()[0] != stays || stays.gone.Load() {
		t.Error("the host was not taken over")
	}
	if !leaves.gone.Load() {
		t.Error("the host that is in no answer is not gone")
	}
}

func TestHostsThatWaitForAnAnswerGoWithThePool(t *testing.T) {
	o := Options{Targets: literals(1)}
	old := New(o, nil)
	h := old.Hosts()[0]
	o.Targets, o.Resolver = []Target{{Name, "b.test", 80}}, silentResolver{}
	p := New(o, old)
	old.Close()
	if h.gone.Load() {
		t.Error("the host is gone too early")
	}
	p.Close()
	if !h.gone.Load() {
		t.Error("the host is held for ever")
	}
}

func TestHostsOfAClosedPoolAreNotTakenOver(t *testing.T) {
	o := Options{Targets: literals(2)}
	old := New(o, nil)
	old.Close()
	p := New(o, old)
	defer p.Close()
	for i, h := range p.Hosts() {
		if h == old.Hosts()[i] || h.gone.Load() {
			t.Errorf("host %v is gone from the start", h)
		}
	}
}

// Each reload hands the hosts on while both pools refresh; at the end nothing may hold what nobody uses.
func TestManyReloadsLeaveNoHostBehind(t *testing.T) {
	resolver := &scriptedResolver{ips: map[string][]string{"a.test": {"10.0.0.1"}}}
	o := Options{Targets: []Target{{Name, "a.test", 80}}, Resolver: resolver, RefreshInterval: time.Microsecond}
	p := New(o, nil)
	p.Wait(t.Context())
	seen := map[*Host]struct{}{}
	for i := range 200 {
		resolver.change(func(s *scriptedResolver) {
			s.ips["a.test"] = []string{fmt.Sprintf("10.0.0.%d", i%3+1), fmt.Sprintf("10.0.0.%d", i%2+1)}
		})
		next := New(o, p)
		p.Close()
		p = next
		for _, h := range p.Hosts() {
			seen[h] = struct{}{}
		}
	}
	p.Close()
	for h := range seen {
		if !h.gone.Load() || len(h.holders) != 0 {
			t.Errorf("host %v is still held by %d pools", h, len(h.holders))
		}
	}
}
