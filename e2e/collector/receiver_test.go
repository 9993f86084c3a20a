package collector

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// patience bounds what a test waits for on the way; spans leave within 5 s, of
// which a busy machine may be as late again.
const (
	patience = 30 * time.Second
	soon     = 10 * time.Second
)

// freeAddress is an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startReceiver runs the OTLP receiver of the collector, configured as its file
// does it, for OTLP over HTTP alone.
func startReceiver(t *testing.T) (endpoint string, spans *consumertest.TracesSink) {
	t.Helper()
	address := freeAddress(t)
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	written := confmap.NewFromStringMap(map[string]any{
		"protocols": map[string]any{"http": map[string]any{"endpoint": address}},
	})
	if err := written.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	spans = new(consumertest.TracesSink)
	r, err := factory.CreateTraces(context.Background(), receivertest.NewNopSettings(factory.Type()), cfg, spans)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "http://" + address, spans
}

// startHeadgate runs the built binary before a stand-in for Cortex, all requests
// traced.
func startHeadgate(t *testing.T, endpoint string) (url string) {
	t.Helper()
	bin := os.Getenv("HEADGATE_BIN")
	if bin == "" {
		bin = filepath.Join("..", "..", "bin", "headgate")
	}
	if _, err := os.Stat(bin); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("missing in CI: %v", err)
		}
		t.Skipf("skipped: no headgate at %s; run make build, or set HEADGATE_BIN", bin)
	}
	cortex := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "query") {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	t.Cleanup(cortex.Close)
	address, admin, config := freeAddress(t), freeAddress(t), filepath.Join(t.TempDir(), "headgate.toml")
	text := fmt.Sprintf("[server]\nlisten = %q\ndrain_delay = \"0s\"\n[admin]\nlisten = %q\n[tracing]\nendpoint = %q\nsample_ratio = 1.0\n"+
		"[upstreams.all]\nurl = %q\n[[tenants]]\nid = \"team-a\"\nusername = \"prometheus-a\"\npassword = \"one\"\n",
		address, admin, endpoint, cortex.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	program := exec.Command(bin, "run", "--config", config)
	program.Stderr = &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		if err := program.Wait(); err != nil || t.Failed() {
			t.Errorf("headgate: %v\n%s", err, log.String())
		}
	})
	eventually(t, patience, func() error {
		answer, err := http.Get("http://" + admin + "/ready")
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
	return "http://" + address
}

// eventually waits until holds has no objection any more.
func eventually(t *testing.T, within time.Duration, holds func() error) {
	t.Helper()
	limit := time.After(within)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatal(err)
		}
	}
}

// all are the spans that have come, by name and path.
func all(sink *consumertest.TracesSink) map[string]ptrace.Span {
	found := make(map[string]ptrace.Span)
	for _, traces := range sink.AllTraces() {
		for _, resource := range traces.ResourceSpans().All() {
			service, _ := resource.Resource().Attributes().Get("service.name")
			for _, scope := range resource.ScopeSpans().All() {
				for _, s := range scope.Spans().All() {
					found[service.Str()+" "+s.Name()] = s
				}
			}
		}
	}
	return found
}

// TestACollectorTakesTheSpans: the collector's own receiver reads what the
// gateway sends, soon, and knows which span belongs below which.
func TestACollectorTakesTheSpans(t *testing.T) {
	endpoint, sink := startReceiver(t)
	gateway := startHeadgate(t, endpoint)
	push, err := http.NewRequest("POST", gateway+"/api/v1/push", strings.NewReader("samples"))
	if err != nil {
		t.Fatal(err)
	}
	push.SetBasicAuth("prometheus-a", "one")
	push.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	query, err := http.NewRequest("GET", gateway+"/prometheus/api/v1/query?query=up", nil)
	if err != nil {
		t.Fatal(err)
	}
	query.SetBasicAuth("prometheus-a", "one")
	for request, want := range map[*http.Request]int{push: 200, query: 422} {
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _ = answer.Body.Close(); answer.StatusCode != want {
			t.Fatalf("%s: %s", request.URL.Path, answer.Status)
		}
	}
	const requestSpan, querySpan = "headgate POST /api/v1/push", "headgate GET /prometheus/api/v1/query"
	eventually(t, soon, func() error {
		if spans := all(sink); sink.SpanCount() < 6 || spans[requestSpan] == (ptrace.Span{}) || spans[querySpan] == (ptrace.Span{}) {
			return fmt.Errorf("%d spans came, want those of two requests, authentications and attempts: %v", sink.SpanCount(), spans)
		}
		return nil
	})
	spans := all(sink)
	request := spans[requestSpan]
	if id := request.TraceID().String(); id != "0af7651916cd43dd8448eb211c80319c" || request.ParentSpanID().String() != "b7ad6b7169203331" || request.Kind() != ptrace.SpanKindServer {
		t.Errorf("the push is in the trace %s below %s, want that of its sender", id, request.ParentSpanID())
	}
	for name, want := range map[string]string{"headgate.tenant": "team-a", "headgate.client": "prometheus-a", "http.route": "/api/v1/push"} {
		if got, _ := request.Attributes().Get(name); got.AsString() != want {
			t.Errorf("%s is %q, want %q", name, got.AsString(), want)
		}
	}
	for _, below := range []string{"headgate authenticate", "headgate attempt"} {
		s := spans[below]
		if parent := s.ParentSpanID(); parent != request.SpanID() && parent != spans[querySpan].SpanID() {
			t.Errorf("%s hangs below %s, which is neither of the requests", below, parent)
		}
		if s.EndTimestamp() < s.StartTimestamp() {
			t.Errorf("%s ends before it begins", below)
		}
	}
}
