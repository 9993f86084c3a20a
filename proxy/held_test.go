package proxy

import (
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
	} {
		before, lost := good.seen.Load(), cut.seen.Load()
		g := startPatient(t, testRoutes(testPool(t, c.addrs...), nil))
		g.held.limit.Store(c.room)
		if got := g.ask(t, requestOf("write", "n", c.body)); got.status != c.status {
			t.Errorf("%.80v: client got %v: %s", c, got, got.body)
		}
		if seen := good.seen.Load() - before; seen != c.seen {
			t.Errorf("%.80v: the good host has seen %d pushes, want %d", c, seen, c.seen)
		}
		if seen := cut.seen.Load() - lost; c.status == 502 && seen != 1 {
			t.Errorf("%.80v: a body that was not held was sent %d times", c, seen)
		}
		eventually(t, "nothing is held", func() bool { return g.held.used.Load() == 0 })
	}
}
