package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestRepeatedPush shows what a sender or a gateway gets that repeats a push
// because its answer was lost, when a newer one was accepted in between: Cortex
// keeps each sample once, but says 400 unless it takes samples out of order.
// That is why the soak test's Cortex does, and why docs/reliability.md asks for
// it.
func TestRepeatedPush(t *testing.T) {
	for _, of := range []struct {
		window string
		status int
	}{
		{"", http.StatusBadRequest},
		{"30m", http.StatusOK},
	} {
		t.Run(fmt.Sprintf("window %q", of.window), func(t *testing.T) {
			c := startCortex(t, cortexOptions{OutOfOrderWindow: of.window})
			g := startHeadgate(t, gatewayOptions{Upstreams: []string{c.url}})
			writer := g.as("prometheus-a")
			older, newer := time.Now().Add(-time.Minute), time.Now()
			for _, at := range []time.Time{older, newer} {
				if err := writer.push("repeated", "0", at, 1); err != nil {
					t.Fatal(err)
				}
			}

			req, err := writer.pushRequest("repeated", "0", older, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := do(req); err != nil || got.status != of.status {
				t.Errorf("the older push once more: %s %v, want %d", got, err, of.status)
			}
			if held, err := g.reader("team-a").rawSamples(); err != nil || held != 2 {
				t.Errorf("Cortex holds %d samples (%v), want 2", held, err)
			}
		})
	}
}
