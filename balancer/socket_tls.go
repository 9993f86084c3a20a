package balancer

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/headgate/headgate/balancer/tcp"
)

// tlsSocket is a TLS connection over TCP.
//
// A look into the socket's buffer would not do here, in both directions: bytes there may be a session ticket, which TLS
// 1.3 servers send when they like, and a whole answer may wait in the buffer of crypto/tls, read together with the one
// before it. So crypto/tls is asked to read, while the socket gives it only what has arrived already.
type tlsSocket struct {
	*tls.Conn
	wire *wire
	kept int // bytes given to Write and encrypted, of which the wire may still have some
	one  [1]byte
}

func newTLSSocket(below *tcp.Conn, config *tls.Config) *tlsSocket {
	w := &wire{Conn: below, patient: true}
	return &tlsSocket{Conn: tls.Client(w, config), wire: w}
}

func (s *tlsSocket) stream() net.Conn { return s }

// maxPlaintext is how much one record carries (RFC 8446 section 5.1).
const maxPlaintext = 16 << 10

// Write may be gone on with after its deadline has passed, as on TCP: with the rest of b, n bytes of which were sent.
// crypto/tls knows no such thing, any error of a write ends its connection. So it never hears of a deadline: what the
// socket does not take in time the wire keeps, and until that is sent nothing more is encrypted.
func (s *tlsSocket) Write(b []byte) (n int, err error) {
	for {
		if err := s.wire.flush(); err != nil {
			return n, err
		}
		n += s.kept
		s.kept = 0
		if n == len(b) {
			return n, nil
		}
		if s.kept, err = s.Conn.Write(b[n:min(n+maxPlaintext, len(b))]); err != nil {
			return n, err
		}
	}
}

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
func (s *tlsSocket) arrived() bool { return !s.wire.Quiet() }

// wire is the TCP connection under a TLS connection. It counts off the records that are read from it, while it is not
// patient it reads only what is there, and it keeps what cannot be written in time.
type wire struct {
	*tcp.Conn
	patient bool
	records records
	unsent  []byte // what crypto/tls takes for written and the socket has not taken
}

// Read reads for crypto/tls.
func (w *wire) Read(b []byte) (n int, err error) {
	if w.patient {
		n, err = w.Conn.Read(b)
	} else {
		n, err = w.readWhatIsThere(b)
	}
	w.records.pass(b[:n])
	return n, err
}

// Write writes for crypto/tls. That a deadline has passed is no error here, but one of flush.
func (w *wire) Write(b []byte) (n int, err error) {
	if len(w.unsent) == 0 {
		n, err = w.Conn.Write(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
	w.unsent = append(w.unsent, b[n:]...)
	return len(b), nil
}

// flush writes what is unsent.
func (w *wire) flush() error {
	if len(w.unsent) == 0 {
		return nil
	}
	n, err := w.Conn.Write(w.unsent)
	if w.unsent = w.unsent[n:]; len(w.unsent) == 0 {
		w.unsent = nil // few connections ever need it
	}
	return err
}

func (w *wire) readWhatIsThere(b []byte) (int, error) {
	n, err := w.ReadArrived(b)
	if err == syscall.EAGAIN {
		err = errNothingThere
	}
	return n, err
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
