package e2e

import (
	"errors"
	"fmt"
	"testing"
)

// One trace goes from the gateway through Cortex: Cortex's spans of a query hang
// below the attempt that the gateway made. Cortex traces nothing of its own
// accord here, so that a span of its own shows that it has gone by the decision
// which came with the request.
func TestATraceGoesThroughTheGatewayAndCortex(t *testing.T) {
	collector := startSpanCollector(t)
	c := startCortex(t, cortexOptions{Traces: collector.address})
	g := startHeadgate(t, gatewayOptions{Upstreams: []string{c.url}, Traces: collector.url})
	r := g.reader("team-a").call(t, "GET", "/prometheus/api/v1/query?query=up", "")
	if r.status != 200 {
		t.Fatalf("the query was answered %v", r)
	}
	eventually(t, "Cortex's spans hang below the gateway's attempt", func() error {
		var attempt *span
		for _, s := range collector.all() {
			if s.service == "headgate" && s.Name() == "attempt" {
				attempt = &s
			}
		}
		if attempt == nil {
			return errors.New("the gateway has sent no attempt")
		}
		below, inTrace := 0, 0
		for _, s := range collector.all() {
			if s.service == "headgate" || s.TraceID() != attempt.TraceID() {
				continue
			}
			inTrace++
			if s.ParentSpanID() == attempt.SpanID() {
				below++
			}
		}
		if below != 1 {
			return fmt.Errorf("%d spans of Cortex are in the trace, %d right below the attempt, want one there", inTrace, below)
		}
		return nil
	})
	collector.mu.Lock()
	defer collector.mu.Unlock()
	if collector.key != "trace-key" {
		t.Errorf("the spans came with X-Api-Key %q", collector.key)
	}
}
