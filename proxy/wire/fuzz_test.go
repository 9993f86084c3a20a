package wire

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// multiset is the fields of a head in a form that can be compared, without the names in but.
func multiset(fields []Field, but ...string) http.Header {
	h := make(http.Header)
	for _, f := range fields {
		if key := textproto.CanonicalMIMEHeaderKey(string(f.Name)); !slices.Contains(but, key) {
			h[key] = append(h[key], string(f.Value))
		}
	}
	return h
}

func sameHeader(a, b http.Header) bool {
	return maps.EqualFunc(a, b, slices.Equal[[]string])
}

// without is a header as net/http read it, less what it takes out or adds itself.
func without(h http.Header, names ...string) http.Header {
	h = h.Clone()
	for _, name := range names {
		delete(h, name)
	}
	return h
}

// readRequestAtOnce is readRequest with all bytes in one read; it also tells how many bytes precede the request.
func readRequestAtOnce(raw []byte) (h *RequestHead, lead int, fault *Fault) {
	var r Reader
	r.Reset(bytes.NewReader(raw))
	for {
		h := new(RequestHead)
		found, fault := r.takeRequest(testLimit, h)
		if found {
			return h, r.lines.lead, fault
		}
		if fault != nil {
			return nil, 0, fault
		}
		if r.fill() != nil {
			return nil, 0, nil
		}
	}
}

// FuzzHead holds our reading of a request's head against net/http's: what we accept, it accepts, and sees the same in it.
// Known differences, all of them harmless because nothing of the kind goes upstream: an empty line may precede ours; a
// Trailer that names framing is refused by net/http when the body is chunked; Pragma makes net/http add a Cache-Control.
func FuzzHead(f *testing.F) {
	for _, raw := range []string{
		plainHead,
		"\r\n" + plainHead,
		"POST /api/v1/push HTTP/1.1\r\nHost: gw.test:80\r\nContent-Length: 0005\r\nConnection: keep-alive, x\r\nFoo:\tbar \r\nFoo: \xe9\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: [::1]:8080\r\ntransfer-encoding: Chunked\r\nTrailer: X-Sum\r\nExpect: 100-Continue\r\n\r\n0\r\n\r\n",
		"GET //a/../%2e?x=%zz HTTP/1.0\r\nauthorization: Basic x\r\nPragma: no-cache\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\nX_y: z\r\n\r\n",
		"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\nFoo: a\r\n b\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, lead, fault := readRequestAtOnce(raw)
		slow, slowFault := readRequest(string(raw), testLimit)
		if fault != slowFault || (h == nil) != (slow == nil) || h != nil && fault == nil && describe(h) != describe(slow) {
			t.Fatalf("%q at once: %v; byte by byte: %v", raw, fault, slowFault)
		}
		if h == nil || fault != nil {
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw[lead:])))
		if err != nil {
			if h.Length == Chunked && strings.Contains(err.Error(), "bad trailer key") {
				return
			}
			t.Fatalf("%q is accepted here, net/http says %v", raw, err)
		}
		defer req.Body.Close()
		if req.Method != string(h.Method) || req.RequestURI != string(h.Target) || req.Host != string(h.Host) || req.ProtoMinor != h.Minor {
			t.Fatalf("%q: %s, net/http reads %s %s, host %q, %s", raw, describe(h), req.Method, req.RequestURI, req.Host, req.Proto)
		}
		if decoded, err := url.PathUnescape(string(h.Path)); err != nil || req.URL.Path != decoded || req.URL.RawQuery != string(h.Query) {
			t.Fatalf("%q: path %q, query %q, net/http reads %q, %q", raw, h.Path, h.Query, req.URL.Path, req.URL.RawQuery)
		}
		if chunked := len(req.TransferEncoding) > 0; chunked != (h.Length == Chunked) || !chunked && req.ContentLength != h.Length {
			t.Fatalf("%q: length %d, net/http reads %d, %q", raw, h.Length, req.ContentLength, req.TransferEncoding)
		}
		if h.Continue && !strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
			t.Fatalf("%q: expectation %q", raw, req.Header.Get("Expect"))
		}
		if req.Close && !h.Close {
			t.Fatalf("%q: net/http closes, we do not", raw)
		}
		skip := []string{"Host", "Transfer-Encoding", "Trailer"}
		if _, ok := req.Header["Pragma"]; ok {
			skip = append(skip, "Cache-Control")
		}
		if ours, theirs := multiset(h.Fields, skip...), without(req.Header, skip...); !sameHeader(ours, theirs) {
			t.Fatalf("%q: fields %q, net/http reads %q", raw, ours, theirs)
		}
	})
}

// FuzzChunked holds our reading of a chunked body against net/http's, which reads chunks as httputil.NewChunkedReader
// does and the trailers behind them: what we take as whole, it takes as whole, with the same bytes, and both stop at the
// same byte, from which the next request is read. One known difference: net/http knows no white space before the ";" of
// an extension (RFC 9112 §7.1.1 allows it to be tolerated).
func FuzzChunked(f *testing.F) {
	for _, raw := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "A;a=\"b\"\r\n0123456789\r\n000\r\nX-Sum: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"5 ;a\r\nhello\r\n0;x\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
		"000000000000005\r\nhello\r\n0\r\n\r\n0\r\n\r\n", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nA:\r\nB:\r\n\r\n", "5\r\nhel", "5;\r\nhello\r\n0\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := new(Reader)
		r.Reset(bytes.NewReader(raw))
		var b Body
		b.begin(r, Chunked)
		got, err := io.ReadAll(&b)
		slow := newBody(iotest.OneByteReader(bytes.NewReader(raw)), Chunked)
		slowly, slowErr := io.ReadAll(slow)
		if slow.Whole() != b.Whole() || slowErr != err || !bytes.Equal(got, slowly) {
			t.Fatalf("%q at once: %q, %v; byte by byte: %q, %v", raw, got, err, slowly, slowErr)
		}
		if err != nil {
			if b.Whole() {
				t.Fatalf("%q is whole and fails with %v", raw, err)
			}
			return
		}
		rest, _ := io.ReadAll(readerFunc(r.read))
		br := bufio.NewReader(io.MultiReader(strings.NewReader(head), bytes.NewReader(raw)))
		req, err := http.ReadRequest(br)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := io.ReadAll(req.Body)
		if err != nil {
			if bytes.Contains(raw, []byte(" ;")) || bytes.Contains(raw, []byte("\t;")) {
				return
			}
			t.Fatalf("%q is whole here, net/http says %v", raw, err)
		}
		theirRest, _ := io.ReadAll(br)
		if !bytes.Equal(got, theirs) || !bytes.Equal(rest, theirRest) {
			t.Fatalf("%q: %q and then %q; net/http reads %q and then %q", raw, got, rest, theirs, theirRest)
		}
	})
}
