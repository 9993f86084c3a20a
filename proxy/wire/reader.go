package wire

import (
	"bytes"
	"io"
)

const (
	firstBuffer = 4 << 10 // a head, and often the small body behind it, in one read
	lineRoom    = 1 << 10 // behind the head in use: chunk sizes, extensions, trailers
	maxLine     = 512     // of a chunk size with its extensions, of a trailer
	idleBuffer  = 8 << 10 // what a connection may keep of a buffer that had to grow
)

// Reader is a buffer before a connection that keeps the head in use where it is while the body behind it is read.
// The zero value is ready after Reset. It is not safe for concurrent use.
type Reader struct {
	src  io.Reader
	buf  []byte
	kept int // bytes at the front that the head in use occupies
	r, w int // what was read and not yet taken is buf[r:w]

	lines lineScanner
}

// Reset makes the Reader read src and forget whatever it held; its buffer stays.
func (b *Reader) Reset(src io.Reader) {
	b.src, b.kept, b.r, b.w = src, 0, 0, 0
}

// Buffered is how many bytes have been read from the connection and not been taken.
func (b *Reader) Buffered() int { return b.w - b.r }

// discardHead ends the use of the last head and moves what follows it to the front.
func (b *Reader) discardHead() {
	b.w = copy(b.buf, b.buf[b.r:b.w])
	b.r, b.kept = 0, 0
	if b.w == 0 && len(b.buf) > idleBuffer {
		b.buf = nil
	}
	b.lines.reset()
}

// scanHead looks for the end of a head in what has been read. Found, it is taken and kept.
func (b *Reader) scanHead(limit int) (found bool, _ *Fault) {
	end, fault := b.lines.scan(b.buf[:b.w])
	switch {
	case fault != nil:
		return false, fault
	case end > limit || end == 0 && b.w >= limit:
		return false, faultTooLarge
	case end == 0:
		return false, nil
	}
	b.r, b.kept = end, end
	return true, nil
}

// takeRequest is scanHead that also reads the head.
func (b *Reader) takeRequest(limit int, h *RequestHead) (found bool, _ *Fault) {
	// Fast path: the whole head came in one read.
	if b.lines.next == 0 {
		if end := h.parseWhole(b.buf[:b.w]); end > 0 && end <= limit {
			b.r, b.kept = end, end
			h.Size = end
			return true, nil
		}
	}
	found, fault := b.scanHead(limit)
	if found {
		fault = h.parse(b.buf, &b.lines)
		h.Size = b.kept
	}
	return found, fault
}

// fill reads once from the connection into the buffer, making room first. io.EOF means that nothing came before the end.
func (b *Reader) fill() error {
	if b.r == b.w {
		b.r, b.w = b.kept, b.kept
	}
	if b.w == len(b.buf) {
		b.makeRoom()
	}
	n, err := b.src.Read(b.buf[b.w:])
	b.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (b *Reader) makeRoom() {
	if b.r > b.kept {
		b.w = b.kept + copy(b.buf[b.kept:], b.buf[b.r:b.w])
		b.r = b.kept
	}
	if len(b.buf)-b.w >= lineRoom {
		return
	}
	bigger := make([]byte, max(firstBuffer, 2*len(b.buf)))
	copy(bigger, b.buf[:b.w])
	b.buf = bigger
}

// read gives what is buffered first; after that it reads the connection straight into p.
func (b *Reader) read(p []byte) (int, error) {
	if b.r < b.w {
		n := copy(p, b.buf[b.r:b.w])
		b.r += n
		return n, nil
	}
	return b.src.Read(p)
}

// line takes one line that ends in CR LF and returns it without them; it is valid until the next read. fault is returned
// for a line that is too long or ends otherwise.
func (b *Reader) line(fault *Fault) ([]byte, error) {
	searched := 0
	for {
		if i := bytes.IndexByte(b.buf[b.r+searched:b.w], '\n'); i >= 0 {
			line := b.buf[b.r : b.r+searched+i]
			b.r += searched + i + 1
			if len(line) == 0 || len(line) > maxLine || line[len(line)-1] != '\r' {
				return nil, fault
			}
			return line[:len(line)-1], nil
		}
		searched = b.w - b.r
		if searched > maxLine {
			return nil, fault
		}
		if err := b.fill(); err != nil {
			return nil, cut(err)
		}
	}
}

// cut makes of an end in the middle of a message what it is.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
