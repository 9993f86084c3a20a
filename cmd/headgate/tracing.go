package main

import (
	"context"
	"maps"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/traces"
	"github.com/headgate/headgate/proxy"
)

// lastSpans is how long the end of a generation waits for its last spans to be taken.
const lastSpans = 3 * time.Second

// tracing is what a configuration says about the spans of requests. The sender of the generation before is taken over
// when nothing about it changed. Where parts cannot count spans, nothing is to be sent.
func (g *generation) tracing(p parts, from *generation) (proxy.Tracing, error) {
	t := &g.config.Tracing
	if t.URL() == "" || p.spans == nil {
		return proxy.Tracing{}, nil
	}
	if from != nil && from.traces != nil && sendsAlike(t, &from.config.Tracing) {
		g.traces = from.traces
	} else {
		headers := make(map[string]string, len(t.Headers))
		for name, value := range t.Headers {
			headers[name] = string(value)
		}
		sender, err := traces.Open(traces.Options{
			Endpoint: t.URL(), Headers: headers, Version: thisBuild().version, Counters: p.spans, Log: p.log,
		})
		if err != nil {
			return proxy.Tracing{}, err
		}
		g.traces = sender
	}
	return proxy.Tracing{Tracer: g.traces.Tracer(), SampleRatio: float64(t.SampleRatio)}, nil
}

// sendsAlike reports whether spans go to the same place in the same way.
func sendsAlike(a, b *config.Tracing) bool {
	return a.URL() == b.URL() && maps.Equal(a.Headers, b.Headers)
}

// closeTraces sends the spans that are left, unless another generation goes on with the sender (nil: none does).
func (g *generation) closeTraces(other *generation) {
	if g.traces == nil || other != nil && other.traces == g.traces {
		return
	}
	soon, cancel := context.WithTimeout(context.Background(), lastSpans)
	defer cancel()
	g.traces.Close(soon)
}
