package socket

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Forever is a timeout of Wait that never ends.
const Forever time.Duration = -1

// A Poller waits on many sockets at once. It reports a socket once for each change (edge-triggered), so its user reads
// and writes until ErrAgain or, when reading, until less came than was asked for. Not safe for concurrent use.
type Poller struct {
	fd     int
	events [256]unix.EpollEvent
	ready  [256]int
	coarse bool // the kernel is older than epoll_pwait2 (5.11): timeouts in milliseconds
}

// NewPoller makes an empty poller. It binds the calling goroutine to its thread and asks the kernel for timers of that
// thread that are late by a microsecond at most, not by the usual fifty.
func NewPoller() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open an epoll instance: %w", err)
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("set the timer slack: %w", err)
	}
	return &Poller{fd: fd}, nil
}

// Add watches a socket for reading, writing and its end. Closing the socket ends it.
func (p *Poller) Add(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | edgeTriggered, Fd: int32(fd)}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("watch a socket: %w", err)
	}
	return nil
}

// edgeTriggered is EPOLLET, which the package unix has as a negative number.
const edgeTriggered = 1 << 31

// Wait returns the sockets on which something has changed, at most timeout later; none when the time is over. The slice
// is valid until the next call.
func (p *Poller) Wait(timeout time.Duration) ([]int, error) {
	n, err := p.wait(timeout)
	if err != nil {
		return nil, fmt.Errorf("wait for sockets: %w", err)
	}
	for i := range n {
		p.ready[i] = int(p.events[i].Fd)
	}
	return p.ready[:n], nil
}

func (p *Poller) wait(timeout time.Duration) (int, error) {
	if p.coarse {
		return p.waitMillis(timeout)
	}
	var until *unix.Timespec
	if timeout >= 0 {
		until = &unix.Timespec{Sec: int64(timeout / time.Second), Nsec: int64(timeout % time.Second)}
	}
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
		uintptr(len(p.events)), uintptr(unsafe.Pointer(until)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	case syscall.ENOSYS:
		p.coarse = true
		return p.waitMillis(timeout)
	default:
		return 0, errno
	}
}

func (p *Poller) waitMillis(timeout time.Duration) (int, error) {
	millis := -1
	if timeout >= 0 {
		millis = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(p.fd, p.events[:], millis)
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}

// Close ends the poller; the sockets stay open.
func (p *Poller) Close() { unix.Close(p.fd) }
