//go:build unix && !linux

package tcp

import "golang.org/x/sys/unix"

// peek looks for a byte on the socket without taking it and without waiting. nil with no byte is the end of the stream,
// EAGAIN that nothing is there.
func peek(fd uintptr, b *[1]byte) error {
	_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err
}
