package wire

import (
	"net"

	"golang.org/x/sys/unix"
)

// hungUp reports whether the peer has ended its side of the connection, which poll tells whatever waits before the end.
func hungUp(c net.Conn) bool { return polled(c, unix.POLLRDHUP) != 0 }
