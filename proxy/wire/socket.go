package wire

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Arrived reports, without waiting, whether something is to be read on a connection: bytes, its end or an error. On TLS
// the bytes may be of the protocol itself, so a read may still find nothing.
func Arrived(c net.Conn) bool {
	_, state := peek(c)
	return state != nothingThere
}

// Gone reports, without waiting, whether the peer has ended its side of the connection, by whatever it sent before. One
// that has only said goodbye in TLS is noticed up to version 1.2; later ones encrypt it.
func Gone(c net.Conn) bool {
	if hungUp(c) {
		return true
	}
	_, secure := c.(*tls.Conn)
	first, state := peek(c)
	return state == ended || secure && state == bytesThere && first == tlsAlert
}

// takesMore reports, without waiting, whether the peer leaves room for something short to be written to it.
func takesMore(c net.Conn) bool { return polled(c, unix.POLLOUT)&unix.POLLOUT != 0 }

// socketBelow is the connection under TLS and whatever else wraps it and says so.
func socketBelow(c net.Conn) net.Conn {
	for {
		above, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = above.NetConn()
	}
}

const tlsAlert = 21 // RFC 8446 §5.1

type peekState uint8

const (
	nothingThere peekState = iota
	bytesThere
	ended
)

// peek looks at the first byte that waits in the socket below a connection and leaves it there.
func peek(c net.Conn) (first byte, state peekState) {
	var b [1]byte
	found := look(c, func(fd int) error {
		n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EAGAIN:
			state = nothingThere
		case err != nil || n == 0:
			state = ended
		default:
			state = bytesThere
		}
		return err
	})
	if !found {
		state = ended
	}
	return b[0], state
}

// polled are those of some events that are so on the socket below a connection, beside errors and hang-ups.
func polled(c net.Conn, events int16) (ready int16) {
	look(c, func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		_, err := unix.Poll(fds, 0)
		ready = fds[0].Revents
		return err
	})
	return ready
}

// look calls f with the socket below a connection, again when a signal came in between, and reports whether that socket
// is still open. A connection without one, as tests have it, is open, and f is not called.
func look(c net.Conn, f func(fd int) error) (open bool) {
	s, ok := socketBelow(c).(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	// Control rather than Read: it looks even when a deadline has passed.
	err = raw.Control(func(fd uintptr) {
		for f(int(fd)) == syscall.EINTR {
		}
	})
	return err == nil
}
