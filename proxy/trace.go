package proxy

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/headgate/headgate/balancer"
)

// Tracing says which requests leave spans: one of the request, one of the authentication, one of each attempt. With it
// every request goes upstream with the trace that it belongs to, sampled or not.
type Tracing struct {
	Tracer      trace.Tracer // records every span that it is asked for; nil: requests leave none, and trace headers pass as they are
	SampleRatio float64      // of the requests that no trusted proxy has decided about, 0 to 1
}

// requestTrace is the trace of the request under way.
type requestTrace struct {
	traceContext              // as the upstream gets it
	continued    bool         // the sender began it
	tracer       trace.Tracer // nil: not sampled, and so there are no spans
	ctx          context.Context
	request      trace.Span
	places       spanPlaces // in the head for upstream
}

// startTrace continues the trace of the sender, or begins one. Whether there will be spans is decided here, before
// anything is made for them: by a trusted proxy if one has, else by chance. What others say would let them fill our
// disks, and so would a choice by the ID of the trace, which is theirs as well.
func (x *exchange) startTrace() {
	tracing := &x.snapshot.tracing
	if tracing.Tracer == nil {
		return
	}
	t := &x.conn.trace
	x.trace = t
	sent, continued := x.sentTrace()
	t.continued = continued
	if sampled := rand.Float64() < tracing.SampleRatio; !continued || !x.trusted {
		sent.sampled = sampled
	}
	if !continued {
		binary.BigEndian.PutUint64(sent.trace[:], rand.Uint64())
		binary.BigEndian.PutUint64(sent.trace[8:], rand.Uint64()|1) // never all zeros
		binary.BigEndian.PutUint64(sent.span[:], rand.Uint64()|1)
	}
	t.traceContext = sent
	if !sent.sampled {
		return
	}
	parent := trace.SpanContextConfig{TraceID: sent.trace, SpanID: sent.span, TraceFlags: trace.FlagsSampled, Remote: true}
	if !continued {
		parent = trace.SpanContextConfig{}
	}
	t.tracer = tracing.Tracer
	t.ctx, t.request = t.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(parent)),
		"request", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.conn.Began()))
	made := t.request.SpanContext()
	t.trace, t.span = made.TraceID(), made.SpanID()
}

// authenticateTraced is authenticate, with its span.
func (x *exchange) authenticateTraced() *failure {
	if x.trace == nil || x.trace.tracer == nil {
		return x.authenticate()
	}
	_, span := x.trace.tracer.Start(x.trace.ctx, "authenticate")
	f := x.authenticate()
	span.SetAttributes(attribute.String("headgate.auth.scheme", x.sender.scheme.String()), attribute.String("headgate.auth.verdict", x.sender.verdict.String()))
	endSpan(span, f)
	return f
}

// attemptTraced is attempt, with its span, which is the one that the upstream gets to know.
func (x *exchange) attemptTraced(host *balancer.Host) (outcome, *failure) {
	if x.trace == nil || x.trace.tracer == nil {
		return x.attempt(host)
	}
	_, span := x.trace.tracer.Start(x.trace.ctx, "attempt", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("server.address", host.Addr()), attribute.String("headgate.upstream", x.route.Upstream)))
	x.trace.places.put(x.out.bytes, span.SpanContext().SpanID())
	o, f := x.attempt(host)
	if o == answered && x.status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", x.status))
	}
	endSpan(span, f)
	return o, f
}

// endSpan ends the span of a step; f is why the request did not go on, or nil.
func endSpan(span trace.Span, f *failure) {
	if f != nil {
		span.SetAttributes(attribute.String("error.type", f.Reason))
		span.SetStatus(codes.Error, f.detail)
	}
	span.End()
}

// appendTrace appends the headers that tell the upstream of the trace.
func (x *exchange) appendTrace(b []byte) []byte {
	b, x.trace.places = x.trace.appendTo(b)
	return b
}

// endTrace ends the span of the request, and forgets the trace.
func (x *exchange) endTrace() {
	t := x.trace
	if t == nil {
		return
	}
	if t.tracer != nil {
		x.describe(t.request)
		t.request.End()
	}
	*t = requestTrace{}
	x.trace = nil
}

// describe says in a span what the request was, as OpenTelemetry's conventions for HTTP call it.
func (x *exchange) describe(span trace.Span) {
	method := "HTTP"
	if methodIndex(x.head.Method) < len(knownMethods) {
		method = string(x.head.Method)
	}
	name := method
	attributes := append(make([]attribute.KeyValue, 0, 16),
		attribute.String("http.request.method", method),
		attribute.String("url.path", string(x.head.Path)),
		attribute.String("client.address", x.clientText()),
		attribute.Int64("http.request.body.size", x.received),
		attribute.Int64("http.response.size", x.sent),
		attribute.String("headgate.request_id", string(x.id)),
		attribute.Int("headgate.attempts", x.attempts),
	)
	if x.status != 0 {
		attributes = append(attributes, attribute.Int("http.response.status_code", x.status))
	}
	if x.route != nil {
		route := x.route.pattern()
		attributes = append(attributes, attribute.String("http.route", route), attribute.String("headgate.upstream", x.route.Upstream))
		name += " " + route
	}
	if x.identity != nil {
		attributes = append(attributes, attribute.String("headgate.tenant", x.tenant), attribute.String("headgate.client", x.identity.Client))
	}
	if x.failure != nil {
		attributes = append(attributes, attribute.String("error.type", x.failure.Reason))
	}
	if x.failed() && (x.status >= 500 || x.status == 0) {
		span.SetStatus(codes.Error, "")
	}
	span.SetName(name)
	span.SetAttributes(attributes...)
}

// traceID is the trace of the request for the log: also one that only passes through. It is empty when there is none.
func (x *exchange) traceID() string {
	if x.trace != nil {
		return hex.EncodeToString(x.trace.trace[:])
	}
	if sent, ok := x.sentTrace(); ok {
		return hex.EncodeToString(sent.trace[:])
	}
	return ""
}
