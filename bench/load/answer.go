package load

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/headgate/headgate/bench/header"
)

// answer follows one HTTP/1.1 answer as it comes.
type answer struct {
	status  int
	body    int  // bytes that are still to come; valid once the head is whole
	last    bool // the sender closes the connection after this one
	partial []byte
	headed  bool // the head is whole
}

const maxHead = 16 << 10

var (
	errTooLong = errors.New("the answer is longer than its Content-Length")
	errFraming = errors.New("the answer has no Content-Length: the load reads no other")
)

// feed takes what was read and reports whether the answer is complete. It keeps nothing of p.
func (a *answer) feed(p []byte) (bool, error) {
	if !a.headed {
		if len(a.partial) > 0 {
			a.partial = append(a.partial, p...)
			p = a.partial
		}
		at := bytes.Index(p, header.EndOfHead)
		if at < 0 {
			if len(p) > maxHead {
				return false, fmt.Errorf("the head of the answer is longer than %d bytes", maxHead)
			}
			if len(a.partial) == 0 {
				a.partial = append(a.partial, p...)
			}
			return false, nil
		}
		if err := a.parse(p[:at]); err != nil {
			return false, err
		}
		a.headed, a.partial = true, a.partial[:0]
		p = p[at+len(header.EndOfHead):]
	}
	if len(p) > a.body {
		return false, errTooLong
	}
	a.body -= len(p)
	return a.body == 0, nil
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
		}
	}
	if a.body < 0 {
		if status != 204 {
			return errFraming
		}
		a.body = 0
	}
	return nil
}
