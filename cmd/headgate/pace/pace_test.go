package pace

import (
	"testing"
	"time"
)

func TestWindowMeasuresTheLastMinute(t *testing.T) {
	var w Window[string]
	start := time.Unix(1000, 0)
	at := func(tick int) time.Time { return start.Add(time.Duration(tick) * Every) }
	if got := w.Since(start, map[string]Count{"a": {Requests: 5}}); len(got) != 0 {
		t.Errorf("without a reading there is no pace, got %v", got)
	}
	// Ten requests in each tick, from the fourth on a hundred.
	count := func(tick int) map[string]Count {
		n := uint64(10 * tick)
		if tick > 3 {
			n = uint64(30 + 100*(tick-3))
		}
		return map[string]Count{"a": {Requests: n, Errors: n / 2, Refused: n / 10, Bytes: 1000 * n, Answers: n, Time: time.Duration(n) * time.Millisecond}}
	}
	for tick := range 4 {
		w.Note(at(tick), count(tick))
	}
	p := w.Since(at(3), count(3))["a"]
	if p.Requests != 30 || p.Span != 3*Every || p.PerSecond() != 1 || p.BytesPerSecond() != 1000 || p.ErrorsPerSecond() != 0.5 || p.RefusedPerSecond() != 0.1 || p.Mean() != time.Millisecond {
		t.Errorf("from the first reading: %+v", p)
	}
	for tick := 4; tick < 40; tick++ {
		w.Note(at(tick), count(tick))
	}
	if p = w.Since(at(39), count(39))["a"]; p.Span != (readings-1)*Every || p.PerSecond() != 10 {
		t.Errorf("from the oldest that is kept: %+v", p)
	}
}

func TestCountersThatBeginAnewAreNotNegative(t *testing.T) {
	var w Window[string]
	start := time.Unix(1000, 0)
	w.Note(start, map[string]Count{"a": {Requests: 1000, Answers: 1000}})
	got := w.Since(start.Add(Every), map[string]Count{"a": {Requests: 7, Answers: 6}, "b": {Requests: 3}})
	if got["a"].Requests != 7 || got["b"].Requests != 3 {
		t.Errorf("got %+v", got)
	}
	if mean := got["b"].Mean(); mean != 0 {
		t.Errorf("no answers took %s on average", mean)
	}
}
