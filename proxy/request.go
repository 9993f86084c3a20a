package proxy

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/headgate/headgate/proxy/pipe"
	"github.com/headgate/headgate/proxy/wire"
)

// request is what is sent upstream: a head, and either the whole body behind it or the first piece of one that is
// streamed.
type request struct {
	buf    *buffer
	bytes  []byte // head and as much of the body as was read ahead
	body   int    // where in bytes the body begins
	whole  bool   // bytes is all there is
	kept   bool   // all there is stays here while it is sent, so that it can be sent again: in bytes, which grow, or in rest
	length int64  // as framed upstream: a number of bytes or wire.Chunked
	begun  bool   // bytes beyond the read-ahead were taken from the client: there is no second attempt

	// What follows bytes may pass through the kernel instead, see lendPipe.
	through *pipe.Pipe // what is to be sent next; nil: memory is the way
	rest    *pipe.Pipe // all that went through, and what is to go, when it is kept
}

func (r *request) release() {
	r.through.Release()
	r.rest.Release()
	r.buf.release()
	*r = request{}
}

// asked is what is asked of the upstream, "POST /api/v1/push": the beginning of the head, without the query. It is valid
// until the request is released.
func (r *request) asked() []byte {
	path := bytes.IndexByte(r.bytes, ' ') + 1
	return r.bytes[:path+bytes.IndexAny(r.bytes[path:], " ?")]
}

// prepare writes the head for upstream and reads a small body, or the beginning of a larger one, before any connection to
// an upstream is taken: whoever is slow with a small push, or sends nothing of a large one, holds none.
func (x *exchange) prepare() *failure {
	body := x.conn.Body()
	length := body.Length()
	if limit := x.route.MaxBodySize; limit > 0 && length > limit {
		return refuse(bodyTooLarge)
	}
	if length == wire.Chunked {
		return x.prepareChunked()
	}
	ahead := min(length, max(smallBody, body.Buffered()))
	piped := ahead < length && x.lendPipe()
	if piped {
		ahead = body.Buffered()
	}
	x.out.buf = takeBuffer(x.headSize() + int(ahead))
	x.out.bytes = x.appendHead(x.out.buf.b[:0])
	x.out.length = length
	if x.head.HasLength || length > 0 || x.bodyExpected() {
		x.out.bytes = appendLength(x.out.bytes, length)
	} else {
		x.out.bytes = append(x.out.bytes, '\r', '\n')
	}
	x.out.body = len(x.out.bytes)
	if f := x.readAhead(int(ahead)); f != nil {
		return f
	}
	if piped {
		return x.pipeAhead(length)
	}
	// Only now, when somebody sends it: a length that is declared and no more takes nothing of what may be held.
	x.out.kept = x.keeps(length)
	if x.out.whole = ahead == length; !x.out.whole && x.out.kept {
		x.grow(len(x.out.bytes), len(x.out.bytes)+int(body.Left()))
	}
	return nil
}

// smallBody is how much of a body is read before a connection to the upstream is taken. What follows is passed on while it
// comes: what has just been read is still in the processor's cache when it is written, or is not touched at all.
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

// grow exchanges the buffer for one of at least size bytes, the first used bytes kept.
func (x *exchange) grow(used, size int) {
	bigger := takeBuffer(size)
	copy(bigger.b, x.out.buf.b[:used])
	x.out.bytes = bigger.b[:len(x.out.bytes)]
	x.out.buf.release()
	x.out.buf = bigger
}

// readBody reads some of the client's body. 0 bytes without a failure is its end.
func (x *exchange) readBody(p []byte) (int, *failure) {
	return x.takeBody(0, func() (int, error) { return x.conn.ReadBody(p) })
}

// sliceOver says that nothing came in the time that takeBody was given, and that there is more.
var sliceOver = &failure{}

// takeBody takes some of the client's body in one of the ways that there are, and comes back after a while at the latest;
// 0: when the client's time is up.
func (x *exchange) takeBody(while time.Duration, take func() (int, error)) (int, *failure) {
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
			return 0, x.cutShort()
		}
	}
	n, err := take()
	if n > 0 {
		x.received += int64(n)
		if limit := x.route.MaxBodySize; limit > 0 && x.received+body.Left() > limit {
			return 0, refuse(bodyTooLarge)
		}
		if x.received > x.charged { // a chunked body
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
		return 0, x.cutShort()
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
