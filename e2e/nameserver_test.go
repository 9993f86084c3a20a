package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// nameserver answers for one name, over UDP and TCP, with addresses that a test
// can change. Every other name does not exist.
type nameserver struct {
	addr string
	name string

	mu        sync.Mutex
	addresses []netip.Addr
}

// startNameserver serves until the test ends.
func startNameserver(t *testing.T, name string, addresses ...string) *nameserver {
	t.Helper()
	n := &nameserver{name: dns.Fqdn(name), addr: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	n.answer(addresses...)
	packets, err := net.ListenPacket("udp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := net.Listen("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: n}, {Listener: streams, Handler: n}} {
		up := make(chan struct{})
		server.NotifyStartedFunc = func() { close(up) }
		ended := make(chan error, 1)
		go func() { ended <- server.ActivateAndServe() }()
		<-up
		t.Cleanup(func() {
			_ = server.Shutdown()
			<-ended
		})
	}
	return n
}

// answer sets the addresses from now on.
func (n *nameserver) answer(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses = nil
	for _, a := range addresses {
		n.addresses = append(n.addresses, netip.MustParseAddr(a))
	}
}

// ServeDNS answers one question.
func (n *nameserver) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	reply := new(dns.Msg).SetReply(question)
	reply.Authoritative = true
	switch q := question.Question[0]; {
	case dns.CanonicalName(q.Name) != n.name:
		reply.Rcode = dns.RcodeNameError
	case q.Qtype == dns.TypeA:
		n.mu.Lock()
		for _, a := range n.addresses {
			header := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: a.AsSlice()})
		}
		n.mu.Unlock()
	}
	_ = w.WriteMsg(reply)
}
