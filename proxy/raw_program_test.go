package proxy

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestRawRequestsThroughTheProgram sends the raw requests of both case files to the program as it is built and
// configured for users, one gateway and one recording upstream for each worker.
func TestRawRequestsThroughTheProgram(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "headgate")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/headgate").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	type place struct {
		addr     string
		upstream *recorder
	}
	free := make(chan place, rawWorkers)
	for range rawWorkers {
		upstream := startRecorder(t, nil)
		free <- place{startProgram(t, bin, upstream.addr), upstream}
	}
	cases := append(readRawCases(t, "testdata/raw-http.jsonl"), readRawCases(t, "testdata/raw-http-more.jsonl")...)
	runRawCases(t, cases, rawWorkers, func(t *testing.T, c *rawCase) {
		p := <-free
		p.upstream.forget()
		v := exchangeCase(t, "tcp", p.addr, c)
		checkRawCase(t, c, v, p.upstream.requests())
		free <- p
	})
}

// passedSocket listens on a free port, for a program to be started with, as systemd passes sockets (sd_listen_fds(3)): a
// port that is given up for the program to take may be somebody else's by then.
func passedSocket(t *testing.T) (addr string, socket *os.File) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the file is a socket of its own
	socket, err = listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() }) //nolint:errcheck // the program has its own
	return listener.Addr().String(), socket
}

// startProgram runs the gateway before an upstream until the test ends, and returns its address.
func startProgram(t *testing.T, bin, upstream string) string {
	t.Helper()
	addr, forClients := passedSocket(t)
	admin, forAdmin := passedSocket(t)
	config := filepath.Join(t.TempDir(), "headgate.toml")
	text := fmt.Sprintf(`
[server]
listen = %q
drain_delay = "0s"
[admin]
listen = %q
[upstreams.all]
url = "http://%s"
[[tenants]]
id = "tenant-a"
username = "tenant-a"
password = "secret"
[[tenants]]
id = "tenant-b"
username = "tenant-b"
password = "secret"
`, addr, admin, upstream)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" run --config "$1"`, bin, config)
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2")
	cmd.ExtraFiles = []*os.File{forClients, forAdmin}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // Wait tells
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		resp, err := http.Get("http://" + admin + "/ready")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				tick.Stop()
				return addr
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the program is not ready: %v", err)
		}
	}
}
