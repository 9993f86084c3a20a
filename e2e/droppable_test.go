package e2e

import (
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
)

// droppable are a server's connections, so that packets to all of them can be
// dropped: nothing is acknowledged any more, nothing is refused, as when a
// machine has lost its power or its cable.
type droppable struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// follow keeps count of the connections; it is a server's ConnState.
func (d *droppable) follow(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		if d.conns == nil {
			d.conns = map[net.Conn]struct{}{}
		}
		d.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(d.conns, c)
	}
}

// dropPackets drops every packet to the listener and to each connection from
// now on, or lets them pass again. Connections that are made later inherit from
// the listener.
func (s *standIn) dropPackets(t *testing.T, drop bool) {
	t.Helper()
	// The listener first: a connection that it accepts afterwards drops by itself.
	s.filter(t, s.listener, drop)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		s.filter(t, c, drop)
	}
}

// filter sets what one socket drops. A connection that has ended meanwhile does
// not matter.
func (s *standIn) filter(t *testing.T, socket any, drop bool) {
	t.Helper()
	raw, err := socket.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failure error
	if err := raw.Control(func(fd uintptr) { failure = dropOnSocket(int(fd), drop) }); err != nil {
		return
	}
	if failure != nil {
		missing(t, "cannot drop packets: "+failure.Error())
	}
}
