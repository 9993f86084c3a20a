package tcp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// peek looks for a byte on the socket without taking it and without waiting. nil with no byte is the end of the stream,
// EAGAIN that nothing is there. unix.Recvfrom does the same, but allocates room for an address.
func peek(fd uintptr, b *[1]byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(b)), uintptr(len(b)), unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
