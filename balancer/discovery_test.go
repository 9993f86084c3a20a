package balancer

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDNSNameStandsForItsAddresses(t *testing.T) {
	server := startDNS(t,
		"distributor.test. 0 A 10.0.0.2",
		"distributor.test. 0 A 10.0.0.1",
		"distributor.test. 0 AAAA 2001:db8::1")
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "distributor.test", 9009}},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	wantHosts(t, p, "10.0.0.1:9009", "10.0.0.2:9009", "[2001:db8::1]:9009")
	if ok, at := p.Resolved(); !ok || at.IsZero() {
		t.Errorf("Resolved() = %v, %v; want true and a time", ok, at)
	}
}

func TestSRVRecordsOfTheLowestPriorityBringHostsAndPorts(t *testing.T) {
	server := startDNS(t,
		"_http._tcp.distributor.test. 0 SRV 10 1 9009 a.test.",
		"_http._tcp.distributor.test. 0 SRV 10 99 9010 a.test.",
		"_http._tcp.distributor.test. 0 SRV 10 0 9009 b.test.",
		"_http._tcp.distributor.test. 0 SRV 20 1 9009 c.test.",
		"a.test. 0 A 10.0.0.1",
		"b.test. 0 AAAA 2001:db8::2",
		"c.test. 0 A 10.0.0.3")
	p, r := steppedPool(t, Options{
		Targets:  []Target{{SRV, "_http._tcp.distributor.test", 0}},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	wantHosts(t, p, "10.0.0.1:9009", "10.0.0.1:9010", "[2001:db8::2]:9009")
	if n := server.count("A c.test."); n != 0 {
		t.Errorf("a record of a higher priority number was looked up %d times", n)
	}
}

func TestSeveralTargetsAreMerged(t *testing.T) {
	server := startDNS(t,
		"distributor.test. 0 A 10.0.0.1",
		"_http._tcp.distributor.test. 0 SRV 1 1 9009 a.test.",
		"a.test. 0 A 10.0.0.2")
	p, r := steppedPool(t, Options{
		Targets: []Target{
			{Literal, "10.0.0.1", 9009}, // also behind the name
			{Literal, "::1", 9009},
			{Name, "distributor.test", 9009},
			{Name, "distributor.test", 9009},
			{SRV, "_http._tcp.distributor.test", 0},
		},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	wantHosts(t, p, "10.0.0.1:9009", "10.0.0.2:9009", "[::1]:9009")
}

func TestLiteralsAreKnownAtOnceAndNeverLookedUp(t *testing.T) {
	resolver := &scriptedResolver{ips: map[string][]string{"distributor.test": {"10.0.0.9"}}}
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Literal, "10.0.0.1", 9009}, {Name, "distributor.test", 9009}},
		Resolver: resolver,
	}, nil)
	if p.Pick(nil) == nil {
		t.Error("no host straight after New")
	}
	r.first()
	wantHosts(t, p, "10.0.0.1:9009", "10.0.0.9:9009")
	if got := fmt.Sprint(resolver.asked); got != "[distributor.test]" {
		t.Errorf("asked for %s, want [distributor.test]", got)
	}

	alone := literalPool(t, 2)
	if ok, at := alone.Resolved(); !ok || at.IsZero() {
		t.Errorf("literals alone: Resolved() = %v, %v; want true and a time", ok, at)
	}
	if !alone.Wait(t.Context()) {
		t.Error("literals alone: Wait = false")
	}
}

func TestUnresolvableNameIsFoundLater(t *testing.T) {
	server := startDNS(t)
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "distributor.test", 9009}},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	if h := p.Pick(nil); h != nil {
		t.Fatalf("Pick = %v before there was an answer", h)
	}
	if ok, at := p.Resolved(); ok || !at.IsZero() {
		t.Errorf("Resolved() = %v, %v; want false and never", ok, at)
	}
	if err := p.ResolveError(); err == nil || !strings.Contains(err.Error(), "look up distributor.test") {
		t.Errorf("ResolveError() = %v, want it to name the target", err)
	}
	server.set("distributor.test. 0 A 10.0.0.1")
	r.next()
	wantHosts(t, p, "10.0.0.1:9009")
	if err := p.ResolveError(); err != nil {
		t.Errorf("ResolveError() = %v after an answer", err)
	}
}

