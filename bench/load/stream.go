package load

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/headgate/headgate/bench/socket"
)

// stream is a connection that never blocks, plain or TLS: the functions return socket.ErrAgain, or a short count, as
// those of package socket do.
type stream interface {
	fd() int
	read(p []byte) (int, error)     // 0 and no error at the end
	discard(max int) (int, error)   // as read, but the bytes are dropped
	write(p []byte) (int, error)    // may take all and hold some back: flush sends it
	flush() (waiting bool, e error) // when the socket has room again
	close()
}

// dial opens a stream and, for TLS, shakes hands; both block.
func dial(addr netip.AddrPort, config *tls.Config) (stream, error) {
	fd, err := socket.Connect(addr)
	if err != nil {
		return nil, err
	}
	if config == nil {
		return plain(fd), nil
	}
	carrier := &carrier{fd: fd, addr: addr, blocking: true}
	conn := tls.Client(carrier, config)
	if err := conn.Handshake(); err != nil {
		socket.Close(fd)
		return nil, fmt.Errorf("shake hands with %s: %w", addr, err)
	}
	carrier.blocking = false
	return &secure{carrier: carrier, conn: conn}, nil
}

// plain is a stream without TLS: the file descriptor.
type plain int

// discarded is never written to.
var discarded = make([]byte, 1<<20)

func (p plain) fd() int                    { return int(p) }
func (p plain) read(b []byte) (int, error) { return socket.Read(int(p), b) }
func (p plain) discard(most int) (int, error) {
	return socket.Discard(int(p), discarded[:min(most, len(discarded))])
}
func (p plain) write(b []byte) (int, error) { return socket.Write(int(p), b) }
func (p plain) flush() (bool, error)        { return false, nil }
func (p plain) close()                      { socket.Close(int(p)) }

// secure is a stream with TLS.
type secure struct {
	carrier *carrier
	conn    *tls.Conn
	scratch []byte
}

func (s *secure) fd() int { return s.carrier.fd }

func (s *secure) read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	if n > 0 {
		return n, nil
	}
	if s.carrier.ended {
		return 0, nil
	}
	if _, again := err.(notYet); again {
		return 0, socket.ErrAgain
	}
	return 0, err
}

func (s *secure) discard(most int) (int, error) {
	if s.scratch == nil {
		s.scratch = make([]byte, 16<<10)
	}
	return s.read(s.scratch[:min(most, len(s.scratch))])
}

func (s *secure) write(p []byte) (int, error) { return s.conn.Write(p) }
func (s *secure) flush() (bool, error)        { return s.carrier.flush() }
func (s *secure) close()                      { socket.Close(s.carrier.fd) }

// carrier is the net.Conn below crypto/tls. After the handshake a read that finds nothing fails with notYet, which
// crypto/tls takes for a passing error and does not remember; a write takes everything and holds back what has no room.
type carrier struct {
	fd       int
	addr     netip.AddrPort
	blocking bool
	ended    bool
	held     []byte
}

// handshakeMillis is how long the other side may take for each message of the handshake.
const handshakeMillis = 10_000

func (c *carrier) Read(p []byte) (int, error) {
	for {
		n, err := socket.Read(c.fd, p)
		switch {
		case err == socket.ErrAgain && c.blocking:
			if err := socket.WaitReadable(c.fd, handshakeMillis); err != nil {
				return 0, err
			}
		case err == socket.ErrAgain:
			return 0, notYet{}
		case err != nil:
			return 0, err
		case n == 0:
			c.ended = true
			return 0, net.ErrClosed
		default:
			return n, nil
		}
	}
}

func (c *carrier) Write(p []byte) (int, error) {
	if !c.blocking {
		c.held = append(c.held, p...)
		_, err := c.flush()
		return len(p), err
	}
	for sent := 0; sent < len(p); {
		n, err := socket.Write(c.fd, p[sent:])
		if err == socket.ErrAgain {
			err = socket.WaitWritable(c.fd, handshakeMillis)
		}
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return len(p), nil
}

func (c *carrier) flush() (bool, error) {
	for len(c.held) > 0 {
		n, err := socket.Write(c.fd, c.held)
		if err == socket.ErrAgain {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		c.held = append(c.held[:0], c.held[n:]...)
	}
	return false, nil
}

func (c *carrier) Close() error                     { return nil }
func (c *carrier) LocalAddr() net.Addr              { return net.TCPAddrFromAddrPort(c.addr) }
func (c *carrier) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(c.addr) }
func (c *carrier) SetDeadline(time.Time) error      { return nil }
func (c *carrier) SetReadDeadline(time.Time) error  { return nil }
func (c *carrier) SetWriteDeadline(time.Time) error { return nil }

// notYet is the passing error of a carrier with nothing to read.
type notYet struct{}

func (notYet) Error() string   { return "nothing to read yet" }
func (notYet) Timeout() bool   { return true }
func (notYet) Temporary() bool { return true }
