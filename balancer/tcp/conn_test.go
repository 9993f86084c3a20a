package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pair is a connection of ours and its other end.
func pair(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // what was accepted stays open
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := New(near.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ours.Close(), far.Close() })
	return ours, far.(*net.TCPConn)
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8 ^ i)
	}
	return b
}

// Both directions at once, more than any socket holds, in pieces of every size.
func TestBytesPassWholeInBothDirections(t *testing.T) {
	ours, far := pair(t)
	want := pattern(20 << 20)
	var all sync.WaitGroup
	all.Go(func() { _, _ = io.Copy(far, io.LimitReader(far, int64(len(want)))) }) // sends back what it gets
	all.Go(func() {
		for sent, size := 0, 1; sent < len(want); size = size*2%(4<<20) + 1 {
			n, err := ours.Write(want[sent:min(sent+size, len(want))])
			if err != nil {
				t.Errorf("write: %v", err)
				return
			}
			sent += n
		}
	})
	got := make([]byte, len(want))
	if n, err := io.ReadFull(struct{ io.Reader }{ours}, got); err != nil {
		t.Errorf("%d bytes, then %v", n, err)
	}
	all.Wait()
	if !bytes.Equal(got, want) {
		t.Error("the bytes that came back are not those that were sent")
	}
}

// Whatever happens to a connection, ours says of it what the net package says.
func TestErrorsAreThoseOfTheNetPackage(t *testing.T) {
	past := time.Unix(1, 0)
	for _, tt := range []struct {
		name    string
		prepare func(ours, far *net.TCPConn)
		is      error // of a read; nil: none
	}{
		{"the end", func(_, far *net.TCPConn) { _ = far.CloseWrite() }, io.EOF},
		{"a reset, which on loopback is there when Close returns", func(_, far *net.TCPConn) { _ = far.SetLinger(0); _ = far.Close() }, syscall.ECONNRESET},
		{"a deadline that has passed", func(ours, _ *net.TCPConn) { _ = ours.SetDeadline(past) }, os.ErrDeadlineExceeded},
		{"a deadline that passes", func(ours, _ *net.TCPConn) {
			_ = ours.SetReadDeadline(time.Now().Add(time.Millisecond))
		}, os.ErrDeadlineExceeded},
		{"closed by us", func(ours, _ *net.TCPConn) { _ = ours.Close() }, net.ErrClosed},
		{"a byte", func(_, far *net.TCPConn) { _, _ = far.Write([]byte("x")) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ours, far := pair(t)
			tt.prepare(ours.TCPConn, far)
			theirs, far := pair(t)
			tt.prepare(theirs.TCPConn, far)

			n, err := ours.Read(make([]byte, 2))
			wantN, wantErr := theirs.TCPConn.Read(make([]byte, 2))
			if n != wantN || !errors.Is(err, tt.is) || !errors.Is(wantErr, tt.is) || timesOut(err) != timesOut(wantErr) {
				t.Errorf("read: %d, %v; of the net package %d, %v", n, err, wantN, wantErr)
			}
			n, err = ours.Write([]byte("12"))
			wantN, wantErr = theirs.TCPConn.Write([]byte("12"))
			if n != wantN || (err == nil) != (wantErr == nil) || timesOut(err) != timesOut(wantErr) ||
				errors.Is(err, net.ErrClosed) != errors.Is(wantErr, net.ErrClosed) {
				t.Errorf("write: %d, %v; of the net package %d, %v", n, err, wantN, wantErr)
			}
		})
	}
}

func timesOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// A write that a deadline cuts says how much is on its way, and goes on from there under the next deadline.
func TestAWriteGoesOnAfterItsDeadline(t *testing.T) {
	ours, far := pair(t)
	want := pattern(32 << 20) // more than both sockets hold
	if err := ours.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := ours.Write(want)
	if n == 0 || n == len(want) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d of %d bytes, %v: want some, and the deadline", n, len(want), err)
	}
	if err := ours.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		if m, err := ours.Write(want[n:]); n+m != len(want) || err != nil {
			t.Errorf("the rest: %d bytes, %v", m, err)
		}
	})
	got := make([]byte, len(want))
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what came is not what was sent (%v)", err)
	}
	sending.Wait()
}

func TestCloseEndsAReadAndAWriteThatWait(t *testing.T) {
	ours, _ := pair(t)
	ended := make(chan error, 2)
	go func() {
		_, err := ours.Read(make([]byte, 1))
		ended <- err
	}()
	go func() {
		_, err := ours.Write(make([]byte, 32<<20))
		ended <- err
	}()
	_ = ours.Close()
	for range 2 {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v: want %v", err, net.ErrClosed)
		}
	}
}

func TestNothingIsReadOrWrittenOfNothing(t *testing.T) {
	ours, _ := pair(t)
	if n, err := ours.Read(nil); n != 0 || err != nil {
		t.Errorf("read: %d, %v", n, err)
	}
	if n, err := ours.Write(nil); n != 0 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
}

// Quiet sees what would be read, and leaves it there, a passed deadline or not; ReadArrived takes it.
func TestWhatHasArrived(t *testing.T) {
	ours, far := pair(t)
	if err := ours.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !ours.Quiet() {
		t.Error("not quiet before anything came")
	}
	if n, err := ours.ReadArrived(make([]byte, 2)); n != 0 || err != syscall.EAGAIN {
		t.Errorf("read of what has come: %d, %v: want %v", n, err, syscall.EAGAIN)
	}
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := ours.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	waitForBytes(t, ours)
	if ours.Quiet() {
		t.Error("quiet with a byte there")
	}
	if n, err := ours.ReadArrived(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("read of what has come: %d, %v: want the byte", n, err)
	}
	_ = far.Close()
	waitForBytes(t, ours)
	if ours.Quiet() {
		t.Error("quiet at the end")
	}
	if n, err := ours.ReadArrived(make([]byte, 2)); n != 0 || err != io.EOF {
		t.Errorf("read of what has come: %d, %v: want the end", n, err)
	}
}

// waitForBytes waits until there is something to read, or the end.
func waitForBytes(t *testing.T, c *Conn) {
	t.Helper()
	err := c.Raw().Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		return err != syscall.EAGAIN
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadAndWriteAllocNothing(t *testing.T) {
	ours, far := pair(t)
	out, in := []byte("12345678"), make([]byte, 8)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ours.Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(in); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Write(out); err != nil {
			t.Fatal(err)
		}
		ours.Quiet()
		if _, err := ours.Read(in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
