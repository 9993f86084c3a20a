//go:build unix && !linux

package tcp

import "golang.org/x/sys/unix"

// read is read(2), which the scheduler is told of: only Linux's system calls may be made behind its back.
func read(fd uintptr, b []byte) (int, error) { return positive(unix.Read(int(fd), b)) }

// write is write(2), see read.
func write(fd uintptr, b []byte) (int, error) { return positive(unix.Write(int(fd), b)) }

// positive makes none of the -1 that comes with an error.
func positive(n int, err error) (int, error) { return max(n, 0), err }

// peek looks for a byte on the socket without taking it and without waiting. nil with no byte is the end of the stream,
// EAGAIN that nothing is there.
func peek(fd uintptr, b *[1]byte) error {
	_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err
}
