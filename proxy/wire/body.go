package wire

import (
	"bytes"
	"io"
	"syscall"
)

// maxExtra is how many bytes all extensions of a body's chunks may take together, and its trailers. Nothing that sends
// to Cortex uses either.
const maxExtra = 256

// Body is the body of one message, framed by its length, its chunks or the end of the connection. Its errors are sticky
// and come without data: io.EOF only after the whole body was read, io.ErrUnexpectedEOF when the connection ended
// before, a *Fault when the framing is wrong, else the connection's error. Only a timeout is not sticky: after it, reading
// goes on where it was.
type Body struct {
	src    *Reader
	length int64 // as declared: a number, Chunked or UntilClose
	left   int64 // bytes of the length, or of the chunk under way, not yet read
	extra  int   // bytes of extensions and trailers so far
	next   part  // of a chunked body
	err    error
}

// part is what comes next in a chunked body outside of a chunk's data.
type part uint8

const (
	chunkSize part = iota
	chunkEnd       // the CR LF behind a chunk's data
	trailerSection
)

// begin makes b the body behind the head that src holds.
func (b *Body) begin(src *Reader, length int64) {
	*b = Body{src: src, length: length}
	if length >= 0 {
		b.left = length
	}
	if length == 0 {
		b.err = io.EOF
	}
}

// Length is what the head declared: a number of bytes, Chunked or UntilClose.
func (b *Body) Length() int64 { return b.length }

// Left is how many bytes have not been read of a body of known length, or of the chunk under way.
func (b *Body) Left() int64 { return b.left }

// Buffered is how many bytes of what is left of a body of known length have been read from the connection.
func (b *Body) Buffered() int64 { return min(b.left, int64(b.src.Buffered())) }

// Whole reports whether the body was read to its end.
func (b *Body) Whole() bool { return b.err == io.EOF }

// Ready reports whether all that is left of a body of known length is in the buffer already, so that reading it does not
// wait.
func (b *Body) Ready() bool {
	return b.length >= 0 && int64(b.src.Buffered()) >= b.left
}

// Read reads some of the body: at least one byte, or an error.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if err != nil && !IsTimeout(err) {
		b.err = err
	}
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// Pipe takes bytes of a connection without showing them to anybody, as package pipe does: up to limit of them, at least
// one, or an error, like a Read.
type Pipe interface {
	Fill(from syscall.RawConn, limit int) (int, error)
}

// readInto is Read into a pipe, for a body of known length of which nothing is in the buffer.
func (b *Body) readInto(p Pipe, from syscall.RawConn) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := p.Fill(from, int(b.left))
	b.left -= int64(n)
	switch {
	case err == nil && b.left == 0:
		b.err = io.EOF
	case err != nil && !IsTimeout(err):
		err = cut(err)
		b.err = err
	}
	return n, err
}

func (b *Body) read(p []byte) (int, error) {
	if b.length == Chunked && b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	if b.length != UntilClose && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.src.read(p)
	if b.length == UntilClose {
		return n, err
	}
	b.left -= int64(n)
	switch {
	case b.left == 0 && b.length == Chunked:
		b.next = chunkEnd
		return n, nil
	case b.left == 0:
		return n, io.EOF
	case n > 0:
		return n, nil
	case err == nil:
		return 0, io.ErrNoProgress
	default:
		return 0, cut(err)
	}
}

// nextChunk reads up to the data of the next chunk (RFC 9112 §7.1), or past the end of the body, which is io.EOF.
func (b *Body) nextChunk() error {
	if b.next == trailerSection {
		return b.trailers()
	}
	if b.next == chunkEnd {
		line, err := b.src.line(faultChunkEnd)
		if err != nil {
			return err
		}
		if len(line) > 0 {
			return faultChunkEnd
		}
		b.next = chunkSize
	}
	line, err := b.src.line(faultChunkSize)
	if err != nil {
		return err
	}
	digits := 0
	var size int64
	for ; digits < len(line) && class[line[digits]]&hexDigit != 0; digits++ {
		size = size<<4 | int64(HexValue(line[digits]))
	}
	if digits == 0 || digits > 15 {
		return faultChunkSize
	}
	if err := b.extension(line[digits:]); err != nil {
		return err
	}
	b.left = size
	if size > 0 {
		return nil
	}
	b.next = trailerSection
	return b.trailers()
}

// extension passes over what follows a chunk's size, which is mostly nothing.
func (b *Body) extension(ext []byte) error {
	if len(ext) == 0 {
		return nil
	}
	b.extra += len(ext)
	switch rest := skipSpaces(ext); {
	case len(rest) == 0 || rest[0] != ';':
		return faultChunkSize
	case b.extra > maxExtra || !validExtensions(ext):
		return faultChunkExt
	}
	return nil
}

// trailers reads and drops the trailer section (RFC 9112 §7.1.2); io.EOF is its good end.
func (b *Body) trailers() error {
	for {
		line, err := b.src.line(faultTrailer)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return io.EOF
		}
		b.extra += len(line)
		var field Field
		fault := field.parse(line[:len(line)+len("\r\n")])
		if fault != nil || b.extra > maxExtra || !harmlessTrailer(field.Name) {
			return faultTrailer
		}
	}
}

// harmlessTrailer reports whether a field may stand behind a body: not one that frames, routes, authenticates or says
// what the body is (RFC 9110 §6.5.1), nor one that could be taken for Cortex's tenant, by whoever merges trailers into the
// head, and perhaps takes "_" for "-" in doing so.
func harmlessTrailer(name []byte) bool {
	var room [maxExtra]byte
	folded := append(room[:0], name...)
	for i, c := range folded {
		switch {
		case c == '_':
			folded[i] = '-'
		case 'A' <= c && c <= 'Z':
			folded[i] = c | 0x20
		}
	}
	switch string(folded) {
	case "content-length", "transfer-encoding", "trailer", "te", "connection", "host", "upgrade", "authorization", "cookie",
		"expect", "content-encoding", "content-type", "content-range":
		return false
	}
	return !ScopeLike(name) && !bytes.HasPrefix(folded, []byte("proxy-")) && !bytes.HasPrefix(folded, []byte("x-forwarded-"))
}

// ScopeLike reports whether a field name reads as one of Cortex's X-Scope-* headers to anything that takes "-" and "_"
// for the same or leaves them out, letters in either case.
func ScopeLike(name []byte) bool {
	const folded = "xscope"
	i := 0
	for _, c := range name {
		if c == '-' || c == '_' {
			continue
		}
		if c|0x20 != folded[i] {
			return false
		}
		if i++; i == len(folded) {
			return true
		}
	}
	return false
}

// HasPrefixFold reports whether b begins with prefix, letters in either case. prefix must be lower case ASCII.
func HasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && EqualFold(b[:len(prefix)], prefix)
}
