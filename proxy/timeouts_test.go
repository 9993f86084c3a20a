package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headgate/headgate/balancer"
)

// short is a timeout that a test wants to see fire, ample one that fires after something else has happened, even on a
// machine with much else to do, and long one that must not fire.
const (
	short = 60 * time.Millisecond
	ample = 500 * time.Millisecond
	long  = time.Minute
)

// TestConnectionTimeouts: a client that is too slow with its head, or that sends none, is let go without a word, because
// a sender with a pool would take any word for the answer to its next push.
func TestConnectionTimeouts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options Options
		asks    string // a whole request first
		sends   string
	}{
		{"header_timeout in the request line", Options{HeaderTimeout: short, IdleTimeout: long}, "", "POST /api/v1/pu"},
		{"header_timeout in the fields", Options{HeaderTimeout: short, IdleTimeout: long}, "", "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuth"},
		{"header_timeout of a second request", Options{HeaderTimeout: short, IdleTimeout: long}, query, "POST"},
		{"idle_timeout before the first request", Options{HeaderTimeout: long, IdleTimeout: short}, "", ""},
		{"idle_timeout between two", Options{HeaderTimeout: long, IdleTimeout: ample}, query, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, healthy)
			c.options.MaxHeaderSize = 16 << 10
			g := startGatewayWith(t, testRoutes(testPool(t, u.addr), nil), c.options)
			client := g.caller(t)
			if c.asks != "" {
				if got := client.ask(c.asks); got.status != 200 {
					t.Fatal(got)
				}
			}
			if _, err := io.WriteString(client, c.sends); err != nil {
				t.Fatal(err)
			}
			if err := client.ended(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSlowDripOfAHeadIsTimedOut: bytes that keep coming do not move header_timeout.
func TestSlowDripOfAHeadIsTimedOut(t *testing.T) {
	t.Parallel()
	g := startGatewayWith(t, testRoutes(testPool(t, startRefusing(t)), nil),
		Options{HeaderTimeout: short, IdleTimeout: long, MaxHeaderSize: 16 << 10})
	client := g.caller(t)
	io.WriteString(client, "GET / HTTP/1.1\r\nX-A: ") //nolint:errcheck // the end tells
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if _, err := io.WriteString(client, "a"); err != nil {
			return
		}
	}
	t.Error("a head that never ends was waited for")
}

// TestBodyTimeouts: a body that does not arrive ends the connection without an answer. A small one has not touched an
// upstream by then, and that of a large one sees the end of its connection.
func TestBodyTimeouts(t *testing.T) {
	t.Parallel()
	head := fmt.Sprintf("POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\n", basicA)
	body := func(r *Route) { r.BodyTimeout, r.Timeout = short, long }
	total := func(r *Route) { r.BodyTimeout, r.Timeout = long, short }
	for _, c := range []struct {
		name     string
		limit    func(*Route)
		sends    string
		upstream int64 // connections
	}{
		{"small", body, head + "Content-Length: 10\r\n\r\nhello", 0},
		{"small, nothing of it", body, head + "Content-Length: 10\r\n\r\n", 0},
		{"small in chunks", body, head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0},
		{"in the size of a chunk", body, head + "Transfer-Encoding: chunked\r\n\r\n5", 0},
		{"in a trailer", body, head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-A", 0},
		{"waiting for 100 Continue", body, head + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", 0},
		{"large, waiting for 100 Continue", body, head + "Expect: 100-continue\r\nContent-Length: 300000\r\n\r\n", 0},
		{"medium", body, head + "Content-Length: 300000\r\n\r\n" + strings.Repeat("x", 150000), 1},
		{"large", body, head + "Content-Length: 10000000\r\n\r\n" + strings.Repeat("x", 100000), 1},
		{"large, hardly any of it", body, head + "Content-Length: 10000000\r\n\r\n" + strings.Repeat("x", 100), 0},
		{"large in chunks", body, head + "Transfer-Encoding: chunked\r\n\r\n1fffff\r\n" + strings.Repeat("x", 1<<20+1), 1},
		{"small, by the route's timeout", total, head + "Content-Length: 10\r\n\r\nhello", 0},
		{"large, by the route's timeout", total, head + "Content-Length: 10000000\r\n\r\n" + strings.Repeat("x", 100000), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, func(l *line) { l.hang() })
			g := startPatient(t, testRoutes(testPool(t, u.addr), c.limit))
			client := g.caller(t)
			if _, err := io.WriteString(client, c.sends); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.sends, "Expect") {
				if got := client.read("POST"); got.status != 100 {
					t.Fatal(got)
				}
			}
			if err := client.ended(); err != nil {
				t.Error(err)
			}
			eventually(t, "the request has ended", func() bool { return g.InFlight() == 0 })
			eventually(t, "the upstream connection has ended", func() bool { return u.closed.Load() >= c.upstream })
			if opened := u.opened.Load(); opened != c.upstream {
				t.Errorf("%d upstream connections, want %d", opened, c.upstream)
			}
			eventually(t, "the refusal is counted, once", func() bool { return g.refusals("body_timeout") == "1" })
		})
	}
}

