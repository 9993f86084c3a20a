package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// gateway is a Proxy on a loopback socket before recording upstreams, for two tenants whose password is "secret".
type gateway struct {
	*Proxy
	addr string
	set  *metrics.Set
	log  *lockedBuffer
}

// lockedBuffer collects log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	basicA = "Basic dGVuYW50LWE6c2VjcmV0" // tenant-a:secret
	basicB = "Basic dGVuYW50LWI6c2VjcmV0"
)

// testCredentials knows tenant-a and tenant-b, and reader-a, who may only read.
func testCredentials(t testing.TB) *authcache.Cache {
	t.Helper()
	cache := authcache.New(authcache.Options{})
	t.Cleanup(cache.Close)
	all := authcache.Write | authcache.Read | authcache.Rules | authcache.Alerts
	entry := func(user, tenant string, scopes authcache.Scope) authcache.Entry {
		return authcache.Entry{
			Identity: &authcache.Identity{Tenant: tenant, Client: user, Scopes: scopes},
			Scheme:   authcache.Basic, User: user, Password: "secret", Where: user,
		}
	}
	_, err := cache.Replace("test", []authcache.Entry{
		entry("tenant-a", "tenant-a", all), entry("tenant-b", "tenant-b", all),
		entry("reader-a", "tenant-a", authcache.Read),
	})
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// testPool balances over fixed addresses.
func testPool(t testing.TB, addrs ...string) *balancer.Pool {
	t.Helper()
	return testPoolWith(t, nil, addrs...)
}

// testPoolWith is testPool with a change of its options.
func testPoolWith(t testing.TB, change func(*balancer.Options), addrs ...string) *balancer.Pool {
	t.Helper()
	o := balancer.Options{
		Name: "test", ConnectTimeout: 2 * time.Second, IdleTimeout: 100 * time.Millisecond, MaxConnections: 512,
		QueueTimeout: time.Second, RefreshInterval: time.Hour, MaxFails: 3, FailTimeout: 5 * time.Second,
	}
	for _, addr := range addrs {
		_, target, err := balancer.ParseURL("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		o.Targets = append(o.Targets, target)
	}
	if change != nil {
		change(&o)
	}
	pool := balancer.New(o, nil)
	t.Cleanup(pool.Close)
	return pool
}

// testRoutes are routes of every scope to one pool; change may alter each of them.
func testRoutes(pool *balancer.Pool, change func(*Route)) []Route {
	routes := []Route{
		{Path: "/api/v1/push", Methods: []string{"POST"}, Scope: authcache.Write, Retries: 2},
		{Path: "/api/v1/otlp/v1/metrics", Methods: []string{"POST"}, Scope: authcache.Write, Retries: 2},
		{Path: "/prometheus", Prefix: true, Scope: authcache.Read, Retries: 1, Federated: true},
		{Path: "/api/v1/rules", Prefix: true, Methods: []string{"GET"}, Scope: authcache.Read, Retries: 1},
		{Path: "/api/v1/rules", Prefix: true, Methods: []string{"POST", "DELETE"}, Scope: authcache.Rules, Retries: 1},
		{Path: "/old", Prefix: true, Scope: authcache.Read, HasRewrite: true, Rewrite: "/new"},
		{Path: "/ring", Scope: authcache.Operator},
	}
	for i := range routes {
		r := &routes[i]
		r.Upstream, r.Component, r.Pool, r.Host = "test", "distributor", pool, "cortex.test"
		r.Timeout, r.ReadTimeout, r.WriteTimeout = 10*time.Second, 5*time.Second, 5*time.Second
		r.ConnectTimeout, r.BodyTimeout = 2*time.Second, 5*time.Second
		r.RetryBodySize, r.MaxBodySize = 1<<20, 100<<20
		if change != nil {
			change(r)
		}
	}
	return routes
}

// startGateway serves routes on a loopback socket until the test ends.
func startGateway(t testing.TB, routes []Route) *gateway {
	t.Helper()
	return startGatewayWith(t, routes, Options{
		HeaderTimeout: 2 * time.Second, IdleTimeout: 10 * time.Second, MaxHeaderSize: 16 << 10,
	})
}

// noPipes is for Options.Pipes where large bodies are to pass through memory.
const noPipes = -1

func startGatewayWith(t testing.TB, routes []Route, o Options) *gateway {
	t.Helper()
	log := &lockedBuffer{}
	if o.Pipes == 0 {
		o.Pipes = 64
	}
	o.Metrics = metrics.NewSet()
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := New(o)
	snapshot, err := Compile(Settings{
		Routes: routes, RulePrefixes: []string{"/api/v1/rules/"}, Credentials: testCredentials(t), Realm: "headgate",
		HealthPath: "/healthz", WriteTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Use(snapshot)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Shutdown(ctx) //nolint:errcheck // tests leave requests behind
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &gateway{Proxy: p, addr: ln.Addr().String(), set: o.Metrics, log: log}
}

// talk sends raw bytes and returns everything that comes back until the gateway closes or is silent after an answer.
func (g *gateway) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// received is one request as an upstream saw it.
type received struct {
	line     string
	fields   []string // raw lines
	body     string
	complete bool
	trailers []string
}

func (r *received) values(name string) (values []string) {
	for _, line := range r.fields {
		key, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(key, name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// tenants are the values of everything that reads as the tenant header.
func (r *received) tenants() (values []string) {
	for _, line := range append(r.fields, r.trailers...) {
		key, value, _ := strings.Cut(line, ":")
		if strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key)) == "xscopeorgid" {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// recorder is an upstream that keeps what it is sent, byte for byte, read by an HTTP parser that is not ours.
type recorder struct {
	addr string
	mu   sync.Mutex
	got  []*received

	// answer gives the whole answer to a complete request; nil: 200 with no body.
	answer func(*received) string
	conns  int
}

func startRecorder(t testing.TB, answer func(*received) string) *recorder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{addr: ln.Addr().String(), answer: answer}
	var open sync.WaitGroup
	conns := make(map[net.Conn]bool)
	t.Cleanup(func() {
		ln.Close()
		r.mu.Lock()
		for c := range conns {
			c.Close()
		}
		r.mu.Unlock()
		open.Wait()
	})
	open.Add(1)
	go func() {
		defer open.Done()
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			conns[c] = true
			r.conns++
			r.mu.Unlock()
			open.Add(1)
			go func() {
				defer open.Done()
				r.serve(c)
				c.Close()
			}()
		}
	}()
	return r
}

func (r *recorder) requests() []*received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*received(nil), r.got...)
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = nil
}

func (r *recorder) serve(c net.Conn) {
	br := bufio.NewReader(c)
	for {
		req := &received{}
		line, err := br.ReadString('\n')
		if err != nil {
			return
		}
		req.line = strings.TrimSuffix(line, "\r\n")
		r.mu.Lock()
		r.got = append(r.got, req)
		r.mu.Unlock()
		if err := r.read(br, req); err != nil {
			return
		}
		r.mu.Lock()
		req.complete = true
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		if r.answer != nil {
			answer = r.answer(req)
		}
		r.mu.Unlock()
		if _, err := io.WriteString(c, answer); err != nil || strings.Contains(answer, "Connection: close") {
			return
		}
	}
}

func (r *recorder) read(br *bufio.Reader, req *received) error {
	length, chunked := int64(0), false
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimSuffix(line, "\r\n")
		if line == "" {
			break
		}
		r.mu.Lock()
		req.fields = append(req.fields, line)
		r.mu.Unlock()
		key, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(key) {
		case "content-length":
			if length, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64); err != nil {
				return err
			}
		case "transfer-encoding":
			chunked = true
		}
	}
	var body []byte
	var err error
	if chunked {
		if body, err = io.ReadAll(httputil.NewChunkedReader(br)); err == nil {
			for line := ""; err == nil && line != "\r\n"; {
				if line, err = br.ReadString('\n'); line != "\r\n" {
					req.trailers = append(req.trailers, line)
				}
			}
		}
	} else {
		var whole bytes.Buffer // grows with what comes: a length may be a lie
		_, err = io.CopyN(&whole, br, length)
		body = whole.Bytes()
	}
	r.mu.Lock()
	req.body = string(body)
	r.mu.Unlock()
	return err
}

// push is a raw push of tenant-a.
func push(body string) string {
	return fmt.Sprintf("POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s",
		basicA, len(body), body)
}

// query is a raw query of tenant-a.
const query = "GET /prometheus/api/v1/query?query=up HTTP/1.1\r\nHost: gw.test\r\nAuthorization: " + basicA + "\r\n\r\n"
