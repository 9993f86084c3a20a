package wire

import (
	"strings"
	"testing"
)

func TestFraming(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		length      int64
		want        *Fault
	}{
		{"no body", "", 0, nil},
		{"a length", "Content-Length: 5\r\n", 5, nil},
		{"none by length", "Content-Length: 0\r\n", 0, nil},
		{"zeros in front", "Content-Length: 0005\r\n", 5, nil},
		{"white space around", "Content-Length:\t 5 \t\r\n", 5, nil},
		{"any case", "cONTENT-lENGTH: 5\r\n", 5, nil},
		{"chunked", "Transfer-Encoding: chunked\r\n", Chunked, nil},
		{"Chunked", "transfer-encoding:\tChUnKeD \r\n", Chunked, nil},
		{"underscores name something else", "Content_Length: 5\r\nTransfer_Encoding: chunked\r\n", 0, nil},

		{"twice the same", "Content-Length: 5\r\nContent-Length: 5\r\n", 0, faultLengthTwice},
		{"twice different", "Content-Length: 5\r\ncontent-length: 6\r\n", 0, faultLengthTwice},
		{"good then bad", "Content-Length: 5\r\nContent-Length: x\r\n", 0, faultLength},
		{"a list", "Content-Length: 5, 5\r\n", 0, faultLength},
		{"a list of one", "Content-Length: 5,\r\n", 0, faultLength},
		{"a list after nothing", "Content-Length: ,5\r\n", 0, faultLength},
		{"empty", "Content-Length:\r\n", 0, faultLength},
		{"signed", "Content-Length: +5\r\n", 0, faultLength},
		{"negative", "Content-Length: -1\r\n", 0, faultLength},
		{"hexadecimal", "Content-Length: 0x5\r\n", 0, faultLength},
		{"with a fraction", "Content-Length: 5.0\r\n", 0, faultLength},
		{"quoted", "Content-Length: \"5\"\r\n", 0, faultLength},
		{"2^63-1", "Content-Length: 9223372036854775807\r\n", 0, faultLength},
		{"2^64+5", "Content-Length: 18446744073709551621\r\n", 0, faultLength},
		{"a no-break space", "Content-Length: \xa05\r\n", 0, faultLength},

		{"both", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 0, faultLengthCoding},
		{"both the other way round", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 0, faultLengthCoding},
		{"both, none by length", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 0, faultLengthCoding},
		{"both, another coding", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n", 0, faultLengthCoding},
		{"twice chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 0, faultCodingTwice},
		{"identity and chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", 0, faultCodingTwice},
		{"chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n", 0, faultCoding},
		{"gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", 0, faultCoding},
		{"chunked, identity", "Transfer-Encoding: chunked, identity\r\n", 0, faultCoding},
		{"chunked,", "Transfer-Encoding: chunked,\r\n", 0, faultCoding},
		{",chunked", "Transfer-Encoding: ,chunked\r\n", 0, faultCoding},
		{"parameters", "Transfer-Encoding: chunked;q=1\r\n", 0, faultCoding},
		{"a semicolon", "Transfer-Encoding: chunked;\r\n", 0, faultCoding},
		{"quoted coding", "Transfer-Encoding: \"chunked\"\r\n", 0, faultCoding},
		{"single quotes are of a token", "Transfer-Encoding: 'chunked'\r\n", 0, faultCodingOther},
		{"empty coding", "Transfer-Encoding:\r\n", 0, faultCoding},
		{"inner space", "Transfer-Encoding: chun ked\r\n", 0, faultCoding},
		{"a byte order mark", "Transfer-Encoding: \xef\xbb\xbfchunked\r\n", 0, faultCoding},
		{"a no-break space before", "Transfer-Encoding: \xa0chunked\r\n", 0, faultCoding},
		{"a form feed", "Transfer-Encoding: \x0cchunked\r\n", 0, faultValue},
		{"a vertical tab", "Transfer-Encoding: \x0bchunked\r\n", 0, faultValue},
		{"a NUL behind", "Transfer-Encoding: chunked\x00\r\n", 0, faultValue},
		{"folded", "Transfer-Encoding:\r\n chunked\r\n", 0, faultFold},
		{"space before the colon", "Transfer-Encoding : chunked\r\n", 0, faultName},
		{"identity", "Transfer-Encoding: identity\r\n", 0, faultCodingOther},
		{"gzip", "Transfer-Encoding: gzip\r\n", 0, faultCodingOther},
		{"xchunked", "Transfer-Encoding: xchunked\r\n", 0, faultCodingOther},
		{"chunkedx", "Transfer-Encoding: chunkedx\r\n", 0, faultCodingOther},
		{"chunk", "Transfer-Encoding: chunk\r\n", 0, faultCodingOther},
		{"long s", "Transfer-Encoding: chun\u212aed\r\n", 0, faultCoding}, // U+212A folds to k in Unicode
	} {
		h, fault := readRequest("POST / HTTP/1.1\r\nHost: gw.test\r\n"+c.lines+"\r\n", testLimit)
		if fault != c.want {
			t.Errorf("%s: %v, want %v", c.name, fault, c.want)
		} else if fault == nil && h.Length != c.length {
			t.Errorf("%s: length %d, want %d", c.name, h.Length, c.length)
		}
	}
}

func TestBodiesByMethodAndVersion(t *testing.T) {
	for _, c := range []struct {
		line, lines string
		want        *Fault
	}{
		{"GET / HTTP/1.1", "Content-Length: 0\r\n", nil},
		{"HEAD / HTTP/1.1", "Content-Length: 0\r\n", nil},
		{"DELETE / HTTP/1.1", "Content-Length: 5\r\n", nil},
		{"OPTIONS / HTTP/1.1", "Content-Length: 5\r\n", nil},
		{"POST / HTTP/1.0", "Content-Length: 5\r\n", nil},
		{"GET / HTTP/1.1", "Content-Length: 5\r\n", faultBodyOnRead},
		{"GET / HTTP/1.1", "Transfer-Encoding: chunked\r\n", faultBodyOnRead},
		{"HEAD / HTTP/1.1", "Content-Length: 5\r\n", faultBodyOnRead},
		{"GET / HTTP/1.0", "Content-Length: 5\r\n", faultBodyOnRead},
		{"POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n", faultCodingOld},
		{"POST / HTTP/1.0", "Transfer-Encoding: identity\r\n", faultCodingOld},
		{"POST / HTTP/1.0", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", faultLengthCoding},
	} {
		if _, fault := readRequest(c.line+"\r\nHost: gw.test\r\n"+c.lines+"\r\n", testLimit); fault != c.want {
			t.Errorf("%s, %q: %v, want %v", c.line, c.lines, fault, c.want)
		}
	}
}

func TestFieldsThatComeOnce(t *testing.T) {
	for _, c := range []struct {
		version, lines string
		want           *Fault
	}{
		{"1.1", "Host: gw.test\r\n", nil},
		{"1.0", "", nil},
		{"1.0", "Host: gw.test\r\n", nil},
		{"1.1", "", faultHost},
		{"1.1", "Host:\r\n", faultHost},
		{"1.0", "Host:\r\n", faultHost},
		{"1.1", "Host: a\r\nHost: a\r\n", faultHost},
		{"1.0", "Host: a\r\nhost: b\r\n", faultHost},
		{"1.1", "Host: gw.test, evil.test\r\n", faultHost},
		{"1.1", "Host: user@gw.test\r\n", faultHost},
		{"1.1", "Host : gw.test\r\n", faultName},
		{"1.1", "Host\r\n", faultName},
		{"1.1", "Hosts: gw.test\r\n", faultHost},
		{"1.1", "Host: a\r\nAuthorization: x\r\nAuthorization: x\r\n", faultAuthTwice},
		{"1.1", "Host: a\r\nAuthorization: x\r\nAUTHORIZATION:\r\n", faultAuthTwice},
		{"1.1", "Host: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n", faultExpectTwice},
		{"1.1", "Host: a\r\nExpect: 100-continue\r\n", nil},
		{"1.1", "Host: a\r\nExpect: 100-Continue\r\n", nil},
		{"1.1", "Host: a\r\nExpect:\r\n", faultExpect},
		{"1.1", "Host: a\r\nExpect: 100-continue, 100-continue\r\n", faultExpect},
		{"1.1", "Host: a\r\nExpect: y 100-continue\r\n", faultExpect},
		{"1.1", "Host: a\r\nExpect: 200-ok\r\n", faultExpect},
		{"1.1", "Host: a\r\nExpect: 100-continue;x\r\n", faultExpect},
		{"1.0", "Host: a\r\nExpect: 200-ok\r\n", nil},
		{"1.1", "Host: a\r\nConnection: " + strings.Repeat("a,", maxOptions-1) + "b\r\n", nil},
		{"1.1", "Host: a\r\nConnection: " + strings.Repeat("a,", maxOptions-1) + "b\r\nConnection: close\r\n", faultOptions},
		{"1.1", "Host: a\r\nConnection: " + strings.Repeat("a,", maxOptions) + "b\r\n", faultOptions},
		{"1.1", "Host: a\r\nConnection: " + strings.Repeat(",", maxOptions) + "\r\n", faultOptions},
	} {
		if _, fault := readRequest("POST / HTTP/"+c.version+"\r\n"+c.lines+"\r\n", testLimit); fault != c.want {
			t.Errorf("%s, %q: %v, want %v", c.version, c.lines, fault, c.want)
		}
	}
}

func TestWhatAHeadSaysOfTheConnection(t *testing.T) {
	for _, c := range []struct {
		version, lines       string
		close, names, awaits bool
	}{
		{"1.1", "", false, false, false},
		{"1.1", "Connection: close\r\n", true, false, false},
		{"1.1", "Connection: Close\r\n", true, false, false},
		{"1.1", "Connection: keep-alive\r\n", false, false, false},
		{"1.1", "Connection: keep-alive, close\r\n", true, false, false},
		{"1.1", "Connection: keep-alive\r\nconnection: close\r\n", true, false, false},
		{"1.1", "Connection: ,,\r\n", false, false, false},
		{"1.1", "Connection: X-Scope-OrgID\r\n", false, true, false},
		{"1.1", "Connection: close, X-Foo\r\n", true, true, false},
		{"1.1", "Connection: closed\r\n", false, true, false},
		{"1.0", "", true, false, false},
		{"1.0", "Connection: keep-alive\r\n", false, false, false},
		{"1.0", "Connection: Keep-Alive, close\r\n", true, false, false},
		{"1.0", "Connection: x\r\n", true, true, false},
		{"1.1", "Expect: 100-continue\r\nContent-Length: 5\r\n", false, false, true},
		{"1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", false, false, true},
		{"1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n", false, false, false},
		{"1.1", "Expect: 100-continue\r\n", false, false, false},
		{"1.0", "Expect: 100-continue\r\nContent-Length: 5\r\n", true, false, false},
	} {
		h, fault := readRequest("POST / HTTP/"+c.version+"\r\nHost: a\r\n"+c.lines+"\r\n", testLimit)
		if fault != nil {
			t.Errorf("%s, %q: %v", c.version, c.lines, fault)
			continue
		}
		if h.Close != c.close || h.NamesFields != c.names || h.Continue != c.awaits {
			t.Errorf("%s, %q: close %v, names %v, continue %v", c.version, c.lines, h.Close, h.NamesFields, h.Continue)
		}
	}
}

func TestAuthorizationIsKeptAsSent(t *testing.T) {
	h, fault := readRequest("GET / HTTP/1.1\r\nHost: a\r\nauthorization: \tBasic  abc= \r\n\r\n", testLimit)
	if fault != nil || string(h.Authorization) != "Basic  abc=" {
		t.Errorf("%v, %q", fault, h.Authorization)
	}
	if h, _ := readRequest("GET / HTTP/1.1\r\nHost: a\r\n\r\n", testLimit); h.Authorization != nil {
		t.Errorf("%q without the field", h.Authorization)
	}
	if h, _ := readRequest("GET / HTTP/1.1\r\nHost: a\r\nAuthorization:\r\n\r\n", testLimit); h.Authorization == nil {
		t.Error("an empty field is not told from none")
	}
}

// TestAHeadForgetsTheOneBefore parses a short head into what held a long one.
func TestAHeadForgetsTheOneBefore(t *testing.T) {
	var h RequestHead
	for _, raw := range []string{
		"POST /a?b HTTP/1.0\r\nHost: a\r\nAuthorization: x\r\nContent-Length: 5\r\nConnection: X-A, close\r\nExpect: 100-continue\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: b\r\n\r\n",
	} {
		var r Reader
		r.Reset(strings.NewReader(raw))
		if err := r.fill(); err != nil {
			t.Fatal(err)
		}
		if found, fault := r.scanHead(testLimit); !found || fault != nil {
			t.Fatal(found, fault)
		}
		if fault := h.parse(r.buf, &r.lines); fault != nil {
			t.Fatal(fault)
		}
	}
	want, _ := readRequest("GET / HTTP/1.1\r\nHost: b\r\n\r\n", testLimit)
	if describe(&h) != describe(want) {
		t.Errorf("%s, want %s", describe(&h), describe(want))
	}
}
