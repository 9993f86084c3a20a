package balancer

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tlsSocket is a TLS connection over TCP.
//
// A look into the socket's buffer would not do here, in both directions: bytes there may be a session ticket, which TLS
// 1.3 servers send when they like, and a whole answer may wait in the buffer of crypto/tls, read together with the one
// before it. So crypto/tls is asked to read, while the socket gives it only what has arrived already.
type tlsSocket struct {
	*tls.Conn
	wire *wire
	one  [1]byte
}

func newTLSSocket(tcp *net.TCPConn, raw syscall.RawConn, config *tls.Config) *tlsSocket {
	w := &wire{TCPConn: tcp, raw: raw, patient: true}
	w.read = w.readOnce
	return &tlsSocket{Conn: tls.Client(w, config), wire: w}
}

func (s *tlsSocket) stream() net.Conn { return s.Conn }

// Close closes the TCP connection without a close_notify alert, for which crypto/tls would wait up to 5 s when the host
// takes nothing any more. The framing of HTTP/1.1 tells the host what was whole.
func (s *tlsSocket) Close() error { return s.wire.Close() }

// quiet reports whether crypto/tls has no data and no alert, after it has dealt with everything that has arrived, and
// is not in the middle of a record either. Tickets and key updates are taken in and do not count.
func (s *tlsSocket) quiet() bool {
	s.wire.patient = false
	n, err := s.Conn.Read(s.one[:])
	s.wire.patient = true
	return n == 0 && err == errNothingThere && s.wire.records.whole()
}

// arrived looks below TLS: quiet would read the answer.
func (s *tlsSocket) arrived() bool { return newPlainSocket(s.wire.TCPConn, s.wire.raw).arrived() }

// wire is the TCP connection under a TLS connection. It counts off the records that are read from it, and while it is
// not patient it reads only what is there.
type wire struct {
	*net.TCPConn
	raw     syscall.RawConn
	patient bool
	records records

	read func(fd uintptr) // readOnce, bound once
	into []byte           // arguments and results of read
	n    int
	err  error
}

// Read reads for crypto/tls.
func (w *wire) Read(b []byte) (n int, err error) {
	if w.patient {
		n, err = w.TCPConn.Read(b)
	} else {
		n, err = w.readWhatIsThere(b)
	}
	w.records.pass(b[:n])
	return n, err
}

func (w *wire) readWhatIsThere(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	w.into = b
	err := w.raw.Control(w.read)
	w.into = nil
	if err != nil {
		return 0, err
	}
	return w.n, w.err
}

func (w *wire) readOnce(fd uintptr) {
	for {
		n, err := unix.Read(int(fd), w.into)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			w.n, w.err = 0, errNothingThere
		case err != nil:
			w.n, w.err = 0, err
		case n == 0:
			w.n, w.err = 0, io.EOF
		default:
			w.n, w.err = n, nil
		}
		return
	}
}

// errNothingThere tells crypto/tls that a read came to nothing for now. It is a temporary net.Error, as a passed
// deadline is, because crypto/tls never forgets any other error.
var errNothingThere net.Error = nothingThere{}

type nothingThere struct{}

func (nothingThere) Error() string   { return "nothing there" }
func (nothingThere) Timeout() bool   { return true }
func (nothingThere) Temporary() bool { return true }

// records follows TLS records by their headers: one byte of type, two of version, two of length (RFC 8446 section 5.1).
type records struct {
	header int // bytes of the header that were seen
	body   int // bytes of the body that are to come
}

// pass counts off the bytes of b.
func (r *records) pass(b []byte) {
	for len(b) > 0 {
		if r.header == 5 {
			n := min(r.body, len(b))
			r.body -= n
			b = b[n:]
		} else {
			if r.header >= 3 {
				r.body = r.body<<8 | int(b[0])
			}
			r.header++
			b = b[1:]
		}
		if r.header == 5 && r.body == 0 {
			r.header = 0
		}
	}
}

// whole reports whether the last record that began has come to its end.
func (r *records) whole() bool { return r.header == 0 }
