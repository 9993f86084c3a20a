package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// TestOTLP pushes a metric in each of the ways that OpenTelemetry's exporters
// know, and asks Cortex for it.
func TestOTLP(t *testing.T) {
	g := startStack(t)
	for _, way := range []struct {
		name          string
		gzip, chunked bool
	}{
		{name: "plain"},
		{name: "gzipped", gzip: true},
		{name: "chunked"},
		{name: "gzipped_chunked", gzip: true, chunked: true},
		{name: "plain_chunked", chunked: true},
	} {
		t.Run(way.name, func(t *testing.T) {
			metric := "otlp_" + way.name
			body := otlpGauge(t, metric, 42)
			if way.gzip {
				body = gzipped(t, body)
			}
			var reader io.Reader = bytes.NewReader(body)
			if way.chunked {
				// net/http cannot see the length through this, and sends chunks.
				reader = struct{ io.Reader }{reader}
			}
			req, err := g.as("prometheus-b").request(http.MethodPost, "/api/v1/otlp/v1/metrics", reader)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-protobuf")
			if way.gzip {
				req.Header.Set("Content-Encoding", "gzip")
			}
			got, err := do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got.status != http.StatusOK {
				t.Fatalf("push: %s, want 200", got)
			}
			series := fmt.Sprintf(`{__name__=%q,job="shop",path="/orders"}`, metric)
			eventually(t, "the metric", func() error {
				got, err := g.reader("team-b").vector(metric)
				if err == nil && (len(got) != 1 || got[series] != "42") {
					err = fmt.Errorf("%v, want %s = 42", got, series)
				}
				return err
			})
			if got, err := g.reader("team-a").vector(metric); err != nil || len(got) != 0 {
				t.Errorf("team-a sees %v, %v", got, err)
			}
		})
	}
}

// otlpGauge encodes a push of one gauge by the service "shop".
func otlpGauge(t *testing.T, name string, value int64) []byte {
	t.Helper()
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	metric := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName(name)
	point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	point.SetIntValue(value)
	point.Attributes().PutStr("path", "/orders")
	body, err := pmetricotlp.NewExportRequestFromMetrics(metrics).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func gzipped(t *testing.T, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
