package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// faultyTracer panics once in one of its spans, as the code around it might: at the beginning or the end.
type faultyTracer struct {
	noop.Tracer
	span   string
	atEnd  bool
	value  any
	sprung atomic.Bool
}

func (f *faultyTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if name == f.span && !f.atEnd {
		f.spring()
	}
	return ctx, &faultySpan{tracer: f, name: name}
}

func (f *faultyTracer) spring() {
	if f.sprung.CompareAndSwap(false, true) {
		panic(f.value)
	}
}

type faultySpan struct {
	noop.Span
	tracer *faultyTracer
	name   string
}

func (s *faultySpan) End(...trace.SpanEndOption) {
	if s.name == s.tracer.span && s.tracer.atEnd {
		s.tracer.spring()
	}
}

type fields struct{ secret string }

// TestAPanicEndsOneRequest: a bug of ours costs the request that met it, whose sender may send it again, and nothing
// else; what the panic carries may be anything, so none of it is told.
func TestAPanicEndsOneRequest(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-a-panic"
	values := map[string]any{
		"a text": canary, "an error": errors.New(canary), "bytes": []byte(canary), "fields": fields{canary},
		"a wrapped error": fmt.Errorf("%w: %s", context.Canceled, canary),
	}
	for _, c := range []struct {
		name   string
		span   string
		atEnd  bool
		scope  string
		status int
	}{
		{"before anybody is known", "authenticate", false, "read", 500},
		{"before anybody is known", "authenticate", false, "rules", 500},
		{"before anybody is known", "authenticate", false, "write", 503},
		{"before the upstream is asked", "attempt", false, "read", 500},
		{"before the upstream is asked", "attempt", false, "write", 503},
		{"behind the answer", "attempt", true, "read", 200},
		{"behind the answer", "attempt", true, "write", 200},
		{"when all is done", "request", true, "read", 200},
		{"when all is done", "request", true, "write", 200},
	} {
		for kind, value := range values {
			t.Run(fmt.Sprintf("%s/%s/%s", c.name, c.scope, kind), func(t *testing.T) {
				t.Parallel()
				u := startScripted(t, healthy)
				routes := testRoutes(testPool(t, u.addr), nil)
				g := startPatient(t, routes)
				s := settings(routes, testCredentials(t))
				s.Tracing = Tracing{Tracer: &faultyTracer{span: c.span, atEnd: c.atEnd, value: value}, SampleRatio: 1}
				s.Limits = Limits{MaxInFlight: 1, MaxInFlightReads: 1}
				g.use(t, s)
				client := g.caller(t)
				got := client.ask(requestOf(c.scope, "n", "samples"))
				if got.status != c.status || !got.whole {
					t.Errorf("client got %v: %s", got, got.body)
				}
				if c.status != 200 && (got.reason != "internal" || !got.last) {
					t.Errorf("client got %v: %s", got, got.body)
				}
				if c.status == 503 && got.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				eventually(t, "the request has ended", func() bool { return g.InFlight() == 0 })
				if n := g.metric("headgate_panics_total"); n != "1" {
					t.Errorf("%s panics are counted", n)
				}
				if again := g.ask(t, requestOf(c.scope, "m", "samples")); again.status != 200 {
					t.Errorf("the next request got %v: %s", again, again.body)
				}
				log := g.log.String()
				if !strings.Contains(log, "BUG:") {
					t.Error("the log does not tell of it")
				}
				var metrics strings.Builder
				g.set.WritePrometheus(&metrics)
				for where, text := range map[string]string{
					"the answer": got.body + fmt.Sprint(got.header), "the log": log, "the metrics": metrics.String(),
				} {
					if strings.Contains(text, canary) {
						t.Errorf("%s tells what the panic carries: %s", where, text)
					}
				}
			})
		}
	}
}

// TestAPanicOfTheRuntimeIsTold: its text is the runtime's own and says what is wrong.
func TestAPanicOfTheRuntimeIsTold(t *testing.T) {
	t.Parallel()
	routes := testRoutes(testPool(t, startRefusing(t)), nil)
	g := startPatient(t, routes)
	s := settings(routes, testCredentials(t))
	s.Tracing = Tracing{Tracer: &brokenTracer{}, SampleRatio: 1}
	g.use(t, s)
	if got := g.ask(t, push("samples")); got.status != 503 || got.reason != "internal" {
		t.Errorf("client got %v: %s", got, got.body)
	}
	if log := g.log.String(); !strings.Contains(log, "interface conversion") || !strings.Contains(log, "brokenTracer") {
		t.Errorf("the log does not say what happened and where: %s", log)
	}
}

type brokenTracer struct{ noop.Tracer }

func (brokenTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if name == "authenticate" {
		_ = any(name).(int)
	}
	return ctx, noop.Span{}
}
