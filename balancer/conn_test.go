package balancer

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReleasedConnectionIsUsedAgain(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{})
	c := acquire(t, h)
	end := u.next(t)
	if !c.Fresh() {
		t.Error("the first connection is not fresh")
	}
	for range 3 {
		exchange(t, c, end)
		c.Release()
		c = acquire(t, h)
		if c.Fresh() {
			t.Error("a connection that was used before is fresh")
		}
	}
	c.Release()
	u.none(t)
	if open, idle := h.Connections(); open != 1 || idle != 1 {
		t.Errorf("%d connections, %d of them idle; want 1, 1", open, idle)
	}
}

func TestLastReleasedConnectionIsUsedFirst(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{})
	a, b := acquire(t, h), acquire(t, h)
	last := b.NetConn()
	a.Release()
	b.Release()
	if c := acquire(t, h); c.NetConn() != last {
		t.Error("the connection that had rested longest came first")
	}
}

func TestDiscardedConnectionIsClosed(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{})
	c := acquire(t, h)
	c.Discard()
	wantClosed(t, u.next(t))
	if open, _ := h.Connections(); open != 0 {
		t.Errorf("%d connections, want 0", open)
	}
}

// wantClosed fails the test unless the other side has closed the connection.
func wantClosed(t testing.TB, end net.Conn) {
	t.Helper()
	_ = end.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := end.Read(make([]byte, 1))
	var timeout net.Error
	if n > 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("read %d bytes, %v; want the connection closed", n, err)
	}
}

// Bytes on an idle connection would be the answer to somebody else's next request (http-edge F9).
func TestConnectionThatIsNotQuietIsNotUsedAgain(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, end *net.TCPConn)
	}{
		{"surplus bytes", func(t *testing.T, end *net.TCPConn) { send(t, end, "HTTP/1.1 200 OK\r\n") }},
		{"one byte", func(t *testing.T, end *net.TCPConn) { send(t, end, "H") }},
		{"closed by the host", func(_ *testing.T, end *net.TCPConn) { _ = end.Close() }},
		{"half closed by the host", func(_ *testing.T, end *net.TCPConn) { _ = end.CloseWrite() }},
		{"reset by the host", func(_ *testing.T, end *net.TCPConn) { _ = end.SetLinger(0); _ = end.Close() }},
		{"bytes, then closed", func(t *testing.T, end *net.TCPConn) {
			send(t, end, "HTTP/1.1 408 Request Timeout\r\n")
			_ = end.Close()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := listen(t, "127.0.0.1:0", nil)
			h := hostOf(t, u, Options{})
			good, bad := acquire(t, h), acquire(t, h)
			goodEnd, badEnd := u.next(t), u.next(t)
			exchange(t, good, goodEnd)
			exchange(t, bad, badEnd)
			kept := good.NetConn()
			good.Release()
			bad.Release() // comes first, see above
			tt.end(t, badEnd.(*net.TCPConn))
			arrived(t, bad.conn)

			c := acquire(t, h)
			if c.NetConn() != kept {
				t.Error("the next kept connection was not used instead")
			}
			exchange(t, c, goodEnd)
			wantClosed(t, badEnd)
			if n := h.series.stale.Load(); n != 1 {
				t.Errorf("%d stale connections were counted, want 1", n)
			}
			c.Release()
			u.none(t)
		})
	}
}

func TestLookAtAnIdleConnectionDoesNotMindAPassedDeadline(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{})
	c := acquire(t, h)
	if err := c.NetConn().SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !c.conn.socket.quiet() {
		t.Error("a connection with a passed deadline does not look quiet")
	}
	end := u.next(t)
	c.Release()
	c = acquire(t, h)
	if c.Fresh() {
		t.Error("the connection was not used again")
	}
	if err := c.Within(time.Now(), time.Minute); err != nil {
		t.Fatal(err)
	}
	exchange(t, c, end)
}

