//go:build !race

package proxy

import (
	"bytes"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// pushAllocations is how many allocations of the whole process each push costs in steady state.
func pushAllocations(t testing.TB, g *gateway, pushes int) float64 {
	t.Helper()
	raw := prometheusPush(append(bytes.Repeat([]byte("x"), 1<<10), endOfPush...))
	client, answer := g.caller(t), make([]byte, 4<<10)
	var before, after runtime.MemStats
	for i := range pushes + 100 {
		if i == 100 {
			runtime.ReadMemStats(&before)
		}
		if _, err := client.Write(raw); err != nil {
			t.Fatal(err)
		}
		if n, err := client.Conn.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
			t.Fatalf("%q, %v", answer[:n], err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(pushes)
}

// TestLogsThatSayNothingAllocateNothing: with the access log off and the audit log on, as they are by default, and with
// an access log whose sample leaves a request out.
func TestLogsThatSayNothingAllocateNothing(t *testing.T) {
	for name, access := range map[string]AccessLog{
		"off": {MaxPerSecond: 1000, Sample: 1}, "sampled out": {Enabled: true, Sample: 0, Query: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := startLogged(t, testRoutes(testPool(t, frugalUpstream(t)), nil), func(s *Settings) { s.Access = access })
			if each := pushAllocations(t, g.gateway, 10000); each > 0.5 { // the collector itself needs some
				t.Errorf("%.2f allocations for each push, want none", each)
			}
		})
	}
}

// BenchmarkAccessLine is what deciding about a line costs, and making it: formatted as JSON and thrown away.
func BenchmarkAccessLine(b *testing.B) {
	for name, access := range map[string]AccessLog{
		"off": {MaxPerSecond: 1000}, "sampled out": {Enabled: true}, "on": {Enabled: true, Sample: 1},
	} {
		b.Run(name, func(b *testing.B) {
			s := benchSnapshot(b)
			s.access, s.audit = access, true
			p := New(Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
			p.Use(s)
			c := &client{Conn: wire.NewConn(&canned{raw: prometheusPush(nil)}, &wire.Limits{MaxHeaderSize: 16 << 10})}
			var ctx fasthttp.RequestCtx
			ctx.Init2(c, silence{}, false)
			if _, err := c.Read(make([]byte, 4<<10)); err != nil {
				b.Fatal(err)
			}
			x := exchangeOf(&ctx)
			x.begin(p, &ctx)
			x.route, x.status = s.routes.all[0], 200
			x.identity = &authcache.Identity{Tenant: "team-a", Client: "prometheus-a", Scopes: authcache.Write}
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				x.logAccess(now, time.Millisecond)
				x.audit(now)
			}
		})
	}
}

// TestRequestsThatLeaveNoSpansAllocateNothing: with tracing off, and with tracing on for those that chance leaves out,
// which are most.
func TestRequestsThatLeaveNoSpansAllocateNothing(t *testing.T) {
	for name, tracing := range map[string]Tracing{"off": {}, "not sampled": {Tracer: noop.Tracer{}}} {
		t.Run(name, func(t *testing.T) {
			g := startLogged(t, testRoutes(testPool(t, frugalUpstream(t)), nil), func(s *Settings) {
				s.Access, s.Tracing = AccessLog{MaxPerSecond: 1000}, tracing
			})
			if each := pushAllocations(t, g.gateway, 10000); each > 0.5 { // the collector itself needs some
				t.Errorf("%.2f allocations for each push, want none", each)
			}
		})
	}
}
