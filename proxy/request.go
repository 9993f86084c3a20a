package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// request is what is sent upstream: a head, and either the whole body behind it or the first piece of one that is
// streamed.
type request struct {
	buf    *buffer
	bytes  []byte // head and as much of the body as was read ahead
	body   int    // where in bytes the body begins
	whole  bool   // bytes is all there is
	kept   bool   // bytes grows to all there is while it is sent, so that it can be sent again
	length int64  // as framed upstream: a number of bytes or wire.Chunked
	begun  bool   // bytes beyond the read-ahead were taken from the client: there is no second attempt
}

func (r *request) release() {
	r.buf.release()
	*r = request{}
}

// lengthRoom is what the line that frames the body and the end of the head take at most.
const lengthRoom = 64

// prepare writes the head for upstream and reads a body that may be kept for a further attempt, before any connection to
// an upstream is taken: a slow client holds none.
func (x *exchange) prepare() *failure {
	body := x.conn.Body()
	length := body.Length()
	if limit := x.route.MaxBodySize; limit > 0 && length > limit {
		return refuse(bodyTooLarge)
	}
	keep, kept := length, false
	switch {
	case length == wire.Chunked:
		keep = min(x.route.RetryBodySize, mediumBuffer-headRoom)
	case x.keeps(length):
		kept = true
	default:
		keep = 0
	}
	headSize := x.headSize()
	x.out.buf = takeBuffer(headSize + int(keep))
	x.out.bytes = x.appendHead(x.out.buf.b[:0])
	if length == wire.Chunked {
		return x.readChunked()
	}
	x.out.length = length
	if x.head.HasLength || length > 0 || x.bodyExpected() {
		x.out.bytes = appendLength(x.out.bytes, length)
	} else {
		x.out.bytes = append(x.out.bytes, '\r', '\n')
	}
	x.out.body = len(x.out.bytes)
	if !kept {
		return nil
	}
	x.out.kept = true
	x.out.whole = length <= smallBody
	return x.readAhead(int(min(length, smallBody)))
}

// smallBody is how much of a body is read before a connection to the upstream is taken. More of one that is kept is
// passed on while it comes: what has just been read is still in the processor's cache when it is written.
const smallBody = 64 << 10

// headSize is more than the head for upstream can take.
func (x *exchange) headSize() int {
	h := x.head
	return 1024 + len(x.route.Rewrite) + len(x.route.Host) + len(x.tenant) + len(x.identity.Client) + len(h.Host) + h.Size + len(h.Fields)
}