// startDeaf gives an address whose connections are never made: its queue is full, so the kernel drops what asks for more.
func startDeaf(t testing.TB, _ wiring) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet4).Port)
	for range 10 {
		c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			return addr
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this kernel queues connections without end")
	return ""
}

// TestUpstreamTimeouts: each limit of a route fires on the host that it is about, and the answer says which it was.
func TestUpstreamTimeouts(t *testing.T) {
	t.Parallel()
	wired := wirings(t)
	without := func(r *Route) {
		r.Timeout, r.ReadTimeout, r.WriteTimeout, r.ConnectTimeout, r.BodyTimeout = 0, 0, 0, long, 0
	}
	for _, c := range []struct {
		name   string
		addr   func(testing.TB, wiring) string
		limit  func(*Route)
		raw    string
		status int
		reason string
	}{
		{
			"connect_timeout", startDeaf, func(r *Route) { r.ConnectTimeout = short },
			push("samples"), 503, "connect_failed",
		},
		{
			"read_timeout", stuckAt(""), func(r *Route) { r.ReadTimeout = short },
			push("samples"), 504, "upstream_timeout",
		},
		{
			"read_timeout between two reads", stuckAt("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"),
			func(r *Route) { r.ReadTimeout = short }, query, 504, "upstream_timeout",
		},
		{
			"write_timeout", deaf, func(r *Route) { r.WriteTimeout = short },
			requestOf("write", "n", strings.Repeat("x", largeSize)), 504, "upstream_timeout",
		},
		{
			"write_timeout of a small body", deaf, func(r *Route) { r.WriteTimeout, r.RetryBodySize = short, 1<<30 },
			requestOf("write", "n", strings.Repeat("x", largeSize)), 504, "upstream_timeout",
		},
		{"timeout before the answer", stuckAt(""), func(r *Route) { r.Timeout = short }, push("samples"), 504, "deadline"},
		{"timeout of a connect", startDeaf, func(r *Route) { r.Timeout = short }, push("samples"), 504, "deadline"},
		{
			"timeout in the answer", stuckAt("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"),
			func(r *Route) { r.Timeout = short }, query, 504, "deadline",
		},
		{
			"timeout of an answer that drips", func(t testing.TB, w wiring) string {
				return w.start(t, dripping("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")).addr
			},
			func(r *Route) { r.Timeout, r.ReadTimeout = 3*short, long }, query, 504, "deadline",
		},
		{
			"timeout while the body is sent", deaf, func(r *Route) { r.Timeout = ample },
			requestOf("write", "n", strings.Repeat("x", largeSize)), 504, "deadline",
		},
		{"timeout before read_timeout", stuckAt(""), func(r *Route) { r.Timeout, r.ReadTimeout = short, long }, query, 504, "deadline"},
		{"read_timeout before timeout", stuckAt(""), func(r *Route) { r.Timeout, r.ReadTimeout = long, short }, query, 504, "upstream_timeout"},
	} {
		for _, w := range wired {
			t.Run(c.name+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				g := startPatient(t, testRoutes(w.pool(t, nil, c.addr(t, w)), func(r *Route) { without(r); c.limit(r) }))
				got := g.ask(t, c.raw)
				if got.status != c.status || got.reason != c.reason || !got.whole {
					t.Errorf("client got %v: %s", got, got.body)
				}
				if got.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				eventually(t, "the refusal is counted, once", func() bool { return g.refusals(c.reason) == "1" })
			})
		}
	}
}

