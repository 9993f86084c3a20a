package inbound

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// WithProxyHeaders makes connections from trusted addresses begin with a PROXY header, version 1 or 2, that names the
// client of a TCP connection, or nobody; without one they end. Any other address may connect, but not send such a header. trusted is asked for each
// connection, because a reload may change it. A header has timeout to arrive.
func WithProxyHeaders(ln net.Listener, trusted func() []netip.Prefix, timeout time.Duration) net.Listener {
	return &proxyListener{&proxyproto.Listener{
		Listener:          ln,
		ReadHeaderTimeout: timeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if MustSendHeader(o.Upstream, trusted()) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.REJECT, nil
		},
		ValidateHeader: namesTCP,
	}}
}

// namesTCP refuses a header whose client came by something else than TCP: it would pass for a socket of this machine,
// which may connect whatever the address. A connection of the proxy's own has the proxy's address.
func namesTCP(h *proxyproto.Header) error {
	if _, ok := h.SourceAddr.(*net.TCPAddr); ok || h.Command.IsLocal() {
		return nil
	}
	return errNotTCP
}

var errNotTCP = errors.New("the PROXY header names no TCP connection")

// MustSendHeader reports whether a peer is a trusted proxy. Whoever may open a socket file is.
func MustSendHeader(peer net.Addr, trusted []netip.Prefix) bool {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return true
	}
	addr := tcp.AddrPort().Addr().Unmap()
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

type proxyListener struct{ *proxyproto.Listener }

// Accept waits for a connection, not for its header.
func (l *proxyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if p, ok := c.(*proxyproto.Conn); ok {
		return &proxiedConn{p}, nil
	}
	return c, nil
}

// proxiedConn is a connection whose address a PROXY header may tell.
type proxiedConn struct{ *proxyproto.Conn }

// TellsAddressLater marks connections whose RemoteAddr waits for the client.
func (c *proxiedConn) TellsAddressLater() {}

// NetConn is the connection itself, without the header.
func (c *proxiedConn) NetConn() net.Conn { return c.Raw() }

// CloseWrite ends the sending side.
func (c *proxiedConn) CloseWrite() error {
	if half, ok := c.Raw().(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}
