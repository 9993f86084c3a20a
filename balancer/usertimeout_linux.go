package balancer

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout ends the connection when sent bytes stay unacknowledged for d. A kernel that refuses leaves the
// connection good, only slower to notice a dead machine, so that is no error.
func setUserTimeout(raw syscall.RawConn, d time.Duration) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}
