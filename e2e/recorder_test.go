package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// recorder takes remote writes and keeps them. A sender without a storage of
// its own, vmagent, is told to write here as well: what it brings is what it
// has scraped.
type recorder struct {
	url string

	mu     sync.Mutex
	series history
	broken error // the first push that made no sense
}

// startRecorder serves until the test ends.
func startRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{series: history{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// ServeHTTP takes one push. A sender may repeat one, so a sample that is there
// already is put there again.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	message, err := readPush(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.broken = err
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for _, series := range message.Timeseries {
		name := seriesName(series.Labels)
		for _, s := range series.Samples {
			r.series.put(name, s)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// readPush decodes the body of a remote write.
func readPush(req *http.Request) (*prompb.WriteRequest, error) {
	packed, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read a push: %w", err)
	}
	body, err := snappy.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("decode a push: %w", err)
	}
	var message prompb.WriteRequest
	if err := message.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("decode a push: %w", err)
	}
	return &message, nil
}

// history returns a copy of what has come so far.
func (r *recorder) history() (history, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := history{}
	for name, times := range r.series {
		all[name] = maps.Clone(times)
	}
	return all, r.broken
}
