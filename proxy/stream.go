package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// send writes the request. A failure means that there is no use in waiting for an answer.
func (l *leg) send() (outcome, *failure) {
	err := l.write(l.began, l.x.out.bytes)
	if err == nil && l.x.out.through != nil {
		err = l.sendPiped()
	}
	if err == nil && !l.x.out.whole {
		var f *failure
		if f, err = l.stream(); f != nil {
			return ours, f
		}
		if err == nil {
			l.x.bodyCame()
		}
	}
	switch {
	case err == nil:
		l.wrote = true
		return answered, nil
	case isLate(err):
		return l.x.late(err)
	case errors.Is(err, errAbandoned):
		return ours, l.gaveUp
	default:
		// The upstream may have answered before it stopped reading: 413 and 429 come like that.
		return answered, nil
	}
}

// stream passes the rest of the body on in pieces as the client sends them, until it is whole or the upstream answers.
// The error is about the upstream, the failure about the client.
func (l *leg) stream() (*failure, error) {
	x := l.x
	switch {
	case x.out.through != nil:
		return l.streamPiped()
	case x.out.kept:
		return l.streamKept()
	}
	buf := takeBuffer(largeBuffer)
	defer buf.release()
	chunked := x.out.length == wire.Chunked
	for {
		into := buf.b[chunkSizeLen : len(buf.b)-len("\r\n")]
		n, f := l.takePiece(func() (int, error) { return x.conn.ReadBody(into) })
		switch {
		case f == answerCame:
			return nil, io.ErrShortWrite
		case f != nil:
			return f, nil
		case n == 0 && chunked:
			return nil, l.write(time.Now(), lastChunk)
		case n == 0:
			return nil, nil
		}
		x.out.begun = true
		piece := buf.b[chunkSizeLen : chunkSizeLen+n]
		if chunked {
			piece = frameChunk(buf.b, n)
		}
		if err := l.write(time.Now(), piece); err != nil {
			return nil, err
		}
		if !x.conn.Body().Whole() && l.early() {
			return nil, io.ErrShortWrite
		}
	}
}

// streamKept is stream for a body that is kept for a further attempt.
func (l *leg) streamKept() (*failure, error) {
	out := &l.x.out
	end := len(out.bytes) + int(l.x.conn.Body().Left())
	for at := len(out.bytes); at < end; at = len(out.bytes) {
		n, f := l.takePiece(func() (int, error) { return l.x.conn.ReadBody(out.buf.b[at:end]) })
		switch {
		case f == answerCame:
			return nil, io.ErrShortWrite
		case f != nil:
			return f, nil
		}
		out.bytes = out.buf.b[:at+n]
		if err := l.write(time.Now(), out.bytes[at:]); err != nil {
			return nil, err
		}
		if at+n < end && l.early() {
			return nil, io.ErrShortWrite
		}
	}
	out.whole = true
	return nil, nil
}

// answerCame says that an upstream answered while the client was still sending.
var answerCame = &failure{}

// takePiece takes some of the client's body for an upstream that is already taking it, looking up now and then whether
// that upstream has answered.
func (l *leg) takePiece(take func() (int, error)) (int, *failure) {
	for {
		n, f := l.x.takeBody(slice, take)
		if f != sliceOver {
			return n, f
		}
		if l.early() {
			return 0, answerCame
		}
	}
}
