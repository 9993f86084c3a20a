package proxy

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/headgate/headgate/balancer/tcp"
)

// listener accepts for fasthttp, which would end for good at the first Accept that fails (too many open files): every
// error but the listener's own end is waited out.
type listener struct {
	net.Listener
	proxy *Proxy
	once  sync.Once
	done  error

	closed chan struct{}
}

// maxAcceptPause bounds the growing pause between two Accepts that fail.
const maxAcceptPause = time.Second

// Accept waits for the next connection and frames it.
func (l *listener) Accept() (net.Conn, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, maxAcceptPause) {
		c, err := l.Listener.Accept()
		if err == nil && l.proxy.admits(c) {
			return l.proxy.conns.add(prompt(c), &l.proxy.limits), nil
		}
		if err == nil {
			c.Close() //nolint:errcheck // it was never ours
			pause = time.Millisecond
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, io.EOF // what fasthttp takes for an orderly end
		}
		l.proxy.seen.acceptFailed(err)
		select {
		case <-time.After(pause):
		case <-l.closed:
			return nil, io.EOF
		}
	}
}

// prompt makes a connection that is nothing but TCP one that is read and written without the scheduler; any other it
// leaves as it is.
func prompt(c net.Conn) net.Conn {
	if plain, ok := c.(*net.TCPConn); ok {
		if c, err := tcp.New(plain); err == nil {
			return c
		}
	}
	return c
}

// Close ends Accept; connections live on.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.done = l.Listener.Close()
	})
	return l.done
}

// admits reports whether a new connection may stay: there is room for it, if need be that of the oldest idle one, and
// its address may connect. Where a PROXY header will tell the address, the first request tells.
func (p *Proxy) admits(c net.Conn) bool {
	s := p.snapshot.Load()
	if s == nil {
		return true
	}
	var peer net.Addr
	if !tellsLater(c) {
		peer = c.RemoteAddr()
	}
	switch {
	case s.maxConnections > 0 && !p.conns.makeRoom(s.maxConnections):
		p.seen.turnedAway["limit"].Inc()
		if s.audit {
			p.seen.audit.refusedConnection(fullHouse, peer)
		}
		return false
	case peer != nil && !s.admits(addressOf(peer)):
		p.seen.turnedAway["address"].Inc()
		if s.audit {
			p.seen.audit.refusedConnection(notAllowedFrom, peer)
		}
		return false
	}
	return true
}

// tellsLater reports whether the address of a connection comes in a PROXY header, so that asking for it now would wait
// for the client.
func tellsLater(c net.Conn) bool {
	for {
		if _, later := c.(interface{ TellsAddressLater() }); later {
			return true
		}
		above, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return false
		}
		c = above.NetConn()
	}
}

// admits reports whether an address may connect; an invalid one stands for a socket of this machine.
func (s *Snapshot) admits(addr netip.Addr) bool {
	return len(s.allowFrom) == 0 || !addr.IsValid() || within(s.allowFrom, addr)
}

// addressOf is the address of a peer, invalid for a socket of this machine.
func addressOf(peer net.Addr) netip.Addr {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// addressText is the address of a peer in a log, as that of a request.
func addressText(peer net.Addr) string {
	if addr := addressOf(peer); addr.IsValid() {
		return addr.WithZone("").String()
	}
	return "unix"
}
