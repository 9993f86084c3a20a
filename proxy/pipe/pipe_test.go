package pipe

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func needsLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("there are such pipes on Linux only")
	}
}

// pair is the two ends of a TCP connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed.(*net.TCPConn), accepted.(*net.TCPConn)
}

func raw(t *testing.T, c *net.TCPConn) syscall.RawConn {
	t.Helper()
	r, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lend(t *testing.T, p *Pool) *Pipe {
	t.Helper()
	lent := p.Lend()
	if lent == nil {
		t.Fatal("no pipe was lent")
	}
	return lent
}

// TestWhatPassesIsWhatCame sends bodies of many sizes through a pipe, keeps a copy of each in another, and sends that too.
func TestWhatPassesIsWhatCame(t *testing.T) {
	needsLinux(t)
	random := rand.New(rand.NewPCG(1, 2))
	pool := NewPool(4)
	defer pool.Close()
	for _, size := range []int{1, 4096, 65537, 300_001, 1 << 20, 3 << 20} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		sender, in := pair(t)
		out, receiver := pair(t)
		go func() { sender.Write(body); sender.CloseWrite() }() //nolint:errcheck // the end tells
		got := make(chan []byte, 2)
		go func() {
			for range 2 {
				b := make([]byte, size)
				io.ReadFull(receiver, b) //nolint:errcheck // the end tells
				got <- b
			}
		}()

		through, kept := lend(t, pool), lend(t, pool)
		whole := true
		for {
			n, err := through.Fill(raw(t, in), 1<<19)
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 || n > Piece || n != through.Len() {
				t.Fatalf("%d bytes: filled %d of %d, %v, want %d at most", size, n, through.Len(), err, Piece)
			}
			whole = whole && through.CopyTo(kept)
			if m, err := through.Drain(raw(t, out)); err != nil || m != n || through.Len() != 0 {
				t.Fatalf("%d bytes: drained %d of %d, %v", size, m, n, err)
			}
		}
		if !bytes.Equal(<-got, body) {
			t.Errorf("%d bytes: they are others at the end", size)
		}
		if size <= Size/2 && !whole {
			t.Errorf("%d bytes: a pipe had no room for them", size)
		}
		if whole {
			if !kept.CopyTo(through) || through.Len() != size || kept.Len() != size {
				t.Fatalf("%d bytes: a copy of the copy has %d", size, through.Len())
			}
			if _, err := through.Drain(raw(t, out)); err != nil || !bytes.Equal(<-got, body) {
				t.Errorf("%d bytes: they are others the second time, %v", size, err)
			}
			again, err := io.ReadAll(kept)
			if err != nil || !bytes.Equal(again, body) || kept.Len() != 0 {
				t.Errorf("%d bytes: read as %d, %v", size, len(again), err)
			}
		}
		through.Release()
		kept.Release()
	}
}

// TestManySmallPiecesFillAPipe: slots are used up long before bytes are, and what had room is what came first.
func TestManySmallPiecesFillAPipe(t *testing.T) {
	needsLinux(t)
	pool := NewPool(2)
	defer pool.Close()
	sender, in := pair(t)
	through, kept := lend(t, pool), lend(t, pool)
	var sent []byte
	for i := range 2 * Slots {
		piece := []byte{byte(i), byte(i >> 8), 'x'}
		if _, err := sender.Write(piece); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < len(piece); {
			n, err := through.Fill(raw(t, in), len(piece)-got)
			if err != nil {
				t.Fatal(err)
			}
			got += n
			room := through.CopyTo(kept)
			before := len(sent)
			if sent = append(sent, piece[got-n:got]...); room {
				through.Drop()
				continue
			}
			if before < Slots || kept.Len() > len(sent) {
				t.Fatalf("there was no room behind %d bytes, and %d are kept", before, kept.Len())
			}
			all, err := io.ReadAll(kept)
			if err != nil || !bytes.Equal(all, sent[:len(all)]) || len(all) < before {
				t.Fatalf("kept are %d bytes of %d, %v", len(all), before, err)
			}
			return
		}
	}
	t.Error("the pipe was never full")
}

// TestDeadlinesHoldForPipes: a connection's deadline ends Fill and Drain as it ends Read and Write, and the end of the
// stream is told.
func TestDeadlinesHoldForPipes(t *testing.T) {
	needsLinux(t)
	pool := NewPool(2)
	defer pool.Close()
	far, near := pair(t)
	p := lend(t, pool)
	near.SetDeadline(time.Now().Add(time.Millisecond)) //nolint:errcheck // the next line tells
	if n, err := p.Fill(raw(t, near), 10); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Fill gave %d, %v", n, err)
	}
	near.SetDeadline(time.Time{}) //nolint:errcheck // the next line tells

	// Nobody reads at the other end, so there comes a time when nothing more can be sent.
	source, feed := pair(t)
	total := 0
	for {
		if _, err := feed.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		n, err := p.Fill(raw(t, source), 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		near.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)) //nolint:errcheck // the next line tells
		m, err := p.Drain(raw(t, near))
		if total += m; err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || m+p.Len() != n {
			t.Errorf("Drain moved %d of %d, %d are left: %v", m, n, p.Len(), err)
		}
		break
	}
	near.SetWriteDeadline(time.Time{}) //nolint:errcheck // the next line tells
	go func() { p.Drain(raw(t, near)); near.CloseWrite() }()
	got, err := io.Copy(io.Discard, far)
	if err != nil || got < int64(total) {
		t.Errorf("%d bytes of more than %d came, %v", got, total, err)
	}
	far.CloseWrite() //nolint:errcheck // the next line tells
	if n, err := lend(t, pool).Fill(raw(t, near), 10); n != 0 || err != io.EOF {
		t.Errorf("at the end Fill gave %d, %v", n, err)
	}
}

// TestAPoolKeepsToItsLimitAndCloses: no more pipes than it may have, those that nobody needs close, and so does what comes
// back after the end.
func TestAPoolKeepsToItsLimitAndCloses(t *testing.T) {
	needsLinux(t)
	synctest.Test(t, func(t *testing.T) {
		pool := NewPool(3)
		a, b, c := pool.Lend(), pool.Lend(), pool.Lend()
		if a == nil || b == nil || c == nil || pool.Lend() != nil || pool.Open() != 3 {
			t.Fatalf("%d pipes are open, of 3", pool.Open())
		}
		a.Release()
		if again := pool.Lend(); again != a {
			t.Error("the pipe that came back is not lent again")
		}
		a.Release()
		b.Release()
		time.Sleep(idleTime + time.Second)
		pool.Lend().Release() // one of the two is used now and then
		time.Sleep(idleTime)
		if pool.Open() != 2 {
			t.Errorf("%d pipes are open, want the one that is lent and one that was needed", pool.Open())
		}
		time.Sleep(2 * idleTime)
		if pool.Open() != 1 {
			t.Errorf("%d pipes are open, want the one that is lent", pool.Open())
		}
		pool.Close()
		if pool.Lend() != nil {
			t.Error("a closed pool lends")
		}
		c.Release()
		if pool.Open() != 0 || pool.sink != -1 {
			t.Errorf("%d pipes are open at the end, and file %d", pool.Open(), pool.sink)
		}
	})
}

// TestNoPipesNoLoan: none are lent where there may be none.
func TestNoPipesNoLoan(t *testing.T) {
	for _, limit := range []int{0, -1} {
		if pool := NewPool(limit); pool.Lend() != nil {
			t.Errorf("a pool of %d lends", limit)
		}
	}
	var none *Pipe
	none.Release()
	if none.Len() != 0 {
		t.Error("nothing has a length")
	}
}
