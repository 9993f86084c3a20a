package balancer

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDialedConnectionHasItsOptions(t *testing.T) {
	h := hostOf(t, listen(t, "127.0.0.1:0", nil), Options{UserTimeout: 7 * time.Second})
	c := acquire(t, h)
	raw, err := tcpOf(c.conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []struct {
		name                string
		level, option, want int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 7000},
	} {
		_ = raw.Control(func(fd uintptr) {
			got, err := unix.GetsockoptInt(int(fd), option.level, option.option)
			if err != nil || got != option.want {
				t.Errorf("%s = %d, %v; want %d", option.name, got, err, option.want)
			}
		})
	}
}