func TestLastGoodAnswerStays(t *testing.T) {
	tests := []struct {
		name string
		fail func(*dnsServer)
	}{
		{"when the server fails", func(s *dnsServer) { s.fail("A distributor.test.", "AAAA distributor.test.") }},
		{"when the name is gone", func(s *dnsServer) { s.set() }},
		{"when the name has other records only", func(s *dnsServer) { s.set(`distributor.test. 0 TXT "moved"`) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := startDNS(t, "distributor.test. 0 A 10.0.0.1", "distributor.test. 0 A 10.0.0.2")
			p, r := steppedPool(t, Options{
				Targets:  []Target{{Name, "distributor.test", 9009}},
				Resolver: NewResolver([]string{server.Addr}),
			}, nil)
			r.first()
			_, answered := p.Resolved()
			before := p.hosts.Load()
			tt.fail(server)
			r.next()
			if p.hosts.Load() != before {
				t.Errorf("the list was replaced: %q", addrs(p))
			}
			if ok, at := p.Resolved(); ok || !at.Equal(answered) {
				t.Errorf("Resolved() = %v, %v; want false and still %v", ok, at, answered)
			}
			server.fail()
			server.set("distributor.test. 0 A 10.0.0.3")
			r.next()
			wantHosts(t, p, "10.0.0.3:9009")
		})
	}
}

func TestOneFamilyThatFailsKeepsItsAddresses(t *testing.T) {
	server := startDNS(t, "distributor.test. 0 A 10.0.0.1", "distributor.test. 0 AAAA 2001:db8::1")
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "distributor.test", 9009}},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	server.fail("AAAA distributor.test.")
	server.set("distributor.test. 0 A 10.0.0.2")
	r.next()
	wantHosts(t, p, "10.0.0.2:9009", "[2001:db8::1]:9009")
	if ok, _ := p.Resolved(); ok {
		t.Error("Resolved() = true though half of the question failed")
	}
	server.fail()
	r.next()
	wantHosts(t, p, "10.0.0.2:9009")
}

func TestTargetThatFailsKeepsItsOwnAnswerOnly(t *testing.T) {
	resolver := &scriptedResolver{
		ips: map[string][]string{"a.test": {"10.0.0.1"}, "b.test": {"10.0.1.1"}},
	}
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "a.test", 80}, {Name, "b.test", 80}},
		Resolver: resolver,
	}, nil)
	r.first()
	resolver.change(func(s *scriptedResolver) {
		s.ips = map[string][]string{"b.test": {"10.0.1.2"}}
		s.fails = map[string]error{"a.test": errDNS}
	})
	r.next()
	wantHosts(t, p, "10.0.0.1:80", "10.0.1.2:80")
}

func TestNameBehindSRVThatFailsKeepsItsOwnAddresses(t *testing.T) {
	srv := func(name string, priority uint16) *net.SRV {
		return &net.SRV{Target: name, Port: 80, Priority: priority}
	}
	resolver := &scriptedResolver{
		srvs: map[string][]*net.SRV{"_s.test": {srv("a.test.", 1), srv("b.test.", 1)}},
		ips:  map[string][]string{"a.test.": {"10.0.0.1"}, "b.test.": {"10.0.1.1"}},
	}
	p, r := steppedPool(t, Options{Targets: []Target{{SRV, "_s.test", 0}}, Resolver: resolver}, nil)
	r.first()
	wantHosts(t, p, "10.0.0.1:80", "10.0.1.1:80")

	steps := []struct {
		name   string
		change func(*scriptedResolver)
		want   []string
		ok     bool
	}{
		{"a name fails while the other moves", func(s *scriptedResolver) {
			s.ips = map[string][]string{"b.test.": {"10.0.1.2"}}
			s.fails = map[string]error{"a.test.": errDNS}
		}, []string{"10.0.0.1:80", "10.0.1.2:80"}, false},
		{"every name fails", func(s *scriptedResolver) { s.ips = nil },
			[]string{"10.0.0.1:80", "10.0.1.2:80"}, false},
		{"the records are gone", func(s *scriptedResolver) { s.srvs = nil },
			[]string{"10.0.0.1:80", "10.0.1.2:80"}, false},
		{"there is no such service", func(s *scriptedResolver) {
			s.srvs = map[string][]*net.SRV{"_s.test": {{Target: ".", Port: 80}}}
		}, []string{"10.0.0.1:80", "10.0.1.2:80"}, false},
		{"all is well again", func(s *scriptedResolver) {
			s.srvs = map[string][]*net.SRV{"_s.test": {srv("b.test.", 5), srv("a.test.", 7)}}
			s.ips = map[string][]string{"a.test.": {"10.0.0.1"}, "b.test.": {"10.0.1.3"}}
			s.fails = nil
		}, []string{"10.0.1.3:80"}, true},
	}
	for _, step := range steps {
		resolver.change(step.change)
		r.next()
		if got := fmt.Sprint(addrs(p)); got != fmt.Sprint(step.want) {
			t.Errorf("%s: hosts are %s, want %s", step.name, got, step.want)
		}
		if ok, _ := p.Resolved(); ok != step.ok {
			t.Errorf("%s: Resolved() = %v, want %v", step.name, ok, step.ok)
		}
	}
}