func TestWithinMovesADeadlineOnlyWhenItMatters(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	c := acquire(t, hostOf(t, u, Options{}))
	defer c.Discard()
	now := time.Now()
	for _, step := range []struct {
		what  string
		after time.Duration
		d     time.Duration
		moved bool
	}{
		{"the first one is set", 0, 8 * time.Second, true},
		{"a moment later it still fits", time.Second - 1, 8 * time.Second, false},
		{"it would fire early", time.Second + 1, 8 * time.Second, true},
		{"it would fire much too late", time.Second + 1, 4 * time.Second, true},
		{"it has passed", time.Minute, time.Second, true},
	} {
		before := c.conn.deadline
		at := now.Add(step.after)
		if err := c.Within(at, step.d); err != nil {
			t.Fatal(err)
		}
		if moved := c.conn.deadline != before; moved != step.moved {
			t.Errorf("%s: moved %v, want %v", step.what, moved, step.moved)
		}
		if left := c.conn.deadline.Sub(at); left < step.d || left > step.d+step.d/8 {
			t.Errorf("%s: fires after %v, want %v or up to an eighth more", step.what, left, step.d)
		}
	}
	if err := c.Within(time.Now().Add(-time.Hour), time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NetConn().Read(make([]byte, 1)); err == nil || !err.(net.Error).Timeout() {
		t.Errorf("a read after the deadline: %v, want a timeout", err)
	}
}

func TestReleaseOfAnAbortedConnectionDoesNotKeepIt(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{})
	c := acquire(t, h)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.NetConn().Read(make([]byte, 1)); err == nil {
			t.Error("the read that was to be cut gave something")
		}
	})
	c.Abort()
	c.Abort()
	wg.Wait()
	c.Release()
	if open, _ := h.Connections(); open != 0 {
		t.Errorf("%d connections, want 0", open)
	}
	wantClosed(t, u.next(t))
}

func TestSecondReleasePanics(t *testing.T) {
	tests := []struct {
		name          string
		first, second func(*Conn)
	}{
		{"release, release", (*Conn).Release, (*Conn).Release},
		{"release, discard", (*Conn).Release, (*Conn).Discard},
		{"discard, release", (*Conn).Discard, (*Conn).Release},
		{"discard, discard", (*Conn).Discard, (*Conn).Discard},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := hostOf(t, listen(t, "127.0.0.1:0", nil), Options{})
			c := acquire(t, h)
			tt.first(c)
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "BUG: ") {
					t.Errorf("recovered %q, want a text with BUG:", text)
				}
			}()
			tt.second(c)
		})
	}
}

func TestConnectionThatIsTooOldIsClosed(t *testing.T) {
	const age = time.Hour
	tests := []struct {
		name string
		end  func(*Host, *Conn) // how the old connection meets its end
	}{
		{"at release", func(h *Host, c *Conn) {
			c.conn.expiry = time.Now()
			c.Release()
			if open, _ := h.Connections(); open != 0 {
				t.Errorf("%d connections after the release, want 0", open)
			}
		}},
		{"before it is used again", func(_ *Host, c *Conn) { c.Release(); c.conn.expiry = time.Now() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := listen(t, "127.0.0.1:0", nil)
			h := hostOf(t, u, Options{MaxConnectionAge: age})
			c := acquire(t, h)
			if left := time.Until(c.conn.expiry); left > age || left < age*9/10-time.Minute {
				t.Errorf("the connection expires in %v, want it in the last tenth of %v", left, age)
			}
			c.Release()
			if c = acquire(t, h); c.Fresh() {
				t.Error("a young connection was not used again")
			}
			end := u.next(t)
			tt.end(h, c)
			if c := acquire(t, h); !c.Fresh() {
				t.Error("an old connection was used again")
			}
			wantClosed(t, end)
			if n := h.series.stale.Load(); n != 0 {
				t.Errorf("%d stale connections were counted, want 0: age is no fault", n)
			}
		})
	}
}

func TestAcquireFreshPassesOverKeptConnections(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{MaxConnections: 2})
	a, b := acquire(t, h), acquire(t, h)
	a.Release()
	b.Release()
	c, err := h.AcquireFresh(time.Now(), time.Minute, time.Hour)
	if err != nil || !c.Fresh() {
		t.Fatalf("AcquireFresh = %+v, %v; want a fresh connection", c, err)
	}
	wantClosed(t, u.next(t))
	wantClosed(t, u.next(t))
}

// keptLender has one kept connection after the other.
type keptLender struct {
	lender
	waits []time.Duration
}

func (l *keptLender) take(wait time.Duration) (*conn, error) {
	l.waits = append(l.waits, wait)
	return &conn{}, nil
}

func (l *keptLender) discard(*conn) {}

func TestCallersTimeIsNotSpentTwice(t *testing.T) {
	h := literalPool(t, 1).Hosts()[0]
	kept := &keptLender{lender: h.conns}
	h.conns = kept
	if _, err := h.AcquireFresh(time.Now(), 10*time.Millisecond, time.Hour); !errors.Is(err, ErrNoConnection) {
		t.Errorf("error %v, want ErrNoConnection", err)
	}
	if n := len(kept.waits); n < 2 || kept.waits[n-1] >= kept.waits[0] || kept.waits[n-1] <= 0 {
		t.Errorf("after %d connections the wait is %v", n, kept.waits[n-1])
	}
	h.conns = kept.lender
}
