package load

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/headgate/headgate/bench/header"
)

// answer follows one HTTP/1.1 answer as it comes, with a Content-Length or in chunks.
type answer struct {
	status  int
	headed  bool   // the head is whole
	chunked bool   // more follows when body is 0, until the chunk of no size
	body    int    // bytes that are still to come, of the body or of this chunk with the end of its line
	last    bool   // the sender closes the connection after this one
	partial []byte // a head, or the line of a chunk, that has not come whole
}

const (
	maxHead = 16 << 10
	maxLine = 64 // of a chunk's size, with what may follow it
)

var (
	errTooLong = errors.New("the answer is longer than it says")
	errFraming = errors.New("the answer has neither a Content-Length nor chunks: the load reads no other")
	errChunk   = errors.New("the size of a chunk of the answer cannot be read")
)

// feed takes what was read and reports whether the answer is complete. It keeps nothing of p.
func (a *answer) feed(p []byte) (bool, error) {
	if !a.headed {
		head, rest, ok, err := a.until(p, header.EndOfHead, maxHead)
		if !ok || err != nil {
			return false, err
		}
		if err := a.parse(head); err != nil {
			return false, err
		}
		a.headed = true
		p = rest
	}
	for {
		taken := min(a.body, len(p))
		a.body -= taken
		p = p[taken:]
		if a.complete() {
			if len(p) > 0 {
				return false, errTooLong
			}
			return true, nil
		}
		if len(p) == 0 {
			return false, nil
		}
		line, rest, ok, err := a.until(p, header.EndOfLine, maxLine)
		if !ok || err != nil {
			return false, err
		}
		if err := a.nextChunk(line); err != nil {
			return false, err
		}
		p = rest
	}
}

// complete reports whether all of an answer whose head is whole has come.
func (a *answer) complete() bool { return a.headed && a.body == 0 && !a.chunked }

// until returns what stands before a mark, joined with what had come before, and what stands behind it. Without a mark, all
// is put by.
func (a *answer) until(p, mark []byte, most int) (before, behind []byte, found bool, err error) {
	if len(a.partial) > 0 {
		a.partial = append(a.partial, p...)
		p = a.partial
	}
	at := bytes.Index(p, mark)
	if at >= 0 {
		a.partial = a.partial[:0] // p still holds the bytes: nothing is written there before it is read.
		return p[:at], p[at+len(mark):], true, nil
	}
	if len(p) > most {
		return nil, nil, false, fmt.Errorf("a head or a line of the answer is longer than %d bytes", most)
	}
	if len(a.partial) == 0 {
		a.partial = append(a.partial, p...)
	}
	return nil, nil, false, nil
}

// nextChunk reads the size of a chunk. The last one, of no size, is followed by an empty line: trailers are not read.
func (a *answer) nextChunk(line []byte) error {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	if len(digits) == 0 || len(digits) > 8 {
		return errChunk
	}
	size := 0
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			size = size<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			size = size<<4 | int(c|0x20-'a'+10)
		default:
			return errChunk
		}
	}
	a.body = size + len(header.EndOfLine)
	a.chunked = size > 0
	return nil
}

// reset makes ready for the next answer.
func (a *answer) reset() { *a = answer{partial: a.partial[:0]} }

func (a *answer) parse(head []byte) error {
	line, rest, _ := bytes.Cut(head, header.EndOfLine)
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return fmt.Errorf("status line %q: want HTTP/1.1 and a status", line)
	}
	status, ok := header.Number(line[9:12])
	if !ok || status < 200 {
		return fmt.Errorf("status line %q: want a final status", line)
	}
	a.status = status
	a.body = -1
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, header.EndOfLine)
		if value, is := header.Value(line, "content-length"); is {
			if a.body, ok = header.Number(value); !ok {
				return fmt.Errorf("header line %q: want a length", line)
			}
		} else if value, is := header.Value(line, "connection"); is {
			a.last = header.Closes(value)
		} else if value, is := header.Value(line, "transfer-encoding"); is {
			a.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	if a.body < 0 {
		if status != 204 && !a.chunked {
			return errFraming
		}
		a.body = 0
	}
	return nil
}
