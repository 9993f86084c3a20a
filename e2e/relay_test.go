package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// relay is a listener that passes bytes on to another address, and the wire
// that a story cuts: all at once, or in the middle of a message.
type relay struct {
	addr string // where it listens
	to   string // where it passes on to

	mu     sync.Mutex
	pairs  map[*relayed]struct{}
	budget int64 // bytes until the connection that carries them is cut; negative: none is
	shut   bool  // new connections are cut at once
	cuts   int   // connections cut so far

	group sync.WaitGroup
}

// relayed is one connection through a relay, both halves of it.
type relayed struct{ in, out net.Conn }

func (p *relayed) cut() {
	reset(p.in)
	reset(p.out)
}

// reset ends a connection as a broken path would: what is in flight is gone,
// and the other side is not told how much of it arrived.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// startRelay listens on addr and passes on to another address until the test
// ends.
func startRelay(t *testing.T, addr, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: addr, to: to, pairs: map[*relayed]struct{}{}, budget: -1}
	r.group.Go(func() { r.accept(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		r.refuse(true)
		r.group.Wait()
	})
	return r
}

func (r *relay) accept(listener net.Listener) {
	for {
		in, err := listener.Accept()
		if err != nil {
			return
		}
		r.group.Go(func() { r.carry(in) })
	}
}

// carry connects in to the other side and copies both ways until one half ends;
// then both do.
func (r *relay) carry(in net.Conn) {
	out, err := net.Dial("tcp", r.to)
	if err != nil {
		reset(in)
		return
	}
	pair := &relayed{in: in, out: out}
	if !r.add(pair) {
		pair.cut()
		return
	}
	var copies sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		copies.Go(func() {
			r.copy(pair, way[1], way[0])
			_ = in.Close()
			_ = out.Close()
		})
	}
	copies.Wait()
	r.mu.Lock()
	delete(r.pairs, pair)
	r.mu.Unlock()
}

// add takes a connection in, unless the relay is shut.
func (r *relay) add(pair *relayed) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.shut {
		r.pairs[pair] = struct{}{}
	}
	return !r.shut
}

// copy passes on what comes from src, up to the byte at which it is to be cut.
func (r *relay) copy(pair *relayed, dst io.Writer, src io.Reader) {
	buf := make([]byte, 16<<10)
	for {
		n, err := src.Read(buf)
		pass, last := r.spend(n)
		if _, werr := dst.Write(buf[:pass]); werr != nil || err != nil {
			return
		}
		if last {
			pair.cut()
			return
		}
	}
}

// spend takes n bytes from what is left before the cut, and returns how many of
// them still pass and whether the connection ends with them.
func (r *relay) spend(n int) (pass int, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.budget < 0:
		return n, false
	case int64(n) < r.budget:
		r.budget -= int64(n)
		return n, false
	default:
		pass, r.budget = int(r.budget), -1
		r.cuts++
		return pass, true
	}
}

// cutAfter lets so many more bytes pass, in both directions together, and cuts
// the connection that carries the last of them, in the middle of whatever it
// carries.
func (r *relay) cutAfter(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget = bytes
}

// cutAll cuts every connection now.
func (r *relay) cutAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cutOpen()
}

// refuse cuts every connection and, until refuse(false), each new one too.
func (r *relay) refuse(shut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = shut
	if shut {
		r.cutOpen()
	}
}

// cutOpen cuts what is open; r.mu is held.
func (r *relay) cutOpen() {
	for pair := range r.pairs {
		pair.cut()
		r.cuts++
	}
}

// wasCut returns how many connections have been cut so far.
func (r *relay) wasCut() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cuts
}
