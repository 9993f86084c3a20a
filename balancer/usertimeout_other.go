//go:build unix && !linux

package balancer

import (
	"syscall"
	"time"
)

// setUserTimeout does nothing: TCP_USER_TIMEOUT is Linux's. Keep-alive probes and read deadlines remain.
func setUserTimeout(syscall.RawConn, time.Duration) {}
