package balancer

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// moment is a deadline that passes while nothing is read, or nothing comes.
const moment = 5 * time.Millisecond

// TestTLSWriteGoesOnAfterADeadline sends to a host that reads only when the deadline of a write has passed, and then as
// much as lies between two of the sizes of records: each time the write goes on where it was, and what the host gets is
// what was sent.
func TestTLSWriteGoesOnAfterADeadline(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			u, h := tlsHost(t, &tls.Config{MinVersion: version, MaxVersion: version}, &tls.Config{})
			c := acquire(t, h)
			end := u.next(t)
			sent := make([]byte, 8<<20)
			rand.NewChaCha8([32]byte{}).Read(sent) //nolint:errcheck // it never fails
			var got []byte
			passed, patience := 0, time.Now().Add(30*time.Second)
			for rest := sent; ; passed++ {
				within(t, c, moment)
				n, err := c.NetConn().Write(rest)
				rest = rest[n:]
				if err == nil {
					break
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(patience) {
					t.Fatalf("%d of %d bytes are left: %v", len(rest), len(sent), err)
				}
				piece := make([]byte, min(100_001, len(sent)-len(rest)-len(got)))
				if _, err := io.ReadFull(end, piece); err != nil {
					t.Fatal(err)
				}
				got = append(got, piece...)
			}
			if passed == 0 {
				t.Fatal("no deadline passed: the case tests nothing")
			}
			rest := make([]byte, len(sent)-len(got))
			if _, err := io.ReadFull(end, rest); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(append(got, rest...), sent) {
				t.Error("the host got something else than was sent")
			}
			within(t, c, time.Minute)
			exchange(t, c, end)
			c.Release()
			if c = acquire(t, h); c.Fresh() {
				t.Error("the connection was not used again")
			}
			within(t, c, time.Minute)
			exchange(t, c, end)
		})
	}
}

// TestTLSWriteFailsWhenTheHostHasGone: what is kept for a later write does not hide that there is none.
func TestTLSWriteFailsWhenTheHostHasGone(t *testing.T) {
	u, h := tlsHost(t, &tls.Config{}, &tls.Config{})
	c := acquire(t, h)
	end := u.next(t)
	exchange(t, c, end)
	var err error
	for err == nil {
		within(t, c, moment)
		_, err = c.NetConn().Write(make([]byte, 1<<20))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	_ = end.(*tls.Conn).NetConn().Close()
	within(t, c, time.Minute)
	if _, err := c.NetConn().Write(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v, want that of a connection that has ended", err)
	}
}

// TestTLSReadGoesOnAfterADeadline cuts an answer at every byte of its record.
func TestTLSReadGoesOnAfterADeadline(t *testing.T) {
	ca := newAuthority(t)
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{TLS: &tls.Config{RootCAs: ca.pool}})
	var end *tls.Conn
	var shaking sync.WaitGroup
	shaking.Go(func() {
		end = tls.Server(&holdBack{Conn: u.next(t)}, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1")}})
		if err := end.Handshake(); err != nil {
			t.Error(err)
		}
	})
	c := acquire(t, h)
	shaking.Wait()
	exchange(t, c, end)
	record := hold(t, end, "answer").held.Len()
	held := end.NetConn().(*holdBack)
	held.release(t, record)
	if _, err := io.ReadFull(c.NetConn(), make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < record; cut++ {
		hold(t, end, "answer").release(t, cut)
		arrived(t, c.conn)
		within(t, c, moment)
		b := make([]byte, 6)
		if n, err := c.NetConn().Read(b); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d bytes of the record: read %d, %v", cut, n, err)
		}
		held.release(t, record-cut)
		within(t, c, time.Minute)
		if _, err := io.ReadFull(c.NetConn(), b); err != nil || string(b) != "answer" {
			t.Fatalf("cut after %d bytes: read %q, %v", cut, b, err)
		}
	}
}

func within(t *testing.T, c *Conn, d time.Duration) {
	t.Helper()
	if err := c.Within(time.Now(), d); err != nil {
		t.Fatal(err)
	}
}
