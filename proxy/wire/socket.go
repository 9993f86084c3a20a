package wire

import (
	"crypto/tls"
	"net"
	"syscall"
)

// Arrived reports, without waiting, whether something is to be read on a connection: bytes, its end or an error. On TLS
// the bytes may be of the protocol itself, so a read may still find nothing.
func Arrived(c net.Conn) bool {
	_, state := peek(c)
	return state != nothingThere
}

// Gone reports, without waiting, whether the peer has ended its side of the connection. Bytes that wait before the end
// hide it.
func Gone(c net.Conn) bool {
	first, state := peek(c)
	if _, ok := c.(*tls.Conn); ok && state == bytesThere {
		return first == tlsAlert // close_notify comes before the end
	}
	return state == ended
}

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
	s, ok := socketBelow(c).(syscall.Conn)
	if !ok {
		return 0, nothingThere
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, ended
	}
	var b [1]byte
	// Control rather than Read: it looks even when a deadline has passed.
	err = raw.Control(func(fd uintptr) {
		for {
			n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			switch {
			case err == syscall.EINTR:
				continue
			case err == syscall.EAGAIN:
				state = nothingThere
			case err != nil || n == 0:
				state = ended
			default:
				state = bytesThere
			}
			return
		}
	})
	if err != nil {
		return 0, ended
	}
	return b[0], state
}
