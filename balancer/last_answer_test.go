package balancer

import (
	"fmt"
	"net"
	"testing"
)

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
