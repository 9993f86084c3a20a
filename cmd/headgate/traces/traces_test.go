package traces

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// collector takes what is sent to it.
type collector struct {
	requests atomic.Int64
	answer   func() (int, error)
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
	status, err := c.answer()
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func opened(t *testing.T, c *collector) (*Sender, *Counters) {
	t.Helper()
	counters := NewCounters(metrics.NewSet())
	s, err := open(Options{Endpoint: "http://127.0.0.1:4318/v1/traces", Counters: counters, Log: slog.New(slog.DiscardHandler)}, c)
	if err != nil {
		t.Fatal(err)
	}
	return s, counters
}

// TestSpansLeaveWithinFiveSeconds of their end, alone as they may be.
func TestSpansLeaveWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &collector{answer: func() (int, error) { return 200, nil }}
		s, counters := opened(t, c)
		_, span := s.Tracer().Start(context.Background(), "request")
		span.End()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := c.requests.Load(); n != 1 || counters.sent.Get() != 1 {
			t.Errorf("%d requests with %d spans within five seconds, want one", n, counters.sent.Get())
		}
		s.Close(context.Background())
	})
}

// TestNothingIsSentWithoutASpan: an endpoint costs nothing by itself.
func TestNothingIsSentWithoutASpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &collector{answer: func() (int, error) { return 200, nil }}
		s, _ := opened(t, c)
		time.Sleep(time.Hour)
		s.Close(context.Background())
		if n := c.requests.Load(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestSpansThatNobodyTakesAreGivenUp after a while and counted; whoever ends a span never waits for it.
func TestSpansThatNobodyTakesAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &collector{answer: func() (int, error) { return 503, nil }}
		s, counters := opened(t, c)
		start := time.Now()
		for range 3 * waiting {
			_, span := s.Tracer().Start(context.Background(), "request")
			span.End()
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("ending spans took %v", took)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if counters.lost.Get() == 0 || counters.sent.Get() != 0 {
			t.Errorf("%d lost, %d sent", counters.lost.Get(), counters.sent.Get())
		}
		before := time.Now()
		soon, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		s.Close(soon)
		if took := time.Since(before); took > 3*time.Second {
			t.Errorf("the end took %v", took)
		}
		time.Sleep(time.Minute) // what is under way then gives up as well
	})
}
