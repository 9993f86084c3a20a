package balancer

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestConnectionsAreLimitedPerHost(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{MaxConnections: 2})
	a := acquire(t, h)
	acquire(t, h)
	if c, err := h.Acquire(time.Now(), 0, time.Hour); !errors.Is(err, ErrNoConnection) {
		t.Errorf("Acquire = %v, %v; want ErrNoConnection", c, err)
	}
	if n := h.series.noConnection.Load(); n != 1 {
		t.Errorf("%d refusals were counted, want 1", n)
	}
	a.Discard()
	acquire(t, h)
}

func TestAcquireWaitsForAConnection(t *testing.T) {
	tests := []struct {
		name string
		end  func(*Conn)
		want bool // fresh
	}{
		{"that is released", (*Conn).Release, false},
		{"that makes room by its end", (*Conn).Discard, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := hostOf(t, listen(t, "127.0.0.1:0", nil), Options{MaxConnections: 1, QueueTimeout: time.Minute})
			c := acquire(t, h)
			var wg sync.WaitGroup
			wg.Go(func() {
				c, err := h.Acquire(time.Now(), time.Minute, time.Hour)
				if err != nil || c.Fresh() != tt.want {
					t.Errorf("Acquire = %+v, %v; want fresh = %v", c, err, tt.want)
				}
			})
			tt.end(c)
			wg.Wait()
		})
	}
}

func TestWaitEndsWithTheShorterLimit(t *testing.T) {
	tests := []struct {
		name        string
		queue, wait time.Duration
	}{
		{"the queue's", time.Millisecond, time.Hour},
		{"the queue's, the caller has none", time.Millisecond, 0},
		{"the caller's", time.Hour, time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := hostOf(t, listen(t, "127.0.0.1:0", nil), Options{MaxConnections: 1, QueueTimeout: tt.queue})
			acquire(t, h)
			if _, err := h.Acquire(time.Now(), tt.wait, time.Hour); !errors.Is(err, ErrNoConnection) {
				t.Errorf("error %v, want ErrNoConnection", err)
			}
		})
	}
}

func TestHostThatRefusesIsAConnectError(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{MaxConnections: 1})
	_ = u.Close()
	for range 3 { // a failed dial takes no place
		_, err := h.Acquire(time.Now(), 0, time.Hour)
		if !errors.Is(err, ErrConnect) || !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatalf("error %v, want ErrConnect and ECONNREFUSED", err)
		}
		want := "connect to upstream host " + h.Addr() + ": connect: connection refused"
		if err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
	if dials, failed := h.series.dials.Load(), h.series.dialErrors.Load(); dials != 3 || failed != 3 {
		t.Errorf("%d dials, %d failed were counted; want 3, 3", dials, failed)
	}
}

// A listener that never accepts, with its queue full, swallows the next SYN.
func TestConnectEndsWithItsTimeout(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(name.(*unix.SockaddrInet4).Port)
	for _, tt := range []struct{ connect, wait time.Duration }{
		{100 * time.Millisecond, 0}, {100 * time.Millisecond, time.Hour}, {time.Hour, 100 * time.Millisecond},
	} {
		p := New(Options{Targets: []Target{{Literal, "127.0.0.1", port}}, ConnectTimeout: tt.connect}, nil)
		for {
			_, err = p.Hosts()[0].Acquire(time.Now(), tt.wait, time.Hour)
			if err != nil { // until then the kernel's queue took them
				break
			}
		}
		var timeout net.Error
		if !errors.Is(err, ErrConnect) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("connect %v, wait %v: error %v, want ErrConnect and a timeout", tt.connect, tt.wait, err)
		}
		p.Close()
	}
}

func TestIPv6HostIsDialed(t *testing.T) {
	u := listen(t, "[::1]:0", nil)
	h := hostOf(t, u, Options{})
	if want := u.Addr().String(); h.Addr() != want {
		t.Errorf("Addr() = %q, want %q", h.Addr(), want)
	}
	c := acquire(t, h)
	exchange(t, c, u.next(t))
}

// TestMaxConnectionsOfHostsThatArePassedOver: such a host counts with what is still under way there; when all are passed
// over, they are all used.
func TestMaxConnectionsOfHostsThatArePassedOver(t *testing.T) {
	o := Options{Targets: literals(3), MaxConnections: 10, MaxFails: 1, FailTimeout: time.Hour}
	p := New(o, nil)
	defer p.Close()
	want := func(p *Pool, n int) {
		t.Helper()
		if got := p.MaxConnections(); got != n {
			t.Errorf("%d connections, want %d", got, n)
		}
	}
	hosts := p.Hosts()
	want(p, 30)
	for range 4 {
		hosts[0].Begin()
	}
	want(p, 30)
	hosts[0].Failed()
	want(p, 24)
	hosts[0].End()
	want(p, 23)
	hosts[1].Failed()
	want(p, 13)
	hosts[2].Failed()
	want(p, 30)
	hosts[2].Succeeded()
	want(p, 13)

	// So it stays over a reload, and one that comes to nothing.
	next := New(o, p)
	want(next, 13)
	hosts[1].Succeeded()
	want(next, 23)
	next.Close()
	want(p, 23)
	hosts[0].Succeeded()
	want(p, 30)
	next = New(o, p)
	hosts[1].Failed() // which the one before learns only when it looks after the host again
	want(next, 20)
	next.Close()
	want(p, 20)
	hosts[1].Succeeded()
	want(p, 30)

	for range 12 { // more than it may have connections
		hosts[0].Begin()
	}
	hosts[0].Failed()
	want(p, 30)
	p.link.maxConnections = 0
	want(p, 0)
}
