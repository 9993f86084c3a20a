//go:build unix && !linux

package balancer

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peek looks for a byte on the socket without taking it and without waiting. nil with no byte is the end of the stream,
// EAGAIN that nothing is there.
func peek(fd uintptr, b *[1]byte) error {
	_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err
}

// setUserTimeout does nothing: TCP_USER_TIMEOUT is Linux's. Keep-alive probes and read deadlines remain.
func setUserTimeout(syscall.RawConn, time.Duration) {}
