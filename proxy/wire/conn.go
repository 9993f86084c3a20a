package wire

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits is what every connection of a server keeps to.
type Limits struct {
	HeaderTimeout time.Duration // from the first byte of a head to its last; 0: no limit
	IdleTimeout   time.Duration // between two requests, and before the first; 0: no limit
	MaxHeaderSize int           // bytes of a head

	BeforeWait      func(now time.Time)   // is called before a read that waits for a request; nil: nothing is
	HandshakeFailed func(net.Addr, error) // is told of clients that TLS cannot agree with; nil: nobody is
}

// Conn is a client's connection. fasthttp's loop calls Read and Write: Read waits for the next request, reads its true
// head and returns a stand-in that leads to the same handler; Write says yes and writes nothing, since the handler has
// answered on the connection itself. Everything else is for that handler, on the loop's goroutine, except Close and
// Idle, which may be called from any.
type Conn struct {
	net.Conn
	limits *Limits

	in    Reader
	head  RequestHead
	fault *Fault
	body  Body

	standIn   []byte // what fasthttp still has to read of the stand-in
	standBuf  []byte
	began     time.Time // when the head in use was complete
	ended     time.Time // the request before; zero: there was none
	waiting   atomic.Int64
	readBy    alarm
	writeBy   alarm
	continued bool
	shaken    bool // TLS has greeted the client, or there is none

	peer     netip.Addr
	peerText string
}

// NewConn makes a Conn of a connection just accepted.
func NewConn(c net.Conn, limits *Limits) *Conn {
	conn := &Conn{Conn: c, limits: limits}
	conn.in.Reset(c)
	conn.waiting.Store(time.Now().UnixNano())
	return conn
}

// Read is fasthttp's: it blocks until a request is there and gives its stand-in. Every end of the connection is io.EOF,
// because whatever fasthttp would answer then, a pooled sender could take for the answer to its next push.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.standIn) == 0 {
		if err := c.next(); err != nil {
			return 0, io.EOF
		}
	}
	n := copy(p, c.standIn)
	c.standIn = c.standIn[n:]
	return n, nil
}

// Write is fasthttp's, for the answer that the handler has already given.
func (c *Conn) Write(p []byte) (int, error) { return len(p), nil }

// next reads the next head. A head with a fault is a request too: the handler refuses it.
func (c *Conn) next() error {
	if !c.began.IsZero() && !c.body.Whole() {
		return io.EOF // what is left of a body is never the next head, whoever forgot about it
	}
	c.in.discardHead()
	c.continued = false
	now := c.ended // a moment ago
	if now.IsZero() {
		now = time.Now()
	}
	c.waiting.Store(now.UnixNano())
	if !c.shaken {
		if err := c.handshake(now); err != nil {
			return err
		}
		now = time.Now()
	}
	if c.in.Buffered() == 0 {
		if err := c.ReadWithin(now, c.limits.IdleTimeout); err != nil {
			return err
		}
		if c.limits.BeforeWait != nil {
			c.limits.BeforeWait(now)
		}
		if err := c.in.fill(); err != nil {
			return err
		}
	}
	slow := false
	for {
		found, fault := c.in.takeRequest(c.limits.MaxHeaderSize, &c.head)
		if found || fault != nil {
			c.begin(fault)
			return nil
		}
		if !slow {
			slow = true
			if err := c.ReadWithin(time.Now(), c.limits.HeaderTimeout); err != nil {
				return err
			}
		}
		if err := c.in.fill(); err != nil {
			return err
		}
	}
}

// begin makes the head just read, or its fault, the request in use.
func (c *Conn) begin(fault *Fault) {
	if c.peerText == "" {
		c.findPeer()
	}
	c.waiting.Store(0)
	c.began = time.Now()
	c.fault = fault
	if fault != nil {
		c.head = RequestHead{Fields: c.head.Fields[:0], Close: true}
		c.body.begin(&c.in, 0)
		c.standIn = faultyStandIn
		return
	}
	c.body.begin(&c.in, c.head.Length)
	b := append(c.standBuf[:0], c.head.Method...)
	b = append(b, ' ')
	b = append(b, c.head.Path...)
	c.standBuf = append(b, " HTTP/1.1\r\nHost: h\r\n\r\n"...)
	c.standIn = c.standBuf
}

var faultyStandIn = []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n")

// Head is the head of the request in use.
func (c *Conn) Head() *RequestHead { return &c.head }

// Fault is what is wrong with the head of the request in use; nil: nothing. With a fault, Head is empty.
func (c *Conn) Fault() *Fault { return c.fault }

// FaultyLine is the first line of a head with a fault, as far as it came and exactly as it was sent: to be counted by, and
// for nothing else. It is valid until the next read; without a fault it is nil.
func (c *Conn) FaultyLine() []byte {
	if c.fault == nil {
		return nil
	}
	line := c.in.buf[c.in.lines.lead:c.in.w]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return line
}

// Began is when the head of the request in use was complete.
func (c *Conn) Began() time.Time { return c.began }

// End says when the answer to the request in use was sent, which is when the wait for the next one begins.
func (c *Conn) End(now time.Time) { c.ended = now }

// Body is the body of the request in use. Reading it through ReadBody also tells a waiting client to go on.
func (c *Conn) Body() *Body { return &c.body }

// ReadBody reads some of the request's body, after 100 Continue where the client waits for it (RFC 9110 §10.1.1).
func (c *Conn) ReadBody(p []byte) (int, error) {
	if err := c.sayContinue(); err != nil {
		return 0, err
	}
	return c.body.Read(p)
}

