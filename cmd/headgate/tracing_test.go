package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanReceiver takes spans over OTLP/HTTP, as a collector does.
type spanReceiver struct {
	URL    string
	mu     sync.Mutex
	spans  []*otlp.Span
	about  map[string]string // attributes of the resource
	header http.Header
	paths  []string
	status int // 0: 200
}

func newSpanReceiver(t *testing.T) *spanReceiver {
	t.Helper()
	r := &spanReceiver{about: map[string]string{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *spanReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths = append(r.paths, req.URL.Path)
	if r.status != 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(r.status)
		return
	}
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(req.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	raw, err := io.ReadAll(body)
	var message collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(raw, &message)
	}
	if err != nil || req.Header.Get("Content-Type") != "application/x-protobuf" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.header = req.Header
	for _, resource := range message.GetResourceSpans() {
		for _, a := range resource.GetResource().GetAttributes() {
			r.about[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
}

// all are the spans that have come, by name.
func (r *spanReceiver) all() map[string][]*otlp.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	byName := map[string][]*otlp.Span{}
	for _, s := range r.spans {
		byName[s.GetName()] = append(byName[s.GetName()], s)
	}
	return byName
}

// fail makes the receiver answer with a status; 0: as it should.
func (r *spanReceiver) fail(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func textOf(s *otlp.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			if text, ok := a.GetValue().GetValue().(*common.AnyValue_StringValue); ok {
				return text.StringValue
			}
			return fmt.Sprint(a.GetValue().GetIntValue())
		}
	}
	return ""
}

// tracingTable is a [tracing] table.
func tracingTable(url string) string {
	return "[tracing]\nendpoint = \"" + url + "\"\nheaders = { Authorization = \"Bearer canary-trace-key\", X-Scope-OrgID = \"ops\" }\nsample_ratio = 1\n"
}

// TestSpansArriveAtACollector: over OTLP, without anything that hurries them, with the headers, and no secret of a client.
func TestSpansArriveAtACollector(t *testing.T) {
	receiver, cortex := newSpanReceiver(t), newUpstream(t)
	r := start(t, gate(everything(cortex.URL))+tenant("team-a", "prometheus-a", "canary-password")+tracingTable(receiver.URL))
	client := newClient(t)
	request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "canary-password", body: "samples"}.must(t, client)
	request{method: "GET", url: r.url("/prometheus/api/v1/query?query=canary-query"), user: "prometheus-a", password: "canary-wrong"}.must(t, client)
	eventually(t, "the spans of both requests arrive", func() bool {
		spans := receiver.all()
		return len(spans["POST /api/v1/push"]) == 1 && len(spans["attempt"]) == 1 && len(spans["authenticate"]) == 2 && len(spans["GET /prometheus/api/v1/query"]) == 1
	})
	spans := receiver.all()
	push, attempt := spans["POST /api/v1/push"][0], spans["attempt"][0]
	if push.GetKind() != otlp.Span_SPAN_KIND_SERVER || attempt.GetKind() != otlp.Span_SPAN_KIND_CLIENT ||
		string(attempt.GetParentSpanId()) != string(push.GetSpanId()) || string(attempt.GetTraceId()) != string(push.GetTraceId()) {
		t.Errorf("%v\n%v", push, attempt)
	}
	if push.GetEndTimeUnixNano() <= push.GetStartTimeUnixNano() || attempt.GetStartTimeUnixNano() < push.GetStartTimeUnixNano() {
		t.Errorf("times: %v\n%v", push, attempt)
	}
	if textOf(push, "headgate.tenant") != "team-a" || textOf(push, "http.response.status_code") != "200" {
		t.Errorf("%v", push)
	}
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	if receiver.header.Get("Authorization") != "Bearer canary-trace-key" || receiver.header.Get("X-Scope-OrgID") != "ops" {
		t.Errorf("headers: %v", receiver.header)
	}
	if receiver.about["service.name"] != "headgate" || receiver.about["service.version"] == "" {
		t.Errorf("about the sender: %v", receiver.about)
	}
	if receiver.paths[0] != "/v1/traces" {
		t.Errorf("sent to %s", receiver.paths[0])
	}
	config := request{method: "GET", url: r.adminURL("/config")}.must(t, client)
	for what, said := range map[string]string{"the spans": fmt.Sprint(receiver.spans), "the log": r.log.String(), "/config": config.body} {
		if strings.Contains(said, "canary") {
			t.Errorf("a secret is in %s: %s", what, said)
		}
	}
	if !strings.Contains(config.body, `Authorization = "<secret>"`) {
		t.Errorf("/config is\n%s", config.body)
	}
}

// TestTheLastSpansLeaveAtTheEnd: stopping does not lose what was not sent yet.
func TestTheLastSpansLeaveAtTheEnd(t *testing.T) {
	receiver, cortex := newSpanReceiver(t), newUpstream(t)
	r := start(t, gate(everything(cortex.URL))+tenant("team-a", "prometheus-a", "one")+tracingTable(receiver.URL))
	request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}.must(t, newClient(t))
	r.Close()
	if spans := receiver.all(); len(spans["POST /api/v1/push"]) != 1 {
		t.Errorf("%v", spans)
	}
}

