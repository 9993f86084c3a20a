package e2e

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// passedSocket is a listening socket that this test keeps open, as systemd does
// for a unit with a .socket, and passes to one gateway after the other.
type passedSocket struct {
	file *os.File
	port int
}

// newPassedSocket listens until the test ends. Nothing accepts.
func newPassedSocket(t *testing.T) *passedSocket {
	t.Helper()
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // as systemd's are
	listener, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp := listener.(*net.TCPListener)
	file, err := tcp.File()
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close() // the file is a descriptor of its own
	t.Cleanup(func() { _ = file.Close() })
	return &passedSocket{file: file, port: tcp.Addr().(*net.TCPAddr).Port}
}

// pass makes cmd one that gets the socket by systemd's protocol: as descriptor
// 3, with the process's own ID in the environment, which only a shell that is
// replaced by the program can know.
func (s *passedSocket) pass(cmd *exec.Cmd) *exec.Cmd {
	shell := exec.Command("sh", append([]string{
		"-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=headgate exec "$0" "$@"`,
	}, cmd.Args...)...)
	shell.ExtraFiles = []*os.File{s.file}
	return shell
}

// TestPassedSocket restarts a gateway whose socket is passed to it, in both
// ways: the next one starts while the one before drains, and only when it has
// gone. No push fails and no connection is refused.
func TestPassedSocket(t *testing.T) {
	t.Parallel()
	upstream := startStandIn(t, "127.0.0.1", 0)
	socket := newPassedSocket(t)
	var gateways []*gateway
	for range 2 {
		gateways = append(gateways, newGateway(t, gatewayOptions{
			Upstreams: []string{upstream.url}, DrainDelay: "1s", LogLevel: "info", Socket: socket,
		}))
	}
	now, next := gateways[0], gateways[1]
	now.run(t)
	senders := startKeepAlive(t, now.host, now.as("prometheus-a"), load{Senders: 16})
	end := func(g *gateway) {
		t.Helper()
		g.end(t)
		if code := g.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("headgate ended with %s, want exit status 0", g.cmd.ProcessState)
		}
	}

	started, restarts := time.Now(), 0
	for again := true; again; again = time.Since(started) < soakLength(t, 0) {
		next.run(t)
		end(now)
		now, next = next, now

		end(now)
		now.run(t)
		restarts += 2
	}
	t.Logf("%d restarts under %d pushes", restarts, senders.noneFailed(t))
	end(now)
}
