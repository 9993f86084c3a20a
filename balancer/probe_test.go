package balancer

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBareProbeSendsNothing(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{})
	if err := h.keeper.Load().o.probe(t.Context(), h); err != nil {
		t.Errorf("probe: %v", err)
	}
	wantClosed(t, u.next(t))
	if open, _ := h.Connections(); open != 0 {
		t.Errorf("the probe left %d connections in the pool", open)
	}
	_ = u.Close()
	if err := h.keeper.Load().o.probe(t.Context(), h); err == nil {
		t.Error("a host that refuses passed the probe")
	}
}

func TestBareProbeOverTLSShakesHands(t *testing.T) {
	_, h := tlsHost(t, &tls.Config{}, &tls.Config{})
	if err := h.keeper.Load().o.probe(t.Context(), h); err != nil {
		t.Errorf("probe: %v", err)
	}
	u := listen(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(t, "127.0.0.1")}})
	h = hostOf(t, u, Options{TLS: &tls.Config{}})
	if err := h.keeper.Load().o.probe(t.Context(), h); err == nil {
		t.Error("a host with a certificate of a stranger passed the probe")
	}
}

func TestHealthProbeWants2xx(t *testing.T) {
	tests := []struct{ answer, want string }{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready", ""},
		{"HTTP/1.1 204 No Content\r\n\r\n", ""},
		{"HTTP/1.0 200 OK\n\n", ""},
		{"HTTP/1.1 200\r\n\r\n", ""},
		{"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", "302, want 2xx"},
		{"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503, want 2xx"},
		{"HTTP/1.1 2\r\n\r\n", "not HTTP/1"},
		{"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP/1"},
		{"HTTP/1.1 200 OK", "EOF"},
		{"", "EOF"},
		{strings.Repeat("x", 10_000), "buffer full"},
	}
	for _, tt := range tests {
		u := listen(t, "127.0.0.1:0", nil)
		h := hostOf(t, u, Options{Health: Health{
			Path: "/ready?deep", Host: "cortex.test", Timeout: 10 * time.Second, Interval: time.Hour,
		}})
		// The pool's own first probe comes at once.
		var wg sync.WaitGroup
		serve := func() {
			end := u.next(t)
			var head []string
			for lines := bufio.NewScanner(end); lines.Scan() && lines.Text() != ""; {
				head = append(head, lines.Text())
			}
			want := "GET /ready?deep HTTP/1.1|Host: cortex.test|User-Agent: headgate|Accept: */*|Connection: close"
			if got := strings.Join(head, "|"); got != want {
				t.Errorf("the probe was %q, want %q", got, want)
			}
			_, _ = io.WriteString(end, tt.answer)
			_ = end.(*net.TCPConn).CloseWrite()
		}
		wg.Go(serve)
		wg.Go(serve)
		err := h.keeper.Load().o.probe(t.Context(), h)
		wg.Wait()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("answer %.60q: error %v, want %q", tt.answer, err, tt.want)
		}
	}
}

func TestHealthProbeOfAHostThatHangsEnds(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	p := New(Options{Targets: []Target{u.target()}, Health: Health{Path: "/ready", Timeout: time.Millisecond}}, nil)
	defer p.Close()
	wantRequest(t, u.next(t))
	if err := p.o.probe(t.Context(), p.Hosts()[0]); err == nil {
		t.Error("a host that never answers passed the probe")
	}
}

func wantRequest(t *testing.T, end net.Conn) {
	t.Helper()
	if _, err := io.ReadAll(end); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("read: %v", err)
	}
}

func TestCloseCutsAProbe(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	secure := &tls.Config{}
	for name, o := range map[string]Options{
		"that waits for its answer":    {},
		"that waits for the handshake": {TLS: secure, ConnectTimeout: time.Hour},
	} {
		o.Targets = []Target{u.target()}
		o.Health = Health{Path: "/ready", Timeout: time.Hour}
		p := New(o, nil)
		end := u.next(t)
		if _, err := end.Read(make([]byte, 1)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p.Close() // or the test hangs
		if p.Hosts()[0].series.probes.Load() != 0 {
			t.Errorf("%s: the host was judged by a probe that was cut", name)
		}
	}
}
