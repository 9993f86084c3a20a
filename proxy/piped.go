package proxy

import (
	"io"
	"time"

	"github.com/headgate/headgate/proxy/pipe"
)

// lendPipe takes what lets the body of a push pass through the kernel uncopied, and reports whether it can: between two
// sockets without TLS, in a message that says how long it is, and while there are pipes. (Of a read, the log wants to see
// the form.)
func (x *exchange) lendPipe() bool {
	if x.isPush() && x.conn.Raw() != nil && !x.route.Pool.Secure() {
		x.out.through = x.proxy.pipes.Lend()
	}
	return x.out.through != nil
}

// pipeAhead takes the beginning of a large body into its pipe, before a connection to an upstream is taken, and decides
// whether the body is kept, for which it needs a second pipe.
func (x *exchange) pipeAhead(length int64) *failure {
	out := &x.out
	for out.through.Len() < smallBody && !x.conn.Body().Whole() && !out.through.Full() {
		if _, f := x.takeBody(0, x.pipeBody); f != nil {
			return f
		}
	}
	if out.kept = x.keeps(length); !out.kept {
		return nil
	}
	if out.rest = x.proxy.pipes.Lend(); out.rest == nil || !out.through.CopyTo(out.rest) {
		x.unpipe()
	}
	return nil
}

// pipeBody moves some of the client's body into its pipe.
func (x *exchange) pipeBody() (int, error) { return x.conn.PipeBody(x.out.through) }

// sendPiped sends all that has come of the body: what is in the pipe, unless a host that failed has had some of it.
func (l *leg) sendPiped() error {
	out := &l.x.out
	untouched := !out.kept || out.through.Len() == out.rest.Len()
	if untouched || out.through.Drop() && out.rest.CopyTo(out.through) {
		return l.drain()
	}
	at := len(out.bytes)
	l.x.unpipe()
	return l.write(time.Now(), out.bytes[at:])
}

// streamPiped is stream through the kernel.
func (l *leg) streamPiped() (*failure, error) {
	x, out := l.x, &l.x.out
	for !x.conn.Body().Whole() {
		_, f := l.takePiece(x.pipeBody)
		switch {
		case f == answerCame:
			return nil, io.ErrShortWrite
		case f != nil:
			return f, nil
		}
		if out.kept && !out.through.CopyTo(out.rest) {
			unsent := out.through.Len()
			x.unpipe()
			if err := l.write(time.Now(), out.bytes[len(out.bytes)-unsent:]); err != nil {
				return nil, err
			}
			return l.streamKept()
		}
		if err := l.drain(); err != nil {
			return nil, err
		}
		if !x.conn.Body().Whole() && l.early() {
			return nil, io.ErrShortWrite
		}
	}
	out.whole = out.kept
	return nil, nil
}

// drain is write for what is in the pipe.
func (l *leg) drain() error {
	l.x.out.begun = !l.x.out.kept
	return l.put(time.Now(), func() (int, error) { return l.x.out.through.Drain(l.conn.Raw()) })
}

// unpipe takes a kept body from the kernel into memory, where it goes on: what came in many small pieces fills the slots
// of a pipe long before its bytes do.
func (x *exchange) unpipe() {
	out := &x.out
	at := len(out.bytes)
	passed := int(x.conn.Body().Length()-x.conn.Body().Left()) - (at - out.body)
	x.grow(at, at+int(x.conn.Body().Left())+passed)
	out.bytes = out.buf.b[:at+passed]
	if kept := readAll(out.rest, out.bytes[at:]); kept < passed {
		readAll(out.through, out.bytes[len(out.bytes)-out.through.Len():]) // the first of it may be in rest as well
	}
	out.through.Release()
	out.rest.Release()
	out.through, out.rest = nil, nil
}

// readAll reads a pipe to its end, which b has room for.
func readAll(p *pipe.Pipe, b []byte) int {
	n, err := io.ReadFull(p, b[:p.Len()])
	if err != nil {
		panic("BUG: a pipe did not give what is in it: " + err.Error())
	}
	return n
}
