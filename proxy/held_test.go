package proxy

import (
	"io"
	"strings"
	"testing"
)

func TestHeldBytesAreBounded(t *testing.T) {
	var b heldBudget
	if !b.hold(1<<40) || !b.holdOther(1<<40) {
		t.Error("refused without a limit")
	}
	b.drop(2 << 40)
	b.limit.Store(100)
	if !b.hold(60) || !b.hold(40) || b.hold(1) {
		t.Error("want 100 bytes of 100, and not one more")
	}
	b.drop(40)
	if !b.hold(40) {
		t.Error("what was given back was not to be had")
	}
	b.drop(100)
	if !b.holdOther(50) || b.holdOther(1) || !b.hold(50) {
		t.Error("want 50 bytes of 100 for reads, and the rest for a push")
	}
}

// TestWhatIsNotHeldStreams: with no room for bodies a push still passes, but a host that fails in the midst of it is the
// end of it, and the sender is told to come again. As long as nothing was sent, other hosts are tried.
func TestWhatIsNotHeldStreams(t *testing.T) {
	t.Parallel()
	cut := startScripted(t, func(l *line) { l.request(); l.reset() })
	good := startScripted(t, healthy)
	for _, c := range []struct {
		room   int64
		body   string
		addrs  []string
		status int
		seen   int64 // by the good host
	}{
		{100, strings.Repeat("x", 200), []string{good.addr}, 200, 1},
		{100, strings.Repeat("x", 200), []string{cut.addr, cut.addr}, 502, 0},
		{100, strings.Repeat("x", 200), []string{startRefusing(t), startRefusing(t), good.addr}, 200, 1},
		{100, "samples", []string{good.addr}, 200, 1},
		{0, strings.Repeat("x", 200), []string{good.addr}, 200, 1},
		{0, strings.Repeat("x", 2<<20), []string{cut.addr, cut.addr}, 502, 0}, // above retry_body_size
		{0, strings.Repeat("x", 2<<20), []string{startRefusing(t), startRefusing(t), good.addr}, 200, 1},
		{100, strings.Repeat("x", 200<<10), []string{cut.addr, cut.addr}, 502, 0}, // goes through the kernel
	} {
		for framing, request := range map[string]string{
			"by length": requestOf("write", "n", c.body), "in chunks": inChunks(requestOf("write", "n", c.body)),
		} {
			before, lost := good.seen.Load(), cut.seen.Load()
			g := startPatient(t, testRoutes(testPool(t, c.addrs...), nil))
			g.held.limit.Store(c.room)
			if got := g.ask(t, request); got.status != c.status {
				t.Errorf("%.80v %s: client got %v: %s", c, framing, got, got.body)
			}
			if seen := good.seen.Load() - before; seen != c.seen {
				t.Errorf("%.80v %s: the good host has seen %d pushes, want %d", c, framing, seen, c.seen)
			}
			if seen := cut.seen.Load() - lost; c.status == 502 && seen != 1 {
				t.Errorf("%.80v %s: a body that was not held was sent %d times", c, framing, seen)
			}
			eventually(t, "nothing is held", func() bool { return g.held.used.Load() == 0 })
		}
	}
}

// TestWhatIsHeldIsCounted: a body of either framing that is kept for a further attempt counts in bytes while it is under
// way, the largest that may be kept included, and one that has only been announced does not.
func TestWhatIsHeldIsCounted(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1000, 200 << 10, 1 << 20} {
		for framing, request := range map[string]string{
			"by length": requestOf("write", "n", strings.Repeat("x", size)), "in chunks": inChunks(requestOf("write", "n", strings.Repeat("x", size))),
		} {
			fails, waits := startScripted(t, func(l *line) { l.request(); l.reset() }), make(chan struct{})
			answers := startScripted(t, func(l *line) {
				for l.request() {
					<-waits
					l.say(answerOK)
				}
			})
			g := startPatient(t, testRoutes(testPool(t, fails.addr, answers.addr), nil))
			done := make(chan reply, 2)
			for range 2 { // one of them begins with the host that fails
				go func() { done <- g.ask(t, request) }()
			}
			eventually(t, "both are at the good host", func() bool { return answers.seen.Load() == 2 })
			if held := g.held.used.Load(); held < int64(2*size) || held > 2<<20 || size < 2000 && held != int64(2*size) {
				t.Errorf("%d bytes %s: %d are counted for two", size, framing, held)
			}
			close(waits)
			for range 2 {
				if got := <-done; got.status != 200 {
					t.Errorf("%d bytes %s: client got %v", size, framing, got)
				}
			}
			eventually(t, "nothing is held", func() bool { return g.held.used.Load() == 0 })
		}
	}
	g := startPatient(t, testRoutes(testPool(t, startRefusing(t)), nil))
	client := g.caller(t)
	if _, err := io.WriteString(client, requestOf("write", "n", strings.Repeat("x", 1<<20))[:2000]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request is under way", func() bool { return g.InFlight() == 1 })
	if held := g.held.used.Load(); held != 0 {
		t.Errorf("%d bytes are counted of a body that has only been announced", held)
	}
}