// bodyExpected reports whether a message of this method without a body says so (RFC 9110 §8.6).
func (x *exchange) bodyExpected() bool {
	switch string(x.head.Method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// readAhead reads n bytes of the body behind the head.
func (x *exchange) readAhead(n int) *failure {
	start := len(x.out.bytes)
	all := x.out.buf.b[:start+n]
	for at := start; at < len(all); {
		m, f := x.readBody(all[at:])
		if f != nil {
			return f
		}
		at += m
	}
	x.out.bytes = all
	return nil
}

// readChunked reads a chunked body as far as it may be kept. One that ends there goes on with its length, because that
// is how it can be sent again, and because not everything behind a Cortex takes chunks.
func (x *exchange) readChunked() *failure {
	head := len(x.out.bytes)
	start := head + lengthRoom
	at, limit := start, start+int(x.route.RetryBodySize)
	for at < limit {
		end := min(limit, len(x.out.buf.b)-len("\r\n"))
		if at == end {
			x.grow(at, min(limit, 4*at)+len("\r\n"))
			continue
		}
		n, f := x.readBody(x.out.buf.b[at:end])
		if f != nil {
			return f
		}
		if n == 0 {
			x.out.whole = true
			break
		}
		at += n
	}
	x.out.length = wire.Chunked
	var lines [2 * lengthRoom]byte
	framing := lines[:0]
	if x.out.whole {
		x.out.length = int64(at - start)
		framing = appendLength(framing, x.out.length)
	} else {
		framing = appendLength(framing, wire.Chunked)
		framing = appendChunkSize(framing, at-start)
		if at == start {
			framing = framing[:len(framing)-chunkSizeLen]
		}
	}
	// The head moves up to the body, which was read where even the longest framing leaves room.
	from := lengthRoom - len(framing)
	b := x.out.buf.b
	copy(b[from:], b[:head])
	copy(b[from+head:], framing)
	if !x.out.whole && at > start {
		at += copy(b[at:], "\r\n")
	}
	x.out.bytes, x.out.body = b[from:at], head+len(framing)
	return nil
}

// grow exchanges the buffer for one of at least size bytes, the first used bytes kept.
func (x *exchange) grow(used, size int) {
	bigger := takeBuffer(size)
	copy(bigger.b, x.out.buf.b[:used])
	x.out.bytes = bigger.b[:len(x.out.bytes)]
	x.out.buf.release()
	x.out.buf = bigger
}

// readBody reads some of the client's body. 0 bytes without a failure is its end.
func (x *exchange) readBody(p []byte) (int, *failure) { return x.readBodyWithin(p, 0) }

// sliceOver says that nothing came in the time that readBodyWithin was given, and that there is more.
var sliceOver = &failure{}

// readBodyWithin is readBody that comes back after a while at the latest; 0: when the client's time is up.
func (x *exchange) readBodyWithin(p []byte, while time.Duration) (int, *failure) {
	body := x.conn.Body()
	var left time.Duration
	if !body.Ready() {
		now := time.Now()
		if left = x.bodyTimeLeft(now); left < 0 {
			return 0, hangUp(bodyTimeout)
		}
		if while > 0 && (left == 0 || while < left) {
			left = while
		}
		if err := x.conn.ReadWithin(now, left); err != nil {
			return 0, hangUp(clientCut)
		}
	}
	n, err := x.conn.ReadBody(p)
	if n > 0 {
		x.received += int64(n)
		if limit := x.route.MaxBodySize; limit > 0 && x.received > limit {
			return 0, refuse(bodyTooLarge)
		}
		if x.received-x.charged >= settleEvery {
			x.settle()
		}
		return n, nil
	}
	var fault *wire.Fault
	switch {
	case err == io.EOF:
		return 0, nil
	case errors.As(err, &fault):
		return 0, refuseFor(ofFault(fault), fault.Detail)
	case wire.IsTimeout(err) && left == while && while > 0:
		return 0, sliceOver
	case wire.IsTimeout(err):
		return 0, hangUp(bodyTimeout)
	default:
		return 0, hangUp(clientCut)
	}
}

// bodyTimeLeft is how long the client may still take for its body: 0 is no limit, less than 0 no time at all. A client
// that takes too long gets no answer but the end of its connection: Prometheus drops the data on a 408.
func (x *exchange) bodyTimeLeft(now time.Time) time.Duration {
	limit := x.route.BodyTimeout
	if limit > 0 {
		if limit -= now.Sub(x.conn.Began()); limit <= 0 {
			return -1
		}
	}
	return x.remaining(now, limit)
}

// skipBody drops what is left of a body that has arrived already, so that the connection can be used further; it reports
// whether it could.
func (x *exchange) skipBody() bool {
	body := x.conn.Body()
	if !body.Ready() {
		return body.Whole()
	}
	var drop [512]byte
	for !body.Whole() {
		if _, err := body.Read(drop[:]); err != nil && err != io.EOF {
			return false
		}
	}
	return true
}

const chunkSizeLen = 10 // eight digits and CR LF

// appendChunkSize appends the line before a chunk of n bytes, always of the same length.
func appendChunkSize(b []byte, n int) []byte {
	const hex = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hex[n>>shift&15])
	}
	return append(b, '\r', '\n')
}
