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
	all, err := c.rawSeries("/prometheus/api/v1/read", 0, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, series := range all {
		total += len(series.Samples)
	}
	return total, nil
}

// rawSeries returns every series with its samples from the first to the last of
// two times in Unix milliseconds, as remote read at path gives them.
func (c caller) rawSeries(path string, first, last int64) ([]*prompb.TimeSeries, error) {
	query := &prompb.ReadRequest{Queries: []*prompb.Query{{
		StartTimestampMs: first,
		EndTimestampMs:   last,
		Matchers:         []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_RE, Name: "__name__", Value: ".+"}},
	}}}
	message, err := query.Marshal()
	if err != nil {
		return nil, err
	}
	req, err := c.request(http.MethodPost, path, bytes.NewReader(snappy.Encode(nil, message)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Read-Version", "0.1.0")
	got, err := do(req)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("remote read as %s: %s", c.user, got)
	}
	message, err = snappy.Decode(nil, got.body)
	if err != nil {
		return nil, err
	}
	var answer prompb.ReadResponse
	if err := answer.Unmarshal(message); err != nil {
		return nil, err
	}
	var all []*prompb.TimeSeries
	for _, result := range answer.Results {
		all = append(all, result.Timeseries...)
	}
	return all, nil
}
