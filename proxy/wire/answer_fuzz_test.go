package wire

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// FuzzAnswerHead holds our reading of an answer's head against net/http's. Known differences: net/http refuses a Trailer
// that names framing, shows a Content-Length that came twice once, and takes a Connection out that says close; we do not
// look at the coding of an answer that has no body.
func FuzzAnswerHead(f *testing.F) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nFoo: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
	} {
		f.Add([]byte(raw), false)
		f.Add([]byte(raw), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, bodyless bool) {
		var a Answer
		a.Reset(bytes.NewReader(raw))
		err := a.ReadHead(testLimit, bodyless)
		if slow, slowErr := readAnswer(string(raw), bodyless); slowErr != err || err == nil && slow.Head.Length != a.Head.Length {
			t.Fatalf("%q at once: %v; byte by byte: %v", raw, err, slowErr)
		}
		if err != nil {
			return
		}
		asked := &http.Request{Method: "GET"}
		if bodyless {
			asked.Method = "HEAD"
		}
		br := bufio.NewReader(bytes.NewReader(raw))
		resp, err := http.ReadResponse(br, asked)
		for err == nil && resp.StatusCode < 200 && resp.StatusCode != 101 {
			resp, err = http.ReadResponse(br, asked)
		}
		h := &a.Head
		if err != nil {
			if strings.Contains(err.Error(), "bad trailer key") || h.Length == 0 && strings.Contains(err.Error(), "unsupported transfer encoding") {
				return
			}
			t.Fatalf("%q is accepted here, net/http says %v", raw, err)
		}
		defer resp.Body.Close()
		reason := strings.TrimPrefix(resp.Status[3:], " ")
		if resp.StatusCode != h.Status || reason != string(h.Reason) {
			t.Fatalf("%q: %d %q, net/http reads %q", raw, h.Status, h.Reason, resp.Status)
		}
		if resp.Close && !h.Close && h.Status != 101 {
			t.Fatalf("%q: net/http closes, we do not", raw)
		}
		if !bodyless && h.Status != 101 {
			length := resp.ContentLength
			switch {
			case len(resp.TransferEncoding) > 0:
				length = Chunked
			case length < 0:
				length = UntilClose
			}
			if length != h.Length {
				t.Fatalf("%q: length %d, net/http reads %d, %q", raw, h.Length, resp.ContentLength, resp.TransferEncoding)
			}
		}
		skip := []string{"Transfer-Encoding", "Trailer", "Content-Length", "Connection"}
		if _, ok := resp.Header["Pragma"]; ok {
			skip = append(skip, "Cache-Control")
		}
		if ours, theirs := multiset(h.Fields, skip...), without(resp.Header, skip...); !sameHeader(ours, theirs) {
			t.Fatalf("%q: fields %q, net/http reads %q", raw, ours, theirs)
		}
	})
}
