package pipe

import (
	"errors"
	"io"
	"syscall"
)

// Size is how large a pipe is, in bytes: as large as the kernel lets everybody have one. Its slots fill up before that,
// see Slots.
const Size = 1 << 20

// Piece is how many bytes go into a pipe at a time at most. The other side reads what it has got while the next piece comes;
// moving all of a large body at once would make it wait, and everybody else.
const Piece = 256 << 10

// Slots is how many pieces of memory a pipe can hold, of up to 32 KiB each as senders on this machine make them, of one
// packet each as network cards do.
const Slots = Size / 4096

// Pipe holds bytes that are on their way. It is lent by a Pool and is not safe for concurrent use.
type Pipe struct {
	pool *Pool
	r, w int // file descriptors
	held int // bytes in it

	// Arguments and results of the two functions, which are bound once: a closure made for each call would be garbage.
	limit       int
	moved       int
	err         error
	fill, drain func(fd uintptr) (done bool)
}

// newPipe opens a pipe of Size bytes.
func newPipe(pool *Pool) (*Pipe, error) {
	r, w, err := openPipe(Size)
	if err != nil {
		return nil, err
	}
	p := &Pipe{pool: pool, r: r, w: w}
	p.fill, p.drain = p.fillOnce, p.drainOnce
	return p, nil
}

func (p *Pipe) close() {
	_ = closeFile(p.r)
	_ = closeFile(p.w)
}

// Len is how many bytes are in the pipe; none in a nil one.
func (p *Pipe) Len() int {
	if p == nil {
		return 0
	}
	return p.held
}

// Full reports whether nothing more goes into the pipe.
func (p *Pipe) Full() bool { return p.held > 0 && !writable(p.w) }

// Fill waits until bytes have come on a connection, as its Read would, deadline included, and moves up to limit of them,
// and no more than Piece, into the pipe, which must not be full. The error is io.EOF at the end of what comes.
func (p *Pipe) Fill(from syscall.RawConn, limit int) (int, error) {
	p.limit = min(limit, Piece)
	err := from.Read(p.fill)
	if err == nil {
		err = p.err
	}
	if err == nil && p.moved == 0 {
		err = io.EOF
	}
	if err != nil {
		return 0, err
	}
	p.held += p.moved
	return p.moved, nil
}

func (p *Pipe) fillOnce(fd uintptr) (done bool) {
	p.moved, p.err = splice(int(fd), p.w, p.limit)
	return p.err != syscall.EAGAIN
}

// Drain moves all that is in the pipe to a connection, waiting as its Write would, deadline included. What was moved
// before an error is returned with it.
func (p *Pipe) Drain(to syscall.RawConn) (n int, err error) {
	for p.held > 0 {
		if err = to.Write(p.drain); err == nil {
			err = p.err
		}
		if err == nil && p.moved == 0 {
			err = io.ErrNoProgress
		}
		if err != nil {
			return n, err
		}
		p.held -= p.moved
		n += p.moved
	}
	return n, nil
}

func (p *Pipe) drainOnce(fd uintptr) (done bool) {
	p.moved, p.err = splice(p.r, int(fd), p.held)
	return p.err != syscall.EAGAIN
}

// CopyTo puts all that is in the pipe behind what is in another one, which then shares its memory. It reports false when
// that other one has no room for all of it; what there was room for is in it.
func (p *Pipe) CopyTo(other *Pipe) bool {
	n, err := tee(p.r, other.w, p.held)
	if err != nil {
		return p.held == 0
	}
	other.held += n
	return n == p.held
}

// Read implements io.Reader: it takes bytes out of the pipe, and never waits. The error is io.EOF when that is empty.
func (p *Pipe) Read(b []byte) (int, error) {
	if p.held == 0 {
		return 0, io.EOF
	}
	n, err := syscall.Read(p.r, b)
	if err != nil {
		return 0, err
	}
	p.held -= n
	return n, nil
}

// Drop forgets what is in the pipe, and reports whether that is empty now.
func (p *Pipe) Drop() bool {
	for p.held > 0 {
		n, err := splice(p.r, p.pool.sink, p.held)
		if err != nil || n == 0 {
			return false
		}
		p.held -= n
	}
	return true
}

// Release ends the loan; that of nil is none.
func (p *Pipe) Release() {
	if p != nil {
		p.pool.take(p)
	}
}

// errTry says that a system call that pipes need is not to be had.
var errTry = errors.New("splice and tee do not work here")

// try finds out, with two pipes, whether the system calls are allowed: a sandbox may refuse them.
func try(from, to *Pipe) error {
	if n, err := syscall.Write(from.w, []byte{0}); err != nil || n != 1 {
		return errTry
	}
	from.held = 1
	if !from.CopyTo(to) || !from.Drop() || !to.Drop() {
		return errTry
	}
	return nil
}
