package proxy

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// prometheusPush is a push as Prometheus sends it, with the body given.
func prometheusPush(body []byte) []byte {
	return fmt.Appendf(nil, "POST /api/v1/push HTTP/1.1\r\nHost: gw.test:8080\r\nUser-Agent: Prometheus/2.53.0\r\n"+
		"Content-Length: %d\r\nAuthorization: %s\r\nContent-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n"+
		"X-Prometheus-Remote-Write-Version: 0.1.0\r\n\r\n%s", len(body), basicA, body)
}

// canned is a connection on which the same request comes again and again, as soon as it is asked for.
type canned struct {
	net.Conn
	raw []byte
}

func (c *canned) Read(p []byte) (int, error)      { return copy(p, c.raw), nil }
func (c *canned) RemoteAddr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 40000} }
func (c *canned) SetReadDeadline(time.Time) error { return nil }

func benchSnapshot(t testing.TB) *Snapshot {
	t.Helper()
	s, err := Compile(Settings{
		Routes:      cortexRoutes(testPool(t, "127.0.0.1:1"), func(*Route) {}),
		Credentials: testCredentials(t), RulePrefixes: []string{"/api/v1/rules/"}, HealthPath: "/healthz",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// headPass gives what happens to the head of a push between the two sockets, credentials and match left out: it is read,
// checked line by line, filtered, and written for the upstream.
func headPass(t testing.TB, s *Snapshot) (pass func()) {
	t.Helper()
	p := New(Options{})
	p.Use(s)
	limits := &wire.Limits{MaxHeaderSize: 16 << 10}
	c := &client{Conn: wire.NewConn(&canned{raw: prometheusPush(nil)}, limits)}
	var ctx fasthttp.RequestCtx
	ctx.Init2(c, silence{}, false)
	identity := &authcache.Identity{Tenant: "team-a", Client: "prometheus-a", Scopes: authcache.Write}
	push, standIn := s.routes.all[0], make([]byte, 4<<10)
	return func() {
		if _, err := c.Read(standIn); err != nil {
			t.Fatal(err)
		}
		x := exchangeOf(&ctx)
		x.begin(p, &ctx)
		x.route, x.identity, x.tenant = push, identity, identity.Tenant
		if f := x.checkHead(); f != nil {
			t.Fatal(f)
		}
		if f := x.prepare(); f != nil {
			t.Fatal(f)
		}
		x.out.release()
		p.inFlight.Add(-1)
		c.End(c.Began()) // the clock is read when the answer is sent, and not again for the next request
	}
}

// BenchmarkHeadPass is the cost of a head, see headPass.
func BenchmarkHeadPass(b *testing.B) {
	pass := headPass(b, benchSnapshot(b))
	b.ReportAllocs()
	for b.Loop() {
		pass()
	}
}

var matchCases = []struct{ name, method, path string }{
	{"push", "POST", "/api/v1/push"},
	{"query", "GET", "/prometheus/api/v1/query"},
	{"below a prefix", "GET", "/prometheus/api/v1/label/job/values"},
	{"nothing", "GET", "/ingester/shutdown"},
}

// matcher gives the match of one request.
func matcher(s *Snapshot, method, path string) (match func() *route) {
	c := &client{}
	ctx := &fasthttp.RequestCtx{}
	ctx.Init2(c, silence{}, false)
	ctx.Request.Header.SetMethod(method)
	ctx.Request.SetRequestURI(path)
	return func() *route {
		c.exchange.route = nil
		s.routes.match(ctx)
		return c.exchange.route
	}
}

// BenchmarkMatch is the cost of finding a route.
func BenchmarkMatch(b *testing.B) {
	s := benchSnapshot(b)
	for _, c := range matchCases {
		b.Run(c.name, func(b *testing.B) {
			match := matcher(s, c.method, c.path)
			b.ReportAllocs()
			for b.Loop() {
				match()
			}
		})
	}
}
