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

// startProgram runs the gateway before an upstream until the test ends, and returns its address.
func startProgram(t *testing.T, bin, upstream string) string {
	t.Helper()
	addr, admin := unusedAddr(t), unusedAddr(t)
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
	cmd := exec.Command(bin, "run", "--config", config)
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

// unusedAddr is an address of loopback that nobody listens on at the moment.
func unusedAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
