package e2e

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
)

// span is one span that a program has sent.
type span struct {
	ptrace.Span
	service string
}

// spanCollector takes spans as a collector does: over HTTP from the gateway,
// over gRPC from Cortex, which knows nothing else.
type spanCollector struct {
	ptraceotlp.UnimplementedGRPCServer
	url     string // for OTLP/HTTP
	address string // for OTLP/gRPC

	mu    sync.Mutex
	spans []span
	key   string // the X-Api-Key that came over HTTP
}

// startSpanCollector serves until the test ends.
func startSpanCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	c.url = web.URL
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.address = l.Addr().String()
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, c)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(l) }) // ends with Stop
	t.Cleanup(func() {
		server.Stop()
		served.Wait()
	})
	return c
}

// Export takes spans over gRPC.
func (c *spanCollector) Export(_ context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	c.take(r.Traces())
	return ptraceotlp.NewExportResponse(), nil
}

// ServeHTTP takes spans over HTTP.
func (c *spanCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	raw, err := io.ReadAll(body)
	request := ptraceotlp.NewExportRequest()
	if err == nil {
		err = request.UnmarshalProto(raw)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "these are no spans", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.key = r.Header.Get("X-Api-Key")
	c.mu.Unlock()
	c.take(request.Traces())
}

func (c *spanCollector) take(traces ptrace.Traces) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range traces.ResourceSpans().All() {
		service, _ := resource.Resource().Attributes().Get("service.name")
		for _, scope := range resource.ScopeSpans().All() {
			for _, s := range scope.Spans().All() {
				c.spans = append(c.spans, span{s, service.AsString()})
			}
		}
	}
}

// all returns what has come so far.
func (c *spanCollector) all() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]span(nil), c.spans...)
}