func (c *Conn) sayContinue() error {
	waits := c.head.Continue && !c.continued && c.in.Buffered() == 0
	c.continued = true // or the body is on its way already
	if !waits {
		return nil
	}
	if err := c.SendWithin(time.Now(), c.limits.HeaderTimeout); err != nil {
		return err
	}
	_, err := c.Conn.Write(continueLine)
	return err
}

// PipeBody moves some of the request's body into a pipe, which is empty: at least one byte, or an error, like ReadBody.
// It is only for connections that are Raw, and a body of known length of which nothing is buffered.
func (c *Conn) PipeBody(p Pipe) (int, error) {
	if err := c.sayContinue(); err != nil {
		return 0, err
	}
	return c.body.readInto(p, c.Raw())
}

// Raw is access to the socket of a connection that is nothing but TCP, and says so by a method of that name; nil for any
// other.
func (c *Conn) Raw() syscall.RawConn {
	if tcp, ok := c.Conn.(interface{ Raw() syscall.RawConn }); ok {
		return tcp.Raw()
	}
	return nil
}

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// Gone reports whether the client has ended its side of the connection: it has closed it, or will send nothing more.
func (c *Conn) Gone() bool { return Gone(c.Conn) }

// Peer is the address that the connection comes from; invalid for one on a socket of this machine. It is known from the
// first request on: where a proxy tells it, asking earlier would wait for the client.
func (c *Conn) Peer() netip.Addr { return c.peer }

// PeerText is Peer in text, or "unix".
func (c *Conn) PeerText() string { return c.peerText }

func (c *Conn) findPeer() {
	c.peerText = "unix"
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		c.peer = tcp.AddrPort().Addr().Unmap().WithZone("")
		c.peerText = c.peer.String()
	}
}

// Protocol is "https" on a TLS connection, else "http".
func (c *Conn) Protocol() string {
	if _, ok := c.Conn.(*tls.Conn); ok {
		return "https"
	}
	return "http"
}

// VerifiedChains are those by which TLS verified the client's certificate, which is the first of each; none without one.
func (c *Conn) VerifiedChains() [][]*x509.Certificate {
	if secure, ok := c.Conn.(*tls.Conn); ok {
		return secure.ConnectionState().VerifiedChains
	}
	return nil
}

// Send writes some of the answer.
func (c *Conn) Send(p []byte) (int, error) { return c.Conn.Write(p) }

// SendVectored writes the pieces of an answer in one go where the connection can.
func (c *Conn) SendVectored(pieces *net.Buffers) (int64, error) { return pieces.WriteTo(c.Conn) }

// ReadWithin makes reads fail d from now, give or take an eighth of d in the later direction; 0: never.
func (c *Conn) ReadWithin(now time.Time, d time.Duration) error {
	if at, set := c.readBy.due(now, d); set {
		return c.Conn.SetReadDeadline(at)
	}
	return nil
}

// SendWithin makes writes fail d from now, like ReadWithin.
func (c *Conn) SendWithin(now time.Time, d time.Duration) error {
	if at, set := c.writeBy.due(now, d); set {
		return c.Conn.SetWriteDeadline(at)
	}
	return nil
}

// Close closes the connection, from any goroutine, and never waits for the client. Over TLS it says goodbye only where
// there is room for that: crypto/tls would wait up to 5 s for it, and a client that reads nothing could hold up whoever
// wants its place.
func (c *Conn) Close() error {
	if c.deaf() {
		return socketBelow(c.Conn).Close()
	}
	return c.Conn.Close()
}

// deaf reports whether TLS could not say goodbye at once, because the client leaves no room for it.
func (c *Conn) deaf() bool {
	secure, ok := c.Conn.(*tls.Conn)
	return ok && !takesMore(secure)
}

// Idle is since when the connection waits for a whole head; zero while a request is under way.
func (c *Conn) Idle() time.Time {
	if t := c.waiting.Load(); t != 0 {
		return time.Unix(0, t)
	}
	return time.Time{}
}

// lingerTime and lingerBytes bound how long an unread body is listened to so that its sender can read the refusal:
// closing at once makes the kernel send a reset that overtakes the answer (RFC 9112 §9.6).
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 64 << 20
)

// Linger ends the sending side and drops what the client is still sending, for a short while. The caller closes the
// connection after that. A client that has left no room for a word of TLS does not read the refusal either.
func (c *Conn) Linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || c.deaf() || half.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	drop := make([]byte, 64<<10)
	for n := 0; n < lingerBytes; {
		m, err := c.Conn.Read(drop)
		if err != nil {
			return
		}
		n += m
	}
}

// AppendLine appends "name: value" and CR LF to a head under construction.
func AppendLine(head []byte, name, value string) []byte {
	head = append(head, name...)
	head = append(head, ": "...)
	head = append(head, value...)
	return append(head, '\r', '\n')
}

// AppendStatusLine appends the status line of an answer. reason must hold no control character.
func AppendStatusLine(head []byte, status int, reason string) []byte {
	head = append(head, "HTTP/1.1 "...)
	head = strconv.AppendInt(head, int64(status), 10)
	head = append(head, ' ')
	head = append(head, reason...)
	return append(head, '\r', '\n')
}

// IsTimeout reports whether err is a deadline of ours that passed. The kernel's ETIMEDOUT is not one: it ends the
// connection, and who reads on finds an orderly end.
func IsTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() && !errors.Is(err, syscall.ETIMEDOUT)
}
