package balancer

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
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

func TestOnlyAnAnswerSaysThatThereIsNothing(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{&net.DNSError{Err: "no such host", IsNotFound: true}, true},
		{fmt.Errorf("wrapped: %w", &net.DNSError{IsNotFound: true}), true},
		{&net.AddrError{Err: "no suitable address found", Addr: "localhost"}, true}, // the hosts file has the other family
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, false},
		{&net.DNSError{Err: "i/o timeout", IsTimeout: true}, false},
		{context.DeadlineExceeded, false},
	}
	for _, tt := range tests {
		if got := notFound(tt.err); got != tt.want {
			t.Errorf("notFound(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}
