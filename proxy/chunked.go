package proxy

import "github.com/headgate/headgate/proxy/wire"

// lengthRoom is what the line that frames the body and the end of the head take at most.
const lengthRoom = 64

// prepareChunked is prepare for a chunked body, which it reads as far as it may be kept. One that is whole then goes on with
// its length, because not everything behind a Cortex takes chunks.
func (x *exchange) prepareChunked() *failure {
	x.out.buf = takeBuffer(x.headSize() + lengthRoom + smallBody)
	x.out.bytes = x.appendHead(x.out.buf.b[:0])
	head := len(x.out.bytes)
	start := head + lengthRoom
	at, f := x.readChunks(start)
	if f != nil {
		return f
	}
	x.out.length = wire.Chunked
	var lines [2 * lengthRoom]byte
	framing, end := lines[:0], chunkEnd
	switch came := at - start; {
	case x.out.whole && int64(came) <= x.route.RetryBodySize:
		x.out.length = int64(came)
		framing, end = appendLength(framing, x.out.length), ""
	case x.out.whole:
		end += string(lastChunk)
		fallthrough
	default:
		framing = appendLength(framing, wire.Chunked)
		framing = appendChunkSize(framing, came)
	}
	// The head moves up to the body, which was read where even the longest framing leaves room.
	from := lengthRoom - len(framing)
	b := x.out.buf.b
	copy(b[from:], b[:head])
	copy(b[from+head:], framing)
	at += copy(b[at:], end)
	x.out.bytes, x.out.body = b[from:at], head+len(framing)
	return nil
}

// readChunks reads the body behind start, to its end or as far as it may be kept, and returns how far the buffer is
// filled. Room is taken, and counted, for a few times of what has come.
func (x *exchange) readChunks(start int) (int, *failure) {
	most := max(x.route.RetryBodySize+1, smallBody)
	for at := start; ; {
		came := int64(at - start)
		room := min(start+int(most), len(x.out.buf.b)-len(chunkEnd)-len(lastChunk))
		if at == room {
			more := min(4*came, x.route.RetryBodySize) - x.held
			if came == most || !x.keeps(more) {
				return at, nil
			}
			x.grow(at, start+int(min(4*came, most))+len(chunkEnd)+len(lastChunk))
			continue
		}
		n, f := x.readBody(x.out.buf.b[at:room])
		if f != nil {
			return at, f
		}
		if n == 0 {
			x.out.whole = true
			x.out.kept = x.keeps(max(came-x.held, 0))
			return at, nil
		}
		at += n
	}
}

const chunkEnd = "\r\n"

var lastChunk = []byte("0\r\n\r\n")

// frameChunk makes a chunk of the n bytes that stand in b behind the room for their size.
func frameChunk(b []byte, n int) []byte {
	appendChunkSize(b[:0], n)
	return append(b[:chunkSizeLen+n], chunkEnd...)
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
