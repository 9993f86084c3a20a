package main

import (
	"net/url"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConnectionsUpstreamHaveTheUserTimeout looks at the sockets of this process for the one to the upstream.
func TestConnectionsUpstreamHaveTheUserTimeout(t *testing.T) {
	cortex := holding(t)
	r := start(t, gate(everything(cortex.URL)+"write_timeout = \"23s\"\n"+tenant("team-a", "prometheus-a", "one")))
	answers := heldRequest(t, r, cortex)
	where, err := url.Parse(cortex.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(where.Port())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for fd := range 1024 {
		peer, err := unix.Getpeername(fd)
		to, isV4 := peer.(*unix.SockaddrInet4)
		if err != nil || !isV4 || to.Port != port {
			continue
		}
		found++
		if got, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil || got != 23000 {
			t.Errorf("TCP_USER_TIMEOUT is %d ms, %v; want 23000", got, err)
		}
	}
	if found == 0 {
		t.Error("no connection to the upstream was found")
	}
	close(cortex.hold)
	if a := <-answers; a.status != 200 {
		t.Errorf("the request that was held: %d %q", a.status, a.body)
	}
}
