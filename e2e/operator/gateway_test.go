package operator

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds everything that a test waits for on the way; soon is what an
// open page may take to show what happens, which it asks for every 3 seconds.
const (
	patience = 30 * time.Second
	soon     = 10 * time.Second
)

// gateway is the built binary at work before two stand-ins for Cortex.
type gateway struct {
	url, admin string
	config     string
	folder     string // of its tenants
	hosts      []*httptest.Server
	hold       chan struct{} // queries for "hold" are answered when it is closed
	lines      chan string   // of its log
	end        func()        // tells it to stop, and waits
}

// inUse is the line of the log that says what is served.
type inUse struct {
	Msg    string   `json:"msg"`
	Listen []string `json:"listen"`
	Admin  []string `json:"admin"`
}

// headgateBinary is the built binary.
func headgateBinary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("HEADGATE_BIN")
	if bin == "" {
		bin = filepath.Join(repository, "bin", "headgate")
	}
	if _, err := os.Stat(bin); err != nil {
		missing(t, "no headgate at "+bin+"; run make build, or set HEADGATE_BIN")
	}
	return bin
}

// startGateway has two hosts, a certificate, and a dozen clients in a folder
// beside the two in its file.
func startGateway(t *testing.T) *gateway {
	t.Helper()
	bin, dir := headgateBinary(t), t.TempDir()
	g := &gateway{config: filepath.Join(dir, "headgate.toml"), folder: filepath.Join(dir, "tenants.d"), hold: make(chan struct{})}
	var urls []string
	for range 2 {
		host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Query().Get("query") == "hold" {
				select {
				case <-g.hold:
				case <-r.Context().Done():
				}
			}
			_, _ = io.WriteString(w, `{"status":"success"}`)
		}))
		t.Cleanup(host.Close)
		g.hosts = append(g.hosts, host)
		urls = append(urls, fmt.Sprintf("%q", host.URL))
	}
	writeCertificate(t, dir)
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		g.client(t, i)
	}
	text := `[server]
listen = "127.0.0.1:0"
drain_delay = "0s"
drain_timeout = "1s"
[server.tls]
listen = "127.0.0.1:0"
cert_file = "cert.pem"
key_file = "key.pem"
[admin]
listen = "127.0.0.1:0"
[auth]
tenants_dir = "tenants.d"
[upstreams.all]
urls = [` + strings.Join(urls, ", ") + `]
max_fails = 1
[[tenants]]
id = "team-a"
username = "prometheus-a"
password = "one"
[[tenants]]
id = "team-b"
username = "grafana-b"
password = "two"
`
	if err := os.WriteFile(g.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g.run(t, bin)
	return g
}

// client writes the file of one client of the folder.
func (g *gateway) client(t *testing.T, i int) {
	t.Helper()
	text := fmt.Sprintf("[[tenants]]\nid = \"team-%d\"\nusername = \"prometheus-%d\"\npassword = \"three\"\n", i, i)
	if err := os.WriteFile(filepath.Join(g.folder, fmt.Sprintf("%d.toml", i)), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeCertificate writes cert.pem and key.pem, good for a year.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (g *gateway) run(t *testing.T, bin string) {
	t.Helper()
	program := exec.Command(bin, "run", "--config", g.config)
	log, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	g.end = sync.OnceFunc(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		for range g.lines {
		}
		if err := program.Wait(); err != nil {
			t.Errorf("headgate: %v", err)
		}
	})
	t.Cleanup(g.end)
	g.lines = make(chan string, 1000)
	go func() {
		defer close(g.lines)
		for s := bufio.NewScanner(log); s.Scan(); {
			select {
			case g.lines <- s.Text():
			default: // nobody reads what comes after the start
			}
		}
	}()
	limit := time.After(patience)
	for {
		select {
		case line, ok := <-g.lines:
			if !ok {
				t.Fatal("headgate ended before it served")
			}
			var said inUse
			if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "configuration in use" {
				g.url, g.admin = "http://"+said.Listen[0], "http://"+said.Admin[0]
				return
			}
		case <-limit:
			t.Fatal("headgate does not say that it serves")
		}
	}
}

// send sends one request as a client and returns the status.
func (g *gateway) send(t *testing.T, method, path, user, password string) int {
	t.Helper()
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader("samples")
	}
	r, err := http.NewRequest(method, g.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// breakHost takes one of the hosts away and lets the gateway find out.
func (g *gateway) breakHost(t *testing.T) {
	t.Helper()
	g.hosts[0].Close()
	for range 4 {
		if status := g.send(t, "POST", "/api/v1/push", "prometheus-a", "one"); status != 200 {
			t.Errorf("a push with a host down: %d", status)
		}
	}
}
