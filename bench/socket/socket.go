package socket

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrAgain says that the socket has nothing to read, or no room to write, for now.
const ErrAgain = unix.EAGAIN

// Listen opens a listening socket on an IPv4 address and port (0: one that is free) and returns it with the address it
// really has. The queue of connections not yet accepted is as long as the kernel allows.
func Listen(addr netip.AddrPort) (int, netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, addr, fmt.Errorf("open a socket: %w", err)
	}
	fail := func(step string, err error) (int, netip.AddrPort, error) {
		unix.Close(fd)
		return 0, addr, fmt.Errorf("%s %s: %w", step, addr, err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fail("prepare", err)
	}
	if err := unix.Bind(fd, sockaddr(addr)); err != nil {
		return fail("bind", err)
	}
	if err := unix.Listen(fd, 65535); err != nil {
		return fail("listen on", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return fail("name", err)
	}
	in4, ok := bound.(*unix.SockaddrInet4)
	if !ok {
		return fail("name", unix.EAFNOSUPPORT)
	}
	return fd, netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port)), nil
}

// Accept takes the next connection of a listening socket, set not to block and not to wait for more before it sends. The
// error is ErrAgain when there is none.
func Accept(listener int) (int, error) {
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR || err == unix.ECONNABORTED {
			continue
		}
		if err != nil {
			return 0, err
		}
		return fd, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
}

// Connect opens a connection to an IPv4 address, waiting until the other kernel has taken it, and sets it not to block.
func Connect(addr netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open a socket: %w", err)
	}
	if err := connect(fd, addr); err != nil {
		unix.Close(fd)
		return 0, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return fd, nil
}

func connect(fd int, addr netip.AddrPort) error {
	for {
		err := unix.Connect(fd, sockaddr(addr))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	return unix.SetNonblock(fd, true)
}

func sockaddr(addr netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
}

// Read reads what has arrived into p. It returns 0 at the end of the stream, ErrAgain when nothing is there.
func Read(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_RECVFROM, fd, p, 0)
}

// Discard drops up to len(p) bytes that have arrived, without copying them: the kernel's MSG_TRUNC on a TCP socket. p is
// not written to. The results are those of Read.
func Discard(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_RECVFROM, fd, p, unix.MSG_TRUNC)
}

// Write sends as much of p as there is room for. It returns ErrAgain when there is none.
func Write(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_SENDTO, fd, p, unix.MSG_NOSIGNAL)
}

// transfer does not tell the scheduler of Go about the call: it never blocks.
func transfer(number uintptr, fd int, p []byte, flags uintptr) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, _, errno := syscall.RawSyscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, errno
		}
	}
}

// Close closes a socket.
func Close(fd int) { unix.Close(fd) }

// WaitReadable blocks until fd can be read, for at most millis milliseconds; WaitWritable until it can be written.
func WaitReadable(fd, millis int) error { return wait(fd, unix.POLLIN, millis) }

// WaitWritable is described at WaitReadable.
func WaitWritable(fd, millis int) error { return wait(fd, unix.POLLOUT, millis) }

func wait(fd int, events int16, millis int) error {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		n, err := unix.Poll(fds, millis)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("nothing happened on the connection for %d ms", millis)
		default:
			return nil
		}
	}
}
