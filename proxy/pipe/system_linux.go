package pipe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// openPipe opens a pipe that never waits. An unprivileged user may have 64 MiB in pipes (pipe(7), pipe-user-pages-soft);
// beyond that it is an error.
func openPipe(size int) (r, w int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return 0, 0, err
	}
	n, err := unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, size)
	if err == nil && n < size {
		err = syscall.ENOMEM
	}
	if err != nil {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
		return 0, 0, err
	}
	return fds[0], fds[1], nil
}

// openSink opens what swallows everything.
func openSink() (int, error) { return unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0) }

func closeFile(fd int) error { return unix.Close(fd) }

// splice moves up to limit bytes between two files of which one is a pipe, without waiting (splice(2)). The scheduler is
// not told: see package tcp of the balancer.
func splice(from, to, limit int) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0,
			uintptr(limit), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if errno != unix.EINTR {
			return result(n, errno)
		}
	}
}

// tee puts what is at the front of one pipe, up to limit bytes, at the end of another as well (tee(2)), like splice.
func tee(from, to, limit int) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_TEE, uintptr(from), uintptr(to), uintptr(limit), unix.SPLICE_F_NONBLOCK, 0, 0)
		if errno != unix.EINTR {
			return result(n, errno)
		}
	}
}

// result is a number of bytes or an error, never both.
func result(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// writable reports whether a pipe has a slot free.
func writable(fd int) bool {
	polled := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(polled[:], 0)
	return err != nil || n > 0
}
