package e2e

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// standIn takes pushes in Cortex's place, where a story is about headgate alone.
type standIn struct {
	addr     string
	url      string
	listener net.Listener
	server   *http.Server
	hold     time.Duration                 // how long it thinks about each push
	pushes   atomic.Int64                  // that it has read, answered or not
	unready  atomic.Bool                   // it fails the probes of its health
	hung     atomic.Pointer[chan struct{}] // not nil: pushes wait until it is closed

	droppable
}

// startStandIn serves at address until the test ends.
func startStandIn(t *testing.T, address string, hold time.Duration) *standIn {
	t.Helper()
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // packets to a socket of MPTCP cannot be filtered
	listener, err := plain.Listen(t.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &standIn{addr: listener.Addr().String(), listener: listener, hold: hold}
	s.url = "http://" + s.addr
	s.server = &http.Server{Handler: s, ConnState: s.droppable.follow}
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(listener) }()
	t.Cleanup(func() {
		s.fall()
		<-ended
	})
	return s
}

// fall ends it at once, as a process that is killed does.
func (s *standIn) fall() { _ = s.server.Close() }

// ServeHTTP answers one push, or a probe.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ready" {
		if s.unready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	hung := s.hung.Load() // before it counts: whoever has seen it counted knows what becomes of it
	s.pushes.Add(1)
	letPass(s.hold)
	if hung != nil {
		select {
		case <-*hung:
		case <-r.Context().Done():
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

// hang makes it answer nothing until hang(false).
func (s *standIn) hang(on bool) {
	if on {
		wait := make(chan struct{})
		s.hung.Store(&wait)
		return
	}
	if wait := s.hung.Swap(nil); wait != nil {
		close(*wait)
	}
}
