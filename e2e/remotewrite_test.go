package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// push sends one sample of a series with remote write, as Prometheus does, and
// returns an error unless it was accepted.
func (c caller) push(name, writer string, at time.Time, value float64) error {
	req, err := c.pushRequest(name, writer, at, value)
	if err != nil {
		return err
	}
	got, err := do(req)
	if err == nil && got.status/100 != 2 {
		err = fmt.Errorf("push as %s: %s", c.user, got)
	}
	return err
}

// pushRequest is the request that push sends.
func (c caller) pushRequest(name, writer string, at time.Time, value float64) (*http.Request, error) {
	message, err := (&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "writer", Value: writer}},
		Samples: []prompb.Sample{{Timestamp: at.UnixMilli(), Value: value}},
	}}}).Marshal()
	if err != nil {
		return nil, err
	}
	req, err := c.request(http.MethodPost, "/api/v1/push", bytes.NewReader(snappy.Encode(nil, message)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	return req, nil
}
