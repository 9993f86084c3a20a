package proxy

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/propagators/jaeger"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const (
	sentTraceID = "0af7651916cd43dd8448eb211c80319c"
	sentSpanID  = "b7ad6b7169203331"
)

// startTraced is startLogged with spans that are kept.
func startTraced(t testing.TB, routes []Route, ratio float64, trusted bool) (*loggedGateway, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSampler(sdk.AlwaysSample()), sdk.WithSpanProcessor(spans))
	g := startLogged(t, routes, func(s *Settings) {
		s.Tracing = Tracing{Tracer: provider.Tracer("test"), SampleRatio: ratio}
		if trusted {
			s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
	})
	return g, spans
}

// named are the spans with a name.
func named(spans *tracetest.SpanRecorder, name string) (found []sdk.ReadOnlySpan) {
	for _, s := range spans.Ended() {
		if s.Name() == name {
			found = append(found, s)
		}
	}
	return found
}

func TestTracesGoOnUpstream(t *testing.T) {
	t.Parallel()
	const w3c, uber = "traceparent: 00-" + sentTraceID + "-" + sentSpanID, "uber-trace-id: " + sentTraceID + ":" + sentSpanID + ":0"
	for name, c := range map[string]struct {
		sent      string // header lines
		trusted   bool
		ratio     float64
		sampled   bool
		continued bool
		state     string // tracestate upstream
	}{
		"nothing sent, none wanted":                   {},
		"nothing sent, all wanted":                    {ratio: 1, sampled: true},
		"a stranger's sampled flag":                   {sent: w3c + "-01", continued: true},
		"a stranger's flag that is not set":           {sent: w3c + "-00", ratio: 1, sampled: true, continued: true},
		"a trusted sampled flag":                      {sent: w3c + "-01", trusted: true, sampled: true, continued: true},
		"a trusted flag that is not set":              {sent: w3c + "-00", trusted: true, ratio: 1, continued: true},
		"a trusted proxy that says nothing":           {trusted: true, ratio: 1, sampled: true},
		"a stranger's Jaeger flag":                    {sent: uber + ":1", continued: true},
		"a trusted Jaeger flag":                       {sent: uber + ":1", trusted: true, sampled: true, continued: true},
		"a trusted Jaeger flag, escaped":              {sent: "uber-trace-id: " + sentTraceID + "%3A" + sentSpanID + "%3a0%3A3", trusted: true, sampled: true, continued: true},
		"a stranger's debug flag":                     {sent: uber + ":3", continued: true},
		"both":                                        {sent: w3c + "-00\r\nuber-trace-id: 1:2:0:1", trusted: true, continued: true},
		"a broken one beside a good one":              {sent: "traceparent: 00-x\r\n" + uber + ":1", trusted: true, sampled: true, continued: true},
		"one twice":                                   {sent: w3c + "-01\r\n" + w3c + "-01\r\ntracestate: a=1", trusted: true},
		"state beside a trace":                        {sent: w3c + "-01\r\ntracestate: a=1,b=2", continued: true, state: "a=1,b=2"},
		"state without a trace":                       {sent: "tracestate: a=1"},
		"an ID of zeros":                              {sent: "traceparent: 00-00000000000000000000000000000000-" + sentSpanID + "-01", trusted: true},
		"a name that only reads alike to some others": {sent: "Uber_Trace_ID: " + sentTraceID + ":" + sentSpanID + ":0:1", trusted: true},
	} {
		u := startRecorder(t, nil)
		g, spans := startTraced(t, testRoutes(testPool(t, u.addr), nil), c.ratio, c.trusted)
		raw := query
		if c.sent != "" {
			raw = strings.Replace(query, "Host: gw.test\r\n", "Host: gw.test\r\n"+c.sent+"\r\n", 1)
		}
		if status := g.send(t, raw); status != 200 {
			t.Fatalf("%s: %d", name, status)
		}
		got := u.requests()[0]
		parents, ubers := got.values("traceparent"), got.values("uber-trace-id")
		if len(parents) != 1 || len(ubers) != 1 {
			t.Errorf("%s: traceparent %q, uber-trace-id %q, want one of each", name, parents, ubers)
			continue
		}
		var id, span, flags string
		if n, err := fmt.Sscanf(strings.ReplaceAll(parents[0], "-", " "), "00 %32s %16s %2s", &id, &span, &flags); n != 3 || err != nil {
			t.Errorf("%s: traceparent is %q", name, parents[0])
			continue
		}
		if want := fmt.Sprintf("%s:%s:0:%s", id, span, flags[1:]); ubers[0] != want {
			t.Errorf("%s: uber-trace-id is %q, want %q", name, ubers[0], want)
		}
		if sampled := flags == "01"; sampled != c.sampled || !sampled && flags != "00" {
			t.Errorf("%s: flags are %s", name, flags)
		}
		if (id == sentTraceID) != c.continued {
			t.Errorf("%s: the trace is %s", name, id)
		}
		if !c.sampled && c.continued && span != sentSpanID {
			t.Errorf("%s: the span is %s, want the sender's, since there is none of ours", name, span)
		}
		if state := strings.Join(got.values("tracestate"), ","); state != c.state {
			t.Errorf("%s: tracestate is %q, want %q", name, state, c.state)
		}
		if line := ended(t, g, g.lines, isAccess)[0]; line["trace"] != id {
			t.Errorf("%s: the access log has trace %v, the upstream got %s", name, line["trace"], id)
		}
		if !c.sampled {
			if n := len(spans.Ended()) + len(spans.Started()); n > 0 {
				t.Errorf("%s: there are %d spans", name, n)
			}
			continue
		}
		request, authenticate, attempt := named(spans, "GET /prometheus/*"), named(spans, "authenticate"), named(spans, "attempt")
		if len(request) != 1 || len(authenticate) != 1 || len(attempt) != 1 || len(spans.Ended()) != 3 {
			t.Errorf("%s: spans %v", name, spans.Ended())
			continue
		}
		above := request[0].SpanContext().SpanID()
		if attempt[0].SpanContext().SpanID().String() != span || attempt[0].Parent().SpanID() != above || authenticate[0].Parent().SpanID() != above {
			t.Errorf("%s: the spans do not hang together", name)
		}
		if parent := request[0].Parent(); parent.IsValid() != c.continued || c.continued && parent.SpanID().String() != sentSpanID {
			t.Errorf("%s: the parent of the request is %v", name, parent)
		}
		for _, s := range spans.Ended() {
			if s.SpanContext().TraceID().String() != id {
				t.Errorf("%s: span %s is of trace %s, the upstream got %s", name, s.Name(), s.SpanContext().TraceID(), id)
			}
		}
	}
}

