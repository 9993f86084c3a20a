//go:build linux && !race

package tcp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// read is read(2) of a socket that does not block; b is not empty.
func read(fd uintptr, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// write is write(2) to a socket that does not block; b is not empty. Go ignores SIGPIPE but for standard output.
func write(fd uintptr, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
