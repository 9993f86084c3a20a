package proxy

import (
	"io"
	"strings"
	"testing"
)

// TestAKeptBodyIsSentAgainFromItsMiddle lets one of two hosts end the connection while a body over 64 KiB is on its way:
// the other gets all of it, what had been sent already included.
func TestAKeptBodyIsSentAgainFromItsMiddle(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789abcdef", 48<<10) // 768 KiB
	for _, c := range []struct {
		name string
		play func(*line)
	}{
		{"reset", func(l *line) { l.head(); io.CopyN(io.Discard, l.br, 300<<10); l.reset() }}, //nolint:errcheck // any end will do
		{"closed", func(l *line) { l.head(); io.CopyN(io.Discard, l.br, 100<<10) }},           //nolint:errcheck // any end will do
		{"503 behind a part of it", func(l *line) {
			l.head()
			io.CopyN(io.Discard, l.br, 100<<10) //nolint:errcheck // any end will do
			l.say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bad, good := startScripted(t, c.play), startRecorder(t, nil)
			g := startGateway(t, testRoutes(testPool(t, bad.addr, good.addr), nil))
			const pushes = 4
			for range pushes {
				if got := g.ask(t, push(body)); got.status != 200 {
					t.Fatalf("client got %v", got)
				}
			}
			got := good.requests()
			if len(got) != pushes || bad.opened.Load() == 0 {
				t.Fatalf("the good host saw %d pushes of %d, the bad one %d connections", len(got), pushes, bad.opened.Load())
			}
			for _, r := range got {
				if !r.complete || r.body != body {
					t.Errorf("the good host got %d bytes, complete %v; want %d", len(r.body), r.complete, len(body))
				}
			}
		})
	}
}
