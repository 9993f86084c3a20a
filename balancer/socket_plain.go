package balancer

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// plainSocket is a TCP connection.
type plainSocket struct {
	*net.TCPConn
	raw    syscall.RawConn
	look   func(fd uintptr) // lookOnce, bound once: a closure made for each look would be garbage each time
	silent bool             // what look found
	one    [1]byte
}

func newPlainSocket(tcp *net.TCPConn, raw syscall.RawConn) *plainSocket {
	s := &plainSocket{TCPConn: tcp, raw: raw}
	s.look = s.lookOnce
	return s
}

func (s *plainSocket) stream() net.Conn { return s.TCPConn }

// quiet looks into the receive buffer once. RawConn.Control is used rather than Read, which fails without looking when
// a deadline has passed.
func (s *plainSocket) quiet() bool {
	s.silent = false
	err := s.raw.Control(s.look)
	return err == nil && s.silent
}

func (s *plainSocket) arrived() bool { return !s.quiet() }

// lookOnce leaves what is there where it is. End of file (no byte, no error) and every error but "nothing there" mean
// that the connection is not quiet.
func (s *plainSocket) lookOnce(fd uintptr) {
	for {
		err := peek(fd, &s.one)
		if err != unix.EINTR {
			s.silent = err == unix.EAGAIN
			return
		}
	}
}