// TestAHostThatPausesGetsItsPush: a host that takes nothing for a while, as one does that compacts or collects garbage,
// and goes on before write_timeout has passed, gets the whole push, once.
func TestAHostThatPausesGetsItsPush(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"kept":     requestOf("write", "n", strings.Repeat("x", largeSize)),
		"streamed": largePush(false),
		"chunked":  largePush(true),
	} {
		for _, w := range wirings(t) {
			t.Run(name+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				u := w.start(t, func(l *line) {
					for l.head() {
						<-time.After(2 * slice)
						if l.body() {
							l.say(answerOK)
						}
					}
				})
				pool := w.pool(t, func(o *balancer.Options) { o.IdleTimeout = patience }, u.addr)
				g := startPatient(t, testRoutes(pool, func(r *Route) {
					r.Timeout, r.WriteTimeout, r.BodyTimeout = patience, patience, patience
					if name == "kept" {
						r.RetryBodySize = 1 << 30
					}
				}))
				client := g.caller(t)
				for range 2 {
					if got := client.ask(raw); got.status != 200 || got.reason != "" {
						t.Fatalf("client got %v: %s", got, got.body)
					}
				}
				if opened, seen := u.opened.Load(), u.seen.Load(); opened != 1 || seen != 2 {
					t.Errorf("%d requests on %d connections, want 2 on 1", seen, opened)
				}
			})
		}
	}
}

func stuckAt(raw string) func(testing.TB, wiring) string {
	return func(t testing.TB, w wiring) string { return w.start(t, stuck(raw)).addr }
}

// deaf is an upstream that takes connections and reads nothing.
func deaf(t testing.TB, w wiring) string { return w.start(t, func(l *line) { l.stall() }).addr }

// TestReadTimeoutCutsAStreamedAnswer: what has begun cannot become a 504, so it is cut.
func TestReadTimeoutCutsAStreamedAnswer(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*Route){
		"read_timeout": func(r *Route) { r.ReadTimeout, r.Timeout = ample, long },
		"timeout":      func(r *Route) { r.ReadTimeout, r.Timeout = long, ample },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, stuck(halfLarge))
			g := startPatient(t, testRoutes(testPool(t, u.addr), limit))
			if got := g.ask(t, query); got.status != 200 || got.whole {
				t.Errorf("client got %v", got)
			}
			eventually(t, "the upstream connection has ended", func() bool { return u.closed.Load() == 1 })
		})
	}
}

// TestClientWriteTimeout: a client that does not read its answer loses its connection, and the upstream gets its own back.
func TestClientWriteTimeout(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{
		"chunked":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
		"with a length": "HTTP/1.1 200 OK\r\nContent-Length: 268435455\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, func(l *line) {
				l.request()
				l.say(begin)
				for err, block := error(nil), strings.Repeat("x", 1<<20); err == nil; {
					_, err = io.WriteString(l, block)
				}
			})
			routes := testRoutes(testPool(t, u.addr), func(r *Route) { r.Timeout, r.ReadTimeout = 0, 0 })
			g := startPatient(t, routes)
			slow, err := Compile(Settings{Routes: routes, Credentials: testCredentials(t), WriteTimeout: short})
			if err != nil {
				t.Fatal(err)
			}
			g.Use(slow)
			client := g.caller(t)
			if _, err := io.WriteString(client, query); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the request has ended", func() bool { return u.closed.Load() == 1 && g.InFlight() == 0 })
			if n := g.metric("headgate_client_write_errors_total"); n != "1" {
				t.Errorf("%q write errors", n)
			}
			if got := client.read("GET"); got.whole {
				t.Errorf("the client got a complete message: %v", got)
			}
		})
	}
}
