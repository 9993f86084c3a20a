package proxy

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOutOfDescriptors lets the process run out of open files: nothing ends, what is refused may be sent again, clients
// wait, and when files are to be had once more all of them are served.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	u := startScripted(t, healthy)
	g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
	early := g.caller(t)
	if got := early.ask(push("samples")); got.status != 200 {
		t.Fatal(got)
	}

	// These clients are connected by the kernel before the gateway has the files to accept them.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	waiting := &gateway{Proxy: g.Proxy, addr: ln.Addr().String()}
	var clients []*caller
	for range 40 {
		clients = append(clients, waiting.caller(t))
	}
	leaveDescriptors(t, 5)
	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	eventually(t, "an Accept has failed", func() bool { return g.metric("headgate_accept_errors_total") != "0" })
	if got := early.ask(push("samples")); got.status != 200 && got.status != 503 {
		t.Errorf("without a file for an upstream connection: %v", got)
	}

	for _, c := range clients[:20] {
		c.Close()
	}
	for i, c := range clients[20:] {
		eventually(t, fmt.Sprintf("client %d is served", i), func() bool {
			got := c.ask(push("samples"))
			if got.status != 200 && got.status != 503 {
				t.Fatal(got)
			}
			return got.status == 200
		})
	}
	g.Unserve(ln)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// leaveDescriptors lowers the limit of this process so far that so many more files can be opened.
func leaveDescriptors(t *testing.T, free int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	open := make(map[string]bool)
	for _, e := range entries {
		open[e.Name()] = true
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for limit.Cur = 0; free > 0; limit.Cur++ {
		if !open[strconv.FormatUint(limit.Cur, 10)] {
			free--
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}
