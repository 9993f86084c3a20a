package operator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds everything that a test waits for.
const patience = 30 * time.Second

// gateway is the built binary at work before two stand-ins for Cortex.
type gateway struct {
	url, admin string
	config     string
	hosts      []*httptest.Server
	lines      chan string // of its log
}

// inUse is the line of the log that says what is served.
type inUse struct {
	Msg    string   `json:"msg"`
	Listen []string `json:"listen"`
	Admin  []string `json:"admin"`
}

func startGateway(t *testing.T) *gateway {
	t.Helper()
	bin := os.Getenv("HEADGATE_BIN")
	if bin == "" {
		bin = filepath.Join(repository, "bin", "headgate")
	}
	if _, err := os.Stat(bin); err != nil {
		missing(t, "no headgate at "+bin+"; run make build, or set HEADGATE_BIN")
	}
	g := &gateway{config: filepath.Join(t.TempDir(), "headgate.toml"), lines: make(chan string, 1000)}
	var urls []string
	for range 2 {
		host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"status":"success"}`)
		}))
		t.Cleanup(host.Close)
		g.hosts = append(g.hosts, host)
		urls = append(urls, fmt.Sprintf("%q", host.URL))
	}
	text := `[server]
listen = "127.0.0.1:0"
drain_delay = "0s"
[admin]
listen = "127.0.0.1:0"
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
	t.Cleanup(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		for range g.lines {
		}
		if err := program.Wait(); err != nil {
			t.Errorf("headgate: %v", err)
		}
	})
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

// status is what of /status the tests look at.
type status struct {
	Version string `json:"version"`
	State   string `json:"state"`
	Clients int    `json:"clients"`

	Requests uint64 `json:"requests"`

	Config struct {
		SHA256 string `json:"sha256"`
	} `json:"config"`
	Upstreams []struct {
		Name  string `json:"name"`
		Hosts []struct {
			Address  string `json:"address"`
			State    string `json:"state"`
			Requests uint64 `json:"requests"`
		} `json:"hosts"`
	} `json:"upstreams"`
	Uses []struct {
		Route    string `json:"route"`
		Scope    string `json:"scope"`
		Requests uint64 `json:"requests"`
		Refused  uint64 `json:"refused"`
	} `json:"uses"`
	Tenants []struct {
		Tenant   string `json:"tenant"`
		Requests uint64 `json:"requests"`
	} `json:"tenants"`
	Sources []struct {
		Name        string `json:"name"`
		Credentials int    `json:"credentials"`
	} `json:"sources"`
	Credentials struct {
		Total int `json:"total"`
	} `json:"credentials"`
	Routes []struct {
		Path string `json:"path"`
	} `json:"routes"`
}

func (g *gateway) status(t *testing.T) status {
	t.Helper()
	answer, err := http.Get(g.admin + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var s status
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}
