package proxy

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/proxy/wire"
)

// maxSmallAnswer is the longest body of an answer that is read whole before any of it is passed on, so that one that is
// cut can be told as such.
const maxSmallAnswer = 64 << 10

// maxUnframed is the longest answer of unknown length that is kept for a client that does not know chunks.
const maxUnframed = 1 << 20

// deliver passes the answer on: in one piece when it is small, else as it comes.
func (l *leg) deliver() (outcome, *failure) {
	if !l.wrote {
		l.x.closing = true // the client is still sending
	}
	switch length := l.answer.Body.Length(); {
	case length >= 0 && length <= maxSmallAnswer:
		return l.deliverSmall(length)
	case length < 0 && l.x.head.Minor == 0:
		return l.deliverUnframed()
	default:
		return l.deliverStreaming(length)
	}
}

// deliverSmall sends head and body in one write.
func (l *leg) deliverSmall(length int64) (outcome, *failure) {
	x := l.x
	buf := takeBuffer(answerHeadSize(&l.answer.Head) + int(length))
	defer buf.release()
	b := x.appendAnswerHead(buf.b[:0], &l.answer.Head, length)
	for whole := len(b) + int(length); len(b) < whole; {
		n, o, f := l.readAnswer(buf.b[len(b):whole])
		if f != nil {
			return o, f
		}
		b = buf.b[:len(b)+n]
	}
	x.send(b)
	return answered, nil
}

// deliverUnframed gives an answer a length for a client that knows no chunks.
func (l *leg) deliverUnframed() (outcome, *failure) {
	buf := takeBuffer(maxUnframed + 1)
	defer buf.release()
	b := buf.b[:0]
	for {
		if len(b) > maxUnframed {
			return ours, refuse(answerTooLong)
		}
		n, o, f := l.readAnswer(buf.b[len(b) : maxUnframed+1])
		if f != nil {
			return o, f
		}
		if n == 0 {
			break
		}
		b = buf.b[:len(b)+n]
	}
	head := takeBuffer(answerHeadSize(&l.answer.Head))
	defer head.release()
	if l.x.send(l.x.appendAnswerHead(head.b[:0], &l.answer.Head, int64(len(b)))) {
		l.x.send(b)
	}
	return answered, nil
}

// deliverStreaming passes the answer on in pieces. One that is cut is cut for the client too: what was sent must never
// look like a whole answer.
func (l *leg) deliverStreaming(length int64) (outcome, *failure) {
	x := l.x
	buf := takeBuffer(mediumBuffer)
	defer buf.release()
	if !x.send(x.appendAnswerHead(buf.b[:0], &l.answer.Head, length)) {
		return ours, nil
	}
	for {
		n, o, f := l.readAnswer(buf.b[chunkSizeLen : len(buf.b)-len("\r\n")])
		if f != nil {
			return o, f
		}
		piece := buf.b[chunkSizeLen : chunkSizeLen+n]
		switch {
		case length < 0 && n == 0:
			piece = lastChunk
		case length < 0:
			piece = frameChunk(buf.b, n)
		case n == 0:
			return answered, nil
		}
		if !x.send(piece) {
			return ours, nil
		}
		if n == 0 {
			return answered, nil
		}
	}
}

// readAnswer reads some of the answer's body; 0 bytes without a failure is its end.
func (l *leg) readAnswer(p []byte) (int, outcome, *failure) {
	x := l.x
	start := time.Now()
	for now := start; ; now = time.Now() {
		switch err := l.wait(now, start, x.route.ReadTimeout); {
		case isLate(err):
			o, f := x.late(err)
			return 0, o, f
		case err != nil:
			return 0, unreadable, refuse(upstreamCut)
		}
		n, err := l.answer.Body.Read(p)
		switch {
		case n > 0:
			return n, answered, nil
		case err == io.EOF:
			return 0, answered, nil
		case wire.IsTimeout(err):
			if f := x.abandoned(); f != nil {
				return 0, ours, f
			}
		default:
			o, f := l.lost(err)
			return 0, o, f
		}
	}
}