// TestTracingChangesWithAReload: where spans go, how many there are, and whether there are any.
func TestTracingChangesWithAReload(t *testing.T) {
	first, second, cortex := newSpanReceiver(t), newSpanReceiver(t), newUpstream(t)
	plain := gate(everything(cortex.URL)) + tenant("team-a", "prometheus-a", "one")
	r := start(t, plain)
	client := newClient(t)
	push := func() {
		t.Helper()
		request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}.must(t, client)
		eventually(t, "the push ends", func() bool { return r.proxy.InFlight() == 0 })
	}
	reload := func(toml string) {
		t.Helper()
		r.write(toml)
		if problems := r.Reload(); problems != nil {
			t.Fatal(problems)
		}
	}
	pushes := func(at *spanReceiver) int { return len(at.all()["POST /api/v1/push"]) }
	push()
	reload(plain + tracingTable(first.URL))
	push()
	sender := r.current.Load().traces
	reload(plain + "\n\n" + tracingTable(first.URL))
	if r.current.Load().traces != sender {
		t.Error("a reload that changes nothing about tracing makes a new sender")
	}
	push()
	reload(plain + strings.Replace(tracingTable(first.URL), "sample_ratio = 1", "sample_ratio = 0", 1))
	push()
	reload(plain + tracingTable(second.URL+"/v1/traces"))
	push()
	eventually(t, "what is left goes to the first collector", func() bool { return pushes(first) == 2 })
	reload(plain)
	push()
	eventually(t, "what is left goes to the second collector", func() bool { return pushes(second) == 1 })
	if n := pushes(first); n != 2 {
		t.Errorf("the first collector has %d pushes, want 2", n)
	}
}

// TestACollectorThatIsAwayHarmsNobody: requests are served, the log says it once, and spans go on when it is back. A
// redirect is not followed: the headers are for the endpoint alone.
func TestACollectorThatIsAwayHarmsNobody(t *testing.T) {
	receiver, cortex := newSpanReceiver(t), newUpstream(t)
	receiver.fail(http.StatusTemporaryRedirect)
	r := start(t, gate(everything(cortex.URL))+tenant("team-a", "prometheus-a", "one")+tracingTable(receiver.URL))
	client := newClient(t)
	push := func() {
		t.Helper()
		a := request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}.must(t, client)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	push()
	eventually(t, "the log says that spans cannot be sent", func() bool { return strings.Contains(r.log.String(), "spans cannot be sent") })
	push()
	r.current.Load().traces.Flush(context.Background())
	if n := strings.Count(r.log.String(), "spans cannot be sent"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	receiver.fail(0)
	push()
	eventually(t, "the log says that spans can be sent again", func() bool { return strings.Contains(r.log.String(), "spans can be sent again") })
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	for _, path := range receiver.paths {
		if path != "/v1/traces" {
			t.Errorf("spans were sent to %s", path)
		}
	}
	if strings.Contains(r.log.String(), "canary") {
		t.Error("a secret is in the log")
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
	for _, name := range []string{"headgate_trace_spans_sent_total", "headgate_trace_spans_lost_total"} {
		if !strings.Contains(metrics, "\n"+name+" ") || strings.Contains(metrics, "\n"+name+" 0\n") {
			t.Errorf("/metrics does not count in %s", name)
		}
	}
}
