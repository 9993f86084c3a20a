package balancer

import (
	"sync"
	"testing"
)

func TestHostThatLeavesClosesIdleConnectionsAtOnceAndOthersWhenReleased(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	p := New(Options{Targets: []Target{u.target()}}, nil)
	h := p.Hosts()[0]
	idle, busy := acquire(t, h), acquire(t, h)
	idleEnd, busyEnd := u.next(t), u.next(t)
	idle.Release()
	p.Close()
	wantClosed(t, idleEnd)
	exchange(t, busy, busyEnd) // finishes undisturbed
	busy.Release()
	wantClosed(t, busyEnd)
	if open, _ := h.Connections(); open != 0 {
		t.Errorf("%d connections left, want 0", open)
	}
}

// A request picked the host before it left, and comes to it only now.
func TestHostThatLeftStillServesWhoPickedIt(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	p := New(Options{Targets: []Target{u.target()}}, nil)
	h := p.Pick(nil)
	p.Close()
	c := acquire(t, h)
	end := u.next(t)
	exchange(t, c, end)
	c.Release()
	wantClosed(t, end)
	if p.Pick(nil) != h {
		t.Error("a closed pool no longer answers the requests that began with it")
	}
}

// lateLender lets the host go just before a connection is given back.
type lateLender struct {
	lender
	before func()
}

func (l lateLender) giveBack(c *conn) {
	l.before()
	l.lender.giveBack(c)
}

func TestConnectionReleasedWhileTheHostLeavesIsClosed(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	p := New(Options{Targets: []Target{u.target()}}, nil)
	h := p.Hosts()[0]
	h.conns = lateLender{h.conns, p.Close}
	acquire(t, h).Release()
	wantClosed(t, u.next(t))
	if open, idle := h.Connections(); open != 0 || idle != 0 {
		t.Errorf("%d connections left, %d of them idle", open, idle)
	}
}

// Whichever comes first, the release or the end of the host, no connection stays.
func TestReleaseWhileTheHostLeavesLeavesNoConnection(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	for range 200 {
		p := New(Options{Targets: []Target{u.target()}}, nil)
		h := p.Hosts()[0]
		c := acquire(t, h)
		var wg sync.WaitGroup
		wg.Go(c.Release)
		wg.Go(p.Close)
		wg.Wait()
		if open, idle := h.Connections(); open != 0 || idle != 0 {
			t.Fatalf("%d connections left, %d of them idle", open, idle)
		}
	}
}
