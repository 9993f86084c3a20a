package balancer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// silentResolver never answers, until its context ends.
type silentResolver struct{}

func (silentResolver) LookupIP(ctx context.Context, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silentResolver) LookupSRV(ctx context.Context, _ string) ([]*net.SRV, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// scriptedResolver answers from its maps; a name that is not there is refused.
type scriptedResolver struct {
	mu    sync.Mutex
	ips   map[string][]string
	srvs  map[string][]*net.SRV
	fails map[string]error // returned beside what the maps hold
	asked []string
}

func (r *scriptedResolver) LookupIP(_ context.Context, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, host)
	var addrs []netip.Addr
	for _, ip := range r.ips[host] {
		addrs = append(addrs, netip.MustParseAddr(ip))
	}
	return addrs, r.fails[host]
}

func (r *scriptedResolver) LookupSRV(_ context.Context, name string) ([]*net.SRV, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, name)
	return r.srvs[name], r.fails[name]
}

func (r *scriptedResolver) change(f func(*scriptedResolver)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

var errDNS = errors.New("server misbehaving")

// dnsServer is a DNS server on loopback with records that change.
type dnsServer struct {
	Addr string

	mu      sync.Mutex
	records []string       // in zone file form
	codes   map[string]int // an answer code by question: "A distributor.test."
	asked   map[string]int // questions by the same form
	server  *dns.Server
}

func startDNS(t testing.TB, records ...string) *dnsServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dnsServer{Addr: conn.LocalAddr().String(), records: records, codes: map[string]int{}, asked: map[string]int{}}
	started := make(chan struct{})
	s.server = &dns.Server{PacketConn: conn, Handler: s, NotifyStartedFunc: func() { close(started) }}
	done := make(chan error, 1)
	go func() { done <- s.server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := s.server.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return s
}

func (s *dnsServer) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := query.Question[0]
	question := dns.TypeToString[q.Qtype] + " " + strings.ToLower(q.Name)
	s.asked[question]++
	reply := new(dns.Msg)
	reply.SetReply(query)
	reply.Authoritative, reply.RecursionAvailable = true, true
	known := false
	for _, text := range s.records {
		record, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		if !strings.EqualFold(record.Header().Name, q.Name) {
			continue
		}
		known = true
		if record.Header().Rrtype == q.Qtype {
			reply.Answer = append(reply.Answer, record)
		}
	}
	if !known {
		reply.Rcode = dns.RcodeNameError
	}
	if code, ok := s.codes[question]; ok {
		reply.Rcode, reply.Answer = code, nil
	}
	_ = w.WriteMsg(reply)
}

func (s *dnsServer) set(records ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = records
}

// fail makes the server answer the questions with an error.
func (s *dnsServer) fail(questions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes = map[string]int{}
	for _, q := range questions {
		s.codes[q] = dns.RcodeServerFailure
	}
}

func (s *dnsServer) count(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[question]
}

// rounds stops a pool's resolver after every round of look-ups.
type rounds struct {
	ended, begin, quit chan struct{}
}

// steppedPool returns a pool whose look-ups go on only when the test says so.
func steppedPool(t testing.TB, o Options, from *Pool) (*Pool, *rounds) {
	t.Helper()
	r := &rounds{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	if o.RefreshInterval == 0 {
		o.RefreshInterval = time.Millisecond
	}
	o.afterRound = func() {
		select {
		case r.ended <- struct{}{}:
		case <-r.quit:
			return
		}
		select {
		case <-r.begin:
		case <-r.quit:
		}
	}
	p := New(o, from)
	t.Cleanup(func() {
		r.quitNow()
		p.Close()
	})
	return p, r
}

// quitNow lets the rounds go on by themselves, so that the pool can be closed.
func (r *rounds) quitNow() {
	select {
	case <-r.quit:
	default:
		close(r.quit)
	}
}

// first waits for the end of the first round.
func (r *rounds) first() { <-r.ended }

// next lets one more round begin, and waits for its end.
func (r *rounds) next() {
	r.begin <- struct{}{}
	<-r.ended
}

func addrs(p *Pool) []string {
	var list []string
	for _, h := range p.Hosts() {
		list = append(list, h.Addr())
	}
	return list
}

func wantHosts(t *testing.T, p *Pool, want ...string) {
	t.Helper()
	if got := addrs(p); !slices.Equal(got, want) {
		t.Errorf("hosts are %q, want %q", got, want)
	}
}

func literalKey(t Target) hostKey {
	return hostKey{addr: netip.AddrPortFrom(netip.MustParseAddr(t.Host), t.Port)}
}

// gatedResolver answers when its gate is open.
type gatedResolver struct {
	Resolver
	gate chan struct{}
}

func (r *gatedResolver) LookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	select {
	case <-r.gate:
		return r.Resolver.LookupIP(ctx, host)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