// TestWithoutTracingTraceHeadersPassAsTheyAre: byte for byte, however many, good or not.
func TestWithoutTracingTraceHeadersPassAsTheyAre(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startLogged(t, testRoutes(testPool(t, u.addr), nil), nil)
	lines := []string{"TraceParent: 00-" + sentTraceID + "-" + sentSpanID + "-01", "traceparent: junk", "tracestate: a=1", "Uber-Trace-Id: 1:2:3:4"}
	g.send(t, strings.Replace(query, "Host: gw.test\r\n", "Host: gw.test\r\n"+strings.Join(lines, "\r\n")+"\r\n", 1))
	var got []string
	for _, line := range u.requests()[0].fields {
		if low := strings.ToLower(line); strings.HasPrefix(low, "trace") || strings.HasPrefix(low, "uber") {
			got = append(got, line)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(lines) {
		t.Errorf("the upstream got %q, want %q", got, lines)
	}
	ended(t, g, g.lines, isAccess)
	u.forget()
	g.lines.reset()
	g.send(t, strings.Replace(query, "Host: gw.test\r\n", "Host: gw.test\r\nuber-trace-id: "+sentTraceID+":1:0:1\r\n", 1))
	ended(t, g, g.lines, isAccess)
	g.send(t, query)
	seen := ended(t, g, g.lines, isAccess)
	if seen[0]["trace"] != sentTraceID || seen[1]["trace"] != nil {
		t.Errorf("traces in the access log: %v and %v", seen[0]["trace"], seen[1]["trace"])
	}
	if n := len(u.requests()[1].values("traceparent")); n != 0 {
		t.Errorf("%d traceparent of our own", n)
	}
}

// TestEachAttemptIsASpan, and each host gets to know its own, whatever was done to the body before.
func TestEachAttemptIsASpan(t *testing.T) {
	t.Parallel()
	ill := startRecorder(t, func(*received) string { return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n" })
	well := startRecorder(t, nil)
	chunked := "POST /api/v1/push HTTP/1.1\r\nHost: gw\r\nAuthorization: " + basicA + "\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nsamples\r\n0\r\n\r\n"
	for _, raw := range []string{push("samples"), chunked, push(strings.Repeat("x", 100<<10))} {
		g, spans := startTraced(t, testRoutes(testPool(t, ill.addr, well.addr), nil), 1, false)
		for len(ill.requests()) == 0 { // until it is the ill one's turn first
			g.send(t, raw)
		}
		ended(t, g, g.lines, isAccess)
		attempts := named(spans, "attempt")
		last := attempts[len(attempts)-2:]
		for i, u := range []*recorder{ill, well} {
			requests := u.requests()
			got := requests[len(requests)-1]
			if want := last[i].SpanContext().SpanID().String(); !strings.Contains(got.values("traceparent")[0], "-"+want+"-") ||
				!strings.Contains(got.values("uber-trace-id")[0], ":"+want+":") {
				t.Errorf("host %d got %q and %q, want span %s", i, got.values("traceparent"), got.values("uber-trace-id"), want)
			}
			if !got.complete || !strings.Contains(raw, got.body) || got.body == "" {
				t.Errorf("host %d got a body of %d bytes", i, len(got.body))
			}
		}
		if last[0].Status().Code != codes.Error || last[1].Status().Code == codes.Error {
			t.Errorf("the spans say %v and %v", last[0].Status(), last[1].Status())
		}
		ill.forget()
		well.forget()
	}
}

// TestSpansSayWhatHappened, and hold no secret.
func TestSpansSayWhatHappened(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g, spans := startTraced(t, testRoutes(testPool(t, u.addr), nil), 1, false)
	g.send(t, push("samples"))
	g.send(t, strings.Replace(get("/prometheus/api/v1/query?query=canary"), basicA, "Bearer canary-token", 1))
	g.send(t, get("/nowhere"))
	g.send(t, "GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n")
	ended(t, g, g.lines, isAccess)
	for name, want := range map[string]map[string]any{
		"POST /api/v1/push": {
			"http.request.method": "POST", "url.path": "/api/v1/push", "http.route": "/api/v1/push", "client.address": "127.0.0.1",
			"http.response.status_code": int64(200), "http.request.body.size": int64(7), "headgate.tenant": "tenant-a",
			"headgate.client": "tenant-a", "headgate.attempts": int64(1), "headgate.upstream": "test",
		},
		"attempt":           {"server.address": u.addr, "http.response.status_code": int64(200), "headgate.upstream": "test"},
		"GET /prometheus/*": {"error.type": "unauthorized", "http.response.status_code": int64(401)},
		"GET":               {"error.type": "no_route", "http.response.status_code": int64(404), "headgate.client": "tenant-a"},
	} {
		found := named(spans, name)
		if len(found) != 1 {
			t.Errorf("%d spans %q", len(found), name)
			continue
		}
		has := map[attribute.Key]any{}
		for _, a := range found[0].Attributes() {
			has[a.Key] = a.Value.AsInterface()
		}
		for key, value := range want {
			if has[attribute.Key(key)] != value {
				t.Errorf("%s: %s is %v, want %v", name, key, has[attribute.Key(key)], value)
			}
		}
	}
	if n := len(spans.Ended()); n != 3+3+1 {
		t.Errorf("%d spans, want a request and an authentication three times, and one attempt; none of the health path", n)
	}
	if said := fmt.Sprint(tracetest.SpanStubsFromReadOnlySpans(spans.Ended())); strings.Contains(said, "canary") {
		t.Errorf("a secret or a query is in a span: %s", said)
	}
	g.change(t, func(s *Settings) { s.Tracing = Tracing{} })
	g.send(t, push("samples"))
	ended(t, g, g.lines, isAccess)
	if n := len(spans.Ended()); n != 7 {
		t.Errorf("%d spans after tracing was turned off, want the 7 from before", n)
	}
}

// FuzzTraceHeaders compares what we read with what OpenTelemetry's own propagators read.
func FuzzTraceHeaders(f *testing.F) {
	for _, seed := range []string{
		"00-" + sentTraceID + "-" + sentSpanID + "-01", "01-" + sentTraceID + "-" + sentSpanID + "-01-more", "ff-" + sentTraceID + "-" + sentSpanID + "-01",
		"00-" + strings.ToUpper(sentTraceID) + "-" + sentSpanID + "-01", sentTraceID + ":" + sentSpanID + ":0:1", "1:2:0:3", "1:2:0:", "::", "1%3A2%3A0%3A1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		ours, ok := parseTraceParent([]byte(v))
		theirs := extract(propagation.TraceContext{}, "traceparent", v)
		if ok && theirs.IsValid() && (ours.trace != theirs.TraceID() || ours.span != theirs.SpanID() || ours.sampled != theirs.IsSampled()) {
			t.Errorf("traceparent %q: %v, want %v", v, ours, theirs)
		}
		if ok && !theirs.IsValid() && v[:2] == "00" && v[53:] < "04" { // they refuse flags that they do not know
			t.Errorf("traceparent %q is taken", v)
		}
		// Of version 00 nothing follows the flags, but they take a dash there.
		dash := len(v) == 56 && v[:2] == "00" && v[55] == '-'
		if ok && dash {
			t.Errorf("traceparent %q is taken, with more than version 00 has", v)
		}
		if !ok && theirs.IsValid() && !dash {
			t.Errorf("traceparent %q is not taken", v)
		}
		if ok {
			checkWritten(t, ours)
		}
		ours, ok = parseUberTraceID([]byte(v))
		theirs = extract(jaeger.Jaeger{}, "uber-trace-id", v)
		// What nobody writes they take as well: flags of many digits or with a sign, and a parent of any length.
		flags := v[strings.LastIndexByte(v, ':')+1:]
		plain := len(v) <= 128 && len(flags) <= 2 && !strings.ContainsAny(flags, "+-") && !strings.Contains(v, "%")
		if theirs.IsValid() && (ok || plain) && (!ok || ours.trace != theirs.TraceID() || ours.span != theirs.SpanID() || ours.sampled != theirs.IsSampled()) {
			t.Errorf("uber-trace-id %q: %v %v, want %v", v, ours, ok, theirs)
		}
		if ok {
			checkWritten(t, ours)
		}
	})
}

func extract(p propagation.TextMapPropagator, name, value string) trace.SpanContext {
	return trace.SpanContextFromContext(p.Extract(context.Background(), propagation.MapCarrier{name: value}))
}

// checkWritten wants a trace to be read back as it is written, by others.
func checkWritten(t *testing.T, c traceContext) {
	t.Helper()
	head, _ := c.appendTo(nil)
	lines := strings.Split(string(head), "\r\n")
	for i, p := range []propagation.TextMapPropagator{propagation.TraceContext{}, jaeger.Jaeger{}} {
		name, value, _ := strings.Cut(lines[i], ": ")
		back := extract(p, name, value)
		if back.TraceID() != c.trace || back.SpanID() != c.span || back.IsSampled() != c.sampled {
			t.Errorf("%s is read as %v, want %v", lines[i], back, c)
		}
	}
}