func TestRefreshThatChangesNothingChangesNothing(t *testing.T) {
	server := startDNS(t, "distributor.test. 0 A 10.0.0.1", "distributor.test. 0 A 10.0.0.2")
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "distributor.test", 9009}},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	before, counter := p.hosts.Load(), p.next.Load()
	server.set("distributor.test. 0 A 10.0.0.2", "distributor.test. 0 A 10.0.0.1") // another order
	r.next()
	if p.hosts.Load() != before {
		t.Error("the same answer made a new list")
	}
	if p.next.Load() != counter {
		t.Error("the refresh moved the counter")
	}
}

func TestHostsThatStayAreTheSameValues(t *testing.T) {
	server := startDNS(t, "distributor.test. 0 A 10.0.0.1", "distributor.test. 0 A 10.0.0.2")
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "distributor.test", 9009}},
		Resolver: NewResolver([]string{server.Addr}),
	}, nil)
	r.first()
	leaves, stays := p.Hosts()[0], p.Hosts()[1]
	server.set("distributor.test. 0 A 10.0.0.2", "distributor.test. 0 A 10.0.0.3")
	r.next()
	wantHosts(t, p, "10.0.0.2:9009", "10.0.0.3:9009")
	if p.Hosts()[0] != stays || stays.gone.Load() {
		t.Error("a host that is still in the answer was replaced")
	}
	if !leaves.gone.Load() {
		t.Error("a host that left the answer is not gone")
	}
}

func TestServersAreAskedInTurnUntilOneAnswers(t *testing.T) {
	broken := startDNS(t)
	broken.fail("A distributor.test.", "AAAA distributor.test.")
	good := startDNS(t, "distributor.test. 0 A 10.0.0.1")
	p, r := steppedPool(t, Options{
		Targets:  []Target{{Name, "distributor.test", 9009}},
		Resolver: NewResolver([]string{broken.Addr, good.Addr}),
	}, nil)
	r.first()
	wantHosts(t, p, "10.0.0.1:9009")
	before := broken.count("A distributor.test.")
	r.next()
	if after := broken.count("A distributor.test."); after != before {
		t.Errorf("the broken server was asked %d times more though the other had answered", after-before)
	}
}

func TestServerAddressesGetThePortOfDNS(t *testing.T) {
	for server, want := range map[string]string{
		"10.0.0.53":       "10.0.0.53:53",
		"10.0.0.53:8600":  "10.0.0.53:8600",
		"::1":             "[::1]:53",
		"[::1]":           "[::1]:53",
		"[::1]:8600":      "[::1]:8600",
		"dns.example":     "dns.example:53",
		"dns.example:530": "dns.example:530",
	} {
		if got := withPort(server); got != want {
			t.Errorf("withPort(%q) = %q, want %q", server, got, want)
		}
	}
}

// The clock of the bubble stands still while anything runs, so the times are exact.
func TestLookUpsComeAtOnceAndThenAfterTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Second
		var ended []time.Time
		begin := time.Now()
		p := New(Options{
			Targets:         []Target{{Name, "distributor.test", 80}},
			Resolver:        &scriptedResolver{ips: map[string][]string{"distributor.test": {"10.0.0.1"}}},
			RefreshInterval: interval,
			afterRound:      func() { ended = append(ended, time.Now()) },
		}, nil)
		time.Sleep(500 * interval)
		p.Close()
		if !ended[0].Equal(begin) {
			t.Errorf("the first look-up came after %v, want at once", ended[0].Sub(begin))
		}
		shortest, longest := interval, interval
		for i := range ended[1:] {
			pause := ended[i+1].Sub(ended[i])
			shortest, longest = min(shortest, pause), max(longest, pause)
		}
		if shortest < interval*9/10 || longest > interval*11/10 {
			t.Errorf("pauses between %v and %v, want within 10%% of %v", shortest, longest, interval)
		}
		if longest-shortest < interval/10 {
			t.Errorf("pauses between %v and %v: no jitter", shortest, longest)
		}
	})
}

func TestNameWithoutAnAnswerIsAskedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resolver := &scriptedResolver{fails: map[string]error{"distributor.test": errDNS}}
		p := New(Options{
			Targets:         []Target{{Name, "distributor.test", 80}},
			Resolver:        resolver,
			RefreshInterval: time.Hour,
		}, nil)
		defer p.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(resolver.asked); n < 9 || n > 12 {
			t.Errorf("asked %d times in 10 s, want once a second", n)
		}
		resolver.change(func(s *scriptedResolver) {
			s.ips, s.fails = map[string][]string{"distributor.test": {"10.0.0.1"}}, nil
		})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantHosts(t, p, "10.0.0.1:80")
	})
}

func TestLookUpThatHangsEndsAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{
			Targets:         []Target{{Name, "hangs.test", 80}, {Name, "works.test", 80}},
			Resolver:        halfSilentResolver{},
			RefreshInterval: 5 * time.Second,
		}, nil)
		defer p.Close()
		synctest.Wait()
		wantHosts(t, p, "10.0.0.1:80")
		for _, tt := range []struct {
			within time.Duration
			want   bool
		}{{lookupTimeout - 1, false}, {time.Second, true}} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.within)
			if got := p.Wait(ctx); got != tt.want {
				t.Errorf("Wait = %v after another %v, want %v", got, tt.within, tt.want)
			}
			cancel()
		}
		if err := p.ResolveError(); err == nil || !strings.Contains(err.Error(), "hangs.test") {
			t.Errorf("ResolveError() = %v, want it to name the target", err)
		}
	})
}

// halfSilentResolver answers for one name only.
type halfSilentResolver struct{ silentResolver }

func (r halfSilentResolver) LookupIP(ctx context.Context, host string) (addrs []netip.Addr, err error) {
	if host == "works.test" {
		return (&scriptedResolver{ips: map[string][]string{host: {"10.0.0.1"}}}).LookupIP(ctx, host)
	}
	return r.silentResolver.LookupIP(ctx, host)
}

func TestCloseDoesNotWaitForALookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Targets: []Target{{Name, "distributor.test", 80}}, Resolver: silentResolver{}}, nil)
		synctest.Wait()
		begin := time.Now()
		p.Close()
		p.Close()
		if waited := time.Since(begin); waited > 0 {
			t.Errorf("Close took %v", waited)
		}
		if p.o.Log.Enabled(t.Context(), slog.LevelError) {
			t.Error("without Log something is logged")
		}
	})
}

func TestFailuresAreLoggedWhenTheyBeginAndEnd(t *testing.T) {
	var log bytes.Buffer
	resolver := &scriptedResolver{ips: map[string][]string{"distributor.test": {"10.0.0.1"}}}
	p, r := steppedPool(t, Options{
		Name:     "distributor",
		Targets:  []Target{{Name, "distributor.test", 80}},
		Resolver: resolver,
		Log:      slog.New(slog.NewTextHandler(&log, nil)),
	}, nil)
	r.first()
	resolver.change(func(s *scriptedResolver) { s.fails, s.ips = map[string]error{"distributor.test": errDNS}, nil })
	r.next()
	r.next()
	resolver.change(func(s *scriptedResolver) {
		s.fails, s.ips = nil, map[string][]string{"distributor.test": {"10.0.0.2"}}
	})
	r.next()
	r.next()
	for text, want := range map[string]int{
		`msg="hosts changed" upstream=distributor`:                                             2,
		`hosts=1 came=[10.0.0.2:80] went=[10.0.0.1:80]`:                                        1,
		`level=WARN msg="look-up failed; the hosts of the last good answer stay"`:              1,
		`target=distributor.test:80 error="look up distributor.test: server misbehaving"`:      1,
		`level=INFO msg="look-up works again" upstream=distributor target=distributor.test:80`: 1,
	} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q stands in the log %d times, want %d:\n%s", text, got, want, &log)
		}
	}
	_ = p
}
