package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// TestShutdownCutsWhatIsLeft: when the time is up, whatever is under way ends, upstream too, and nothing is tried again. No
// timeout of a route helps here.
func TestShutdownCutsWhatIsLeft(t *testing.T) {
	t.Parallel()
	large := requestOf("write", "n", strings.Repeat("x", largeSize))
	for name, c := range map[string]struct {
		raw  string
		play func(*line)
		seen int64
	}{
		"a push that waits for its answer": {push("samples"), stuck(""), 1},
		"a push that nobody takes":         {large, func(l *line) { l.head(); l.stall() }, 1},
		"a push whose body does not come":  {large[:len(large)/2], stuck(""), 1},
		"a read":                           {query, stuck(""), 1},
		"an answer that does not end":      {query, stuck(halfLarge), 1},
		"a small answer that does not end": {push("samples"), stuck("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"), 1},
		"a change of rules":                {requestOf("rules", "n", "groups"), stuck(""), 1},
		"a small body that does not come":  {push("samples")[:110], healthy, 0},
		"an answer that its client does not read": {query, func(l *line) {
			l.request()
			l.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
			io.Copy(l, zeroes{}) //nolint:errcheck // it is cut
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, c.play)
			pool := testPool(t, u.addr)
			g := startPatient(t, testRoutes(pool, func(r *Route) {
				r.Timeout, r.ReadTimeout, r.WriteTimeout, r.BodyTimeout = 0, 0, 0, 0
			}))
			g.snapshot.Load().writeTimeout = 0
			client := g.caller(t)
			go io.WriteString(client, c.raw) //nolint:errcheck // it is cut
			eventually(t, "the request is under way", func() bool { return g.InFlight() == 1 && u.seen.Load() == c.seen })
			over, cut := context.WithCancel(context.Background())
			cut()
			if err := g.Shutdown(over); !errors.Is(err, context.Canceled) {
				t.Errorf("Shutdown: %v, want the word that something was cut", err)
			}
			eventually(t, "the request has ended", func() bool { return g.InFlight() == 0 })
			if open, _ := pool.Hosts()[0].Connections(); open != 0 {
				t.Errorf("%d connections upstream are left", open)
			}
			// Where some of the answer was on its way to the client, that may have noticed first.
			if n := g.refusals("draining"); n != "1" && !strings.HasPrefix(name, "an answer") {
				t.Errorf("%s requests were counted as cut by the drain, want 1", n)
			}
			if seen := u.seen.Load(); seen != c.seen {
				t.Errorf("the host saw %d requests, want %d", seen, c.seen)
			}
		})
	}
}

// TestNothingIsServedAfterShutdown: a listener that a reload opened a moment too late closes.
func TestNothingIsServedAfterShutdown(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(late); err != nil {
		t.Error(err)
	}
	if _, err := late.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ended with %v, want a listener that is closed", err)
	}
}
