package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// freePort returns a TCP port that nobody listens on at any of the addresses
// (127.0.0.1 when none is given). It is below the range from which the kernel
// takes the local ports of outgoing connections: one of those could otherwise
// move in before the process that the port is meant for has bound it.
func freePort(t *testing.T, addresses ...string) int {
	t.Helper()
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1"}
	}
	for range 100 {
		port := 20000 + rand.IntN(10000)
		if isFree(port, addresses) {
			return port
		}
	}
	t.Fatalf("no free port between 20000 and 30000 on %v", addresses)
	return 0
}

// isFree reports whether port can be bound at every address now.
func isFree(port int, addresses []string) bool {
	for _, address := range addresses {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, port))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}
