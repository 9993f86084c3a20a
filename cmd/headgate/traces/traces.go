package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options says where spans go.
type Options struct {
	Endpoint string            // the whole URL, path included
	Headers  map[string]string // sent along; secrets
	Version  string            // of the program
	Counters *Counters
	Log      *slog.Logger
}

// Counters count spans over the life of the process, whatever the configuration.
type Counters struct{ sent, lost *metrics.Counter }

// NewCounters registers the counters.
func NewCounters(set *metrics.Set) *Counters {
	return &Counters{
		sent: set.NewCounter("headgate_trace_spans_sent_total"),
		lost: set.NewCounter("headgate_trace_spans_lost_total"),
	}
}

// Bounds of what happens to a span between its end and its arrival: it leaves within two seconds, and one that the other
// side does not take for five is given up.
const (
	pause       = time.Second
	oneRequest  = 3 * time.Second
	allRequests = 5 * time.Second
	waiting     = 4096 // spans; more are dropped
	atOnce      = 512
)

// Sender takes spans and sends them in the background.
type Sender struct {
	provider *sdk.TracerProvider
	client   *http.Client
	tracer   trace.Tracer
}

// Open starts a Sender. Nothing is sent before there is a span, and that nobody takes them is no error.
func Open(o Options) (*Sender, error) {
	return open(o, http.DefaultTransport.(*http.Transport).Clone())
}

func open(o Options, transport http.RoundTripper) (*Sender, error) {
	s := &Sender{client: &http.Client{
		Transport: transport,
		Timeout:   oneRequest,
		// The headers are for the endpoint alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	headers := o.Headers
	if headers == nil {
		headers = map[string]string{} // or those of the environment would count
	}
	exporter, err := otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(o.Endpoint),
		otlptracehttp.WithHeaders(headers),
		otlptracehttp.WithHTTPClient(s.client),
		otlptracehttp.WithTimeout(allRequests),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: allRequests,
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("trace endpoint: %w", err)
	}
	about := []attribute.KeyValue{attribute.String("service.name", "headgate"), attribute.String("service.version", o.Version)}
	if host, err := os.Hostname(); err == nil {
		about = append(about, attribute.String("host.name", host))
	}
	s.provider = sdk.NewTracerProvider(
		sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithResource(resource.NewSchemaless(about...)),
		sdk.WithBatcher(&reporting{SpanExporter: exporter, counters: o.Counters, log: o.Log, endpoint: o.Endpoint},
			sdk.WithBatchTimeout(pause), sdk.WithExportTimeout(allRequests), sdk.WithMaxQueueSize(waiting), sdk.WithMaxExportBatchSize(atOnce)),
	)
	s.tracer = s.provider.Tracer("github.com/headgate/headgate")
	return s, nil
}

// Tracer makes the spans that are sent.
func (s *Sender) Tracer() trace.Tracer { return s.tracer }

// Flush sends what has ended so far, until ctx ends.
func (s *Sender) Flush(ctx context.Context) {
	_ = s.provider.ForceFlush(ctx) // the error is about spans that were not taken, which has been reported
}

// Close sends what is left, until ctx ends. Spans that end later are dropped.
func (s *Sender) Close(ctx context.Context) {
	_ = s.provider.Shutdown(ctx) // as with Flush
	s.client.CloseIdleConnections()
}

// reporting counts what was sent, and says in the log when that stops working and when it works again. The SDK would
// write each error to the standard error of the process, in a form of its own.
type reporting struct {
	sdk.SpanExporter
	counters *Counters
	log      *slog.Logger
	endpoint string
	failing  bool // of the one goroutine that sends
}

// ExportSpans implements sdk.SpanExporter.
func (r *reporting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := r.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		r.counters.sent.Add(len(spans))
	} else {
		r.counters.lost.Add(len(spans))
	}
	if failing := err != nil; failing != r.failing && !errors.Is(err, context.Canceled) {
		r.failing = failing
		if failing {
			r.log.Warn("spans cannot be sent, and are dropped until they can", "endpoint", r.endpoint, "error", err)
		} else {
			r.log.Info("spans can be sent again", "endpoint", r.endpoint)
		}
	}
	return nil
}
