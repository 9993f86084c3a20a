package load

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/socket"
	"github.com/headgate/headgate/bench/upstream"
)

func standIn(t *testing.T) netip.AddrPort {
	t.Helper()
	addr, err := upstream.Start()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func options(addr netip.AddrPort, pace Pace) Options {
	return Options{
		Addr: addr, Pace: pace, Rate: 2000, Connections: 8, Warmup: 20 * time.Millisecond,
		Duration: 100 * time.Millisecond, Grace: 10 * time.Second, Request: payload.Push("a", "Basic eDp5", make([]byte, 1000)),
	}
}

func run(t *testing.T, o Options) *Result {
	t.Helper()
	result, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Refused+result.Failures > 0 {
		t.Fatalf("%d refused, %d failed: %s", result.Refused, result.Failures, result.Trouble)
	}
	return result
}

func TestClosedLoop(t *testing.T) {
	addr := standIn(t)
	for name, request := range map[string][]byte{
		"small push":  payload.Push("a", "Basic eDp5", make([]byte, 1000)),
		"large push":  payload.Push("a", "Basic eDp5", make([]byte, 5<<20)),
		"small query": payload.Query("a", "Basic eDp5", payload.QueryPath(1024)),
		"large query": payload.Query("a", "Basic eDp5", payload.QueryPath(5<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			o := options(addr, Closed)
			o.Request = request
			o.Duration = 300 * time.Millisecond
			result := run(t, o)
			if result.Requests == 0 || result.Latency.TotalCount() != result.Requests {
				t.Errorf("%d requests, %d latencies: want the same number, above 0", result.Requests, result.Latency.TotalCount())
			}
		})
	}
}

func TestOpenLoopTimesEveryRequestThatWasDue(t *testing.T) {
	result := run(t, options(standIn(t), Open))
	// 100 ms at 2,000 a second. The window begins at any moment between two requests.
	if n := result.Latency.TotalCount(); n < 199 || n > 201 {
		t.Errorf("%d latencies, want 200", n)
	}
	if result.Late.TotalCount() != result.Latency.TotalCount() {
		t.Errorf("%d send times, %d latencies", result.Late.TotalCount(), result.Latency.TotalCount())
	}
}

func TestOpenLoopCountsFromWhenARequestWasDue(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	o := options(silent.Addr().(*net.TCPAddr).AddrPort(), Open)
	o.Grace = 50 * time.Millisecond
	result := run(t, o)
	// Only eight were sent, all before the window: the rest waited for a connection, which is the proxy's doing.
	if n := result.Latency.TotalCount(); n < 199 || n > 201 || result.Unfinished != n {
		t.Errorf("%d latencies, %d unfinished: want 200 of each", n, result.Unfinished)
	}
	if least := time.Duration(result.Latency.Min()); least < 49*time.Millisecond {
		t.Errorf("a request is %s old: want the 50ms of grace and more", least)
	}
}

func TestLoadAndUpstreamOnOneThread(t *testing.T) {
	poller, err := socket.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	server, err := upstream.Listen(poller, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pace := range []Pace{Closed, Open, Once} {
		o := options(server.Addr(), pace)
		o.Poller, o.Others, o.Connections = poller, server.Handle, 300
		if result := run(t, o); result.Requests == 0 {
			t.Errorf("%s: no request was answered", pace)
		}
	}
}

func TestOnceHoldsConnectionsOpen(t *testing.T) {
	o := options(standIn(t), Once)
	held := 0
	o.Started = func() error { held++; return nil }
	o.Ended = func() error { held++; return nil }
	result := run(t, o)
	if result.Requests != int64(o.Connections) || held != 2 {
		t.Errorf("%d requests, %d edges: want %d and 2", result.Requests, held, o.Connections)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	o := options(standIn(t), Closed)
	o.Request = payload.Query("a", "Basic eDp5", "/nothing")
	result, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Refused != result.Requests || result.Refused == 0 || result.Trouble != "answered 404" {
		t.Errorf("%d of %d refused, %q: want all, answered 404", result.Refused, result.Requests, result.Trouble)
	}
}

func TestAnswersInChunks(t *testing.T) {
	piece := strings.Repeat("x", 100_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	}))
	defer server.Close()
	o := options(netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://")), Closed)
	o.Request = payload.Query("a", "Basic eDp5", "/")
	o.Duration = 300 * time.Millisecond
	if result := run(t, o); result.Requests == 0 || result.Reconnects > 0 {
		t.Errorf("%d requests, %d new connections: want some and none", result.Requests, result.Reconnects)
	}
}

func TestConnectionsThatEndAreOpenedAgain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Connection", "close")
	}))
	defer server.Close()
	addr := netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
	if result := run(t, options(addr, Closed)); result.Reconnects < result.Requests {
		t.Errorf("%d requests, %d new connections: want one for each", result.Requests, result.Reconnects)
	}
}

func TestConnectionsThatBreakEndTheRun(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				bufio.NewReader(conn).ReadByte()
				conn.Close()
			}()
		}
	}()
	o := options(listener.Addr().(*net.TCPAddr).AddrPort(), Closed)
	o.Duration = time.Minute
	if _, err := Run(o); err == nil {
		t.Error("no error")
	}
}

func TestTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	large := strings.Repeat("x", 1<<20)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != 1<<20 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Length", "1048576")
		io.WriteString(w, large)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	defer server.Close()
	o := options(netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "https://")), Closed)
	o.TLS = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	o.Request = payload.Push("a", "Basic eDp5", []byte(large))
	o.Duration = 500 * time.Millisecond
	if result := run(t, o); result.Requests == 0 {
		t.Error("no request was answered")
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestOptionsAreChecked(t *testing.T) {
	good := options(netip.MustParseAddrPort("127.0.0.1:1"), Open)
	for name, spoil := range map[string]func(*Options){
		"no address":     func(o *Options) { o.Addr = netip.AddrPort{} },
		"IPv6":           func(o *Options) { o.Addr = netip.MustParseAddrPort("[::1]:1") },
		"no request":     func(o *Options) { o.Request = nil },
		"no connections": func(o *Options) { o.Connections = 0 },
		"no duration":    func(o *Options) { o.Duration = 0 },
		"no rate":        func(o *Options) { o.Rate = 0 },
		"unknown pace":   func(o *Options) { o.Pace = "fast" },
	} {
		o := good
		spoil(&o)
		if _, err := Run(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