// answerHeadSize is more than the head of an answer can take when it is passed on.
func answerHeadSize(h *wire.AnswerHead) int {
	n := 512 + len(h.Reason)
	for i := range h.Fields {
		n += len(h.Fields[i].Name) + len(h.Fields[i].Value) + 4
	}
	return n
}

// otlpPath is where Cortex takes OTLP, below whatever prefix it has (pkg/api/api.go).
var otlpPath = []byte("/api/v1/otlp/v1/metrics")

// appendAnswerHead appends the head of the upstream's answer as the client gets it. length is that of the body that
// follows, less than 0 for one whose length only its end tells.
func (x *exchange) appendAnswerHead(b []byte, h *wire.AnswerHead, length int64) []byte {
	status := h.Status
	if status == 500 && x.isPush() && bytes.HasSuffix(x.out.asked(), otlpPath) {
		status = 503 // senders of OTLP drop what gets a 500
	}
	b = x.startAnswer(b, status, fasthttp.StatusMessage(status))
	for i := range h.Fields {
		f := &h.Fields[i]
		if passesBack(f.Name) && !(h.Connection && namedByConnection(h.Fields, f.Name)) {
			b = f.AppendTo(b)
		}
	}
	switch {
	case x.isHead():
		for i := range h.Fields {
			if h.Fields[i].Role == wire.ContentLength {
				b = h.Fields[i].AppendTo(b)
				break
			}
		}
	case status == 204 || status == 304:
	case length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	default:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, '\r', '\n')
	}
	return append(b, '\r', '\n')
}

// startAnswer appends what every answer begins with: the status line, the request's id, and whether the connection goes
// on.
func (x *exchange) startAnswer(b []byte, status int, reason string) []byte {
	if body := x.conn.Body(); !body.Whole() && !body.Ready() {
		x.closing = true
	}
	x.status = status
	b = wire.AppendStatusLine(b, status, reason)
	b = append(b, "X-Request-ID: "...)
	b = append(b, x.id...)
	b = append(b, '\r', '\n')
	switch {
	case x.closing:
		b = append(b, "Connection: close\r\n"...)
	case x.head.Minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

// answerText answers a request that is meant for us.
func (x *exchange) answerText(status int, text string) {
	x.origin = byHeadgate
	buf := takeBuffer(smallBuffer)
	defer buf.release()
	b := x.startAnswer(buf.b[:0], status, fasthttp.StatusMessage(status))
	b = appendDate(b)
	b = wire.AppendLine(b, "Content-Type", "text/plain; charset=utf-8")
	b = appendLength(b, int64(len(text)))
	if !x.isHead() {
		b = append(b, text...)
	}
	x.send(b)
}

// appendDate dates an answer of our own (RFC 9110 §6.6.1).
func appendDate(b []byte) []byte {
	b = append(b, "Date: "...)
	b = fasthttp.AppendHTTPDate(b, time.Now())
	return append(b, '\r', '\n')
}

// send writes some of the answer to the client and reports whether the client took it.
func (x *exchange) send(b []byte) bool {
	now := time.Now()
	if !x.answered {
		x.answered, x.answeredAt = true, now
	}
	x.conn.End(now) // before the client can see it and go on elsewhere: of two connections the one served first is idle first
	err := x.conn.SendWithin(now, x.writeTimeout())
	if err == nil {
		var n int
		n, err = x.conn.Send(b)
		x.sent += int64(n)
	}
	if err != nil {
		x.closing, x.undelivered = true, true
		x.proxy.seen.sendFailed(x, err)
	}
	return err == nil
}

// writeTimeout is how long the client may take for a piece of the answer; 0: as long as it likes.
func (x *exchange) writeTimeout() time.Duration {
	if x.snapshot == nil {
		return time.Second
	}
	return x.snapshot.writeTimeout
}

var answers = sync.Pool{New: func() any { return new(wire.Answer) }}

// takeAnswer lends the reader of a connection's answers.
func takeAnswer(c net.Conn) *wire.Answer {
	a := answers.Get().(*wire.Answer)
	a.Reset(c)
	return a
}

func releaseAnswer(a *wire.Answer) {
	a.Reset(nil)
	answers.Put(a)
}
