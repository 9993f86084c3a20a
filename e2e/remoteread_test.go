package e2e

import (
	"bytes"
	"fmt"
	"math"
	"net/http"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// rawSamples counts every sample that Cortex holds for c's tenant, with
// Prometheus's remote-read protocol: unlike PromQL it also returns staleness
// markers, which a Prometheus counts as sent like any other sample.
func (c caller) rawSamples() (int, error) {
	query := &prompb.ReadRequest{Queries: []*prompb.Query{{
		EndTimestampMs: math.MaxInt64,
		Matchers:       []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_RE, Name: "__name__", Value: ".+"}},
	}}}
	message, err := query.Marshal()
	if err != nil {
		return 0, err
	}
	req, err := c.request(http.MethodPost, "/prometheus/api/v1/read", bytes.NewReader(snappy.Encode(nil, message)))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Read-Version", "0.1.0")
	got, err := do(req)
	if err != nil {
		return 0, err
	}
	if got.status != http.StatusOK {
		return 0, fmt.Errorf("remote read as %s: %s", c.user, got)
	}
	message, err = snappy.Decode(nil, got.body)
	if err != nil {
		return 0, err
	}
	var answer prompb.ReadResponse
	if err := answer.Unmarshal(message); err != nil {
		return 0, err
	}
	total := 0
	for _, result := range answer.Results {
		for _, series := range result.Timeseries {
			total += len(series.Samples)
		}
	}
	return total, nil
}
