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
	request := &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "writer", Value: writer}},
		Samples: []prompb.Sample{{Timestamp: at.UnixMilli(), Value: value}},
	}}}
	message, err := request.Marshal()
	if err != nil {
		return err
	}
	req, err := c.request(http.MethodPost, "/api/v1/push", bytes.NewReader(snappy.Encode(nil, message)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	got, err := do(req)
	if err != nil {
		return err
	}
	if got.status/100 != 2 {
		return fmt.Errorf("push as %s: %s", c.user, got)
	}
	return nil
}
