package upstream

import (
	"bytes"
	"errors"

	"github.com/headgate/headgate/bench/header"
)

// MaxAnswer is the largest answer in bytes that a query can ask for.
const MaxAnswer = 8 << 20

// request is what is needed of a head; path borrows from it.
type request struct {
	post      bool
	noContent bool // answer 204
	path      []byte
	length    int  // of the body
	more      bool // the sender waits for 100 Continue
	last      bool // the sender closes after this one
}

var (
	errHead    = errors.New("the head of the request cannot be read")
	errChunked = errors.New("the body of the request is chunked: want a Content-Length")
)

// parse reads a head without its last empty line.
func parse(head []byte) (request, error) {
	var r request
	line, rest, _ := bytes.Cut(head, header.EndOfLine)
	method, target, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return r, errHead
	}
	r.post = len(method) == 4 && method[0] == 'P'
	r.path, _, ok = bytes.Cut(target, []byte(" "))
	if !ok {
		return r, errHead
	}
	r.noContent = r.post && bytes.HasSuffix(r.path, []byte("/204"))
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, header.EndOfLine)
		if value, is := header.Value(line, "content-length"); is {
			if r.length, ok = header.Number(value); !ok {
				return r, errHead
			}
		} else if value, is := header.Value(line, "connection"); is {
			r.last = header.Closes(value)
		} else if _, is := header.Value(line, "transfer-encoding"); is {
			return r, errChunked
		} else if _, is := header.Value(line, "expect"); is {
			r.more = true
		}
	}
	return r, nil
}

var (
	mark     = []byte("answer=")
	headMark = []byte("head")
)

// wanted reads from the path of a query what to answer: the head itself, or a number of bytes. The parameter may stand
// anywhere: some proxies sort the query.
func wanted(path []byte) (echo bool, size int, ok bool) {
	at := bytes.LastIndex(path, mark)
	if at < 0 {
		return false, 0, false
	}
	value, _, _ := bytes.Cut(path[at+len(mark):], []byte("&"))
	if bytes.Equal(value, headMark) {
		return true, 0, true
	}
	size, ok = header.Number(value)
	return false, size, ok && size <= MaxAnswer
}
