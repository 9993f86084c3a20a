package balancer

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is one connection to a host, on loan from Host.Acquire until Release or Discard. It must not be used after
// that: the same value is lent out again.
type Conn struct {
	conn *conn
}

// NetConn returns the connection itself: a *tcp.Conn, or one of TLS with the handshake done. Its deadlines are set
// through Within alone. Reading and writing can be gone on with after one has passed, writing with the very bytes that
// are left.
func (c *Conn) NetConn() net.Conn { return c.conn.socket.stream() }

// Raw is access to the socket of a connection that is nothing but TCP, and nil under TLS.
func (c *Conn) Raw() syscall.RawConn {
	if s, ok := c.conn.socket.(plainSocket); ok {
		return s.Raw()
	}
	return nil
}

// Fresh reports whether the connection was dialed for this loan, so that it cannot have been closed by a host that had
// waited too long for a request on it.
func (c *Conn) Fresh() bool { return c.conn.fresh }

// Arrived reports, without waiting, whether something is to be read on the connection: bytes, its end or an error. On
// TLS the bytes may be of the protocol itself, so a read may still find nothing. On plain TCP it allocates nothing.
func (c *Conn) Arrived() bool { return c.conn.socket.arrived() }

// Within makes reads and writes fail when d has passed from now, or up to an eighth of d later. Moving a deadline costs
// the runtime a timer each time, more than looking at the clock does, so one that is already there is left when it fits.
// A deadline stays on the connection from loan to loan: whoever borrows it calls Within before anything else.
func (c *Conn) Within(now time.Time, d time.Duration) error {
	k := c.conn
	if left := k.deadline.Sub(now); d <= left && left <= d+d/8 {
		return nil
	}
	k.deadline = now.Add(d + d/8)
	return k.socket.stream().SetDeadline(k.deadline)
}

// Release gives the connection back for further use. The caller has read the answer to its end, and nothing came after
// it. The connection is closed instead when it is too old, was aborted, or the host is gone.
func (c *Conn) Release() {
	k := c.conn
	k.endLoan()
	h := k.host
	if k.closed.Load() || k.expires && k.expired(time.Now()) {
		h.conns.discard(k)
		return
	}
	h.conns.giveBack(k)
	// Only now is it certain to be seen here or by letGo: a look before would miss a host that goes in between.
	if h.gone.Load() {
		h.conns.discardIdle()
	}
}

// Discard closes the connection.
func (c *Conn) Discard() {
	c.conn.endLoan()
	c.conn.host.conns.discard(c.conn)
}

// Abort cuts the connection under whoever reads or writes on it, from any goroutine. The loan goes on: the borrower
// still calls Release or Discard, and Abort must not come after that.
func (c *Conn) Abort() { _ = c.conn.Close() }

// conn is what the pool keeps: a socket and what must be known of it from one loan to the next. It lives as long as the
// connection, so that a loan needs no memory of its own.
type conn struct {
	socket
	host     *Host
	lent     Conn
	held     any  // fasthttp's record of the connection, while it is taken
	fresh    bool // taken for the first time, straight after the dialing
	expires  bool // at expiry
	expiry   time.Time
	deadline time.Time // of reads and writes; zero: none yet
	onLoan   atomic.Bool
	closed   atomic.Bool
}

// socket is one kind of connection that can tell whether it is as quiet as an idle one must be.
type socket interface {
	net.Conn
	// stream returns the connection that carries the exchange.
	stream() net.Conn
	// quiet reports, without waiting, whether the connection is open and no byte has come on it. Only a connection
	// that is quiet can be used again.
	quiet() bool
	// arrived reports, without waiting and without reading anything, whether something is to be read.
	arrived() bool
}

func (c *conn) expired(now time.Time) bool { return c.expires && now.After(c.expiry) }

func (c *conn) lendOut() *Conn {
	c.onLoan.Store(true)
	return &c.lent
}

func (c *conn) endLoan() {
	if !c.onLoan.CompareAndSwap(true, false) {
		panic("BUG: a connection was released or discarded twice")
	}
}

// unhold returns fasthttp's record of the connection and forgets it: it is reused for other connections.
func (c *conn) unhold() any {
	held := c.held
	c.held = nil
	return held
}

// Close closes the socket. fasthttp calls it, and Abort.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	return c.socket.Close()
}
