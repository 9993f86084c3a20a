package wire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// newBody is the body whose bytes src gives.
func newBody(src io.Reader, length int64) *Body {
	r := new(Reader)
	r.Reset(src)
	b := new(Body)
	b.begin(r, length)
	return b
}

// waysToArrive gives the same bytes in several portions; the result must not depend on it.
var waysToArrive = map[string]func(string) io.Reader{
	"at once":        func(s string) io.Reader { return strings.NewReader(s) },
	"byte by byte":   func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
	"in halves":      func(s string) io.Reader { return iotest.HalfReader(strings.NewReader(s)) },
	"with their end": func(s string) io.Reader { return iotest.DataErrReader(strings.NewReader(s)) },
}

func TestChunkedBodies(t *testing.T) {
	const big = "0123456789abcdef"
	for _, c := range []struct {
		raw, want string
		err       error
	}{
		{"0\r\n\r\n", "", nil},
		{"5\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", nil},
		{"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", nil},
		{"a\r\n0123456789\r\n0\r\n\r\n", "0123456789", nil},
		{"10\r\n" + big + "\r\n0\r\n\r\n", big, nil},
		{"000000000000005\r\nhello\r\n000\r\n\r\n", "hello", nil},
		{"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", nil},
		{"5;a\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello", nil},
		{"5 ;a\r\nhello\r\n0\r\n\r\n", "hello", nil}, // BWS of RFC 9112 §7.1.1
		{"5 ; a ;b = c ; d=\"e\"\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5;a=\"b;c=\\\"d\\\\\";e\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5;!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More:\r\n\r\n", "hello", nil},

		// Sizes.
		{"0000000000000005\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"fffffffffffffff0\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"10000000000000005\r\nhello\r\n0\r\n\r\n", "", faultChunkSize}, // 2^64+5
		{"\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"0x5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"+5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"-5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"1_0\r\n" + big + "\r\n0\r\n\r\n", "", faultChunkSize},
		{"5h\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5,5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5.0\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"G\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"\"5\"\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"５\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{" 5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"\t5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5 \r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\t\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5 5\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\x00\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\x00;a\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"\x005\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},

		// Line ends.
		{"5\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\rhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\r\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\n\rhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5\r\nhello\n0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhello\r0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhello\n\r0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhello\r\r\n0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhello0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhelloXX0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhelloworld\r\n0\r\n\r\n", "hello", faultChunkEnd},
		{"5\r\nhello \r\n0\r\n\r\n", "hello", faultChunkEnd},
		{"6\r\nhello\r\n0\r\n\r\n", "hello\r", faultChunkEnd},
		{"5\r\nhello\r\n\r\n0\r\n\r\n", "hello", faultChunkSize},
		{"5\r\nhello\r\n0\n\r\n", "hello", faultChunkSize},
		{"5\r\nhello\r\n0\r\n\n", "hello", faultTrailer},
		{"5\r\nhello\r\n0\r\n\r\r\n", "hello", faultTrailer},

		// Extensions.
		{"5;a\rb\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a\r\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a\nb\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5;\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5; \r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a;\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;;;a\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;=b\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=;b\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a==b\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a b\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=b c\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a \r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=b \r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a/b\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;\"a\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"b\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"b\\\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=b\"c\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"b\tc\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt}, // a control, even where RFC 9110 lets it be
		{"5;a=\"b\\\tc\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\tb\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;\ta\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5\t;a\r\nhello\r\n0\r\n\r\n", "", faultChunkSize},
		{"5;\xe9\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"\xe9\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\"\\\xe9\"\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;a=\x00\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;\x7f\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{"5;" + strings.Repeat("a", maxExtra-1) + "\r\nhello\r\n0\r\n\r\n", "hello", nil},
		{"5;" + strings.Repeat("a", maxExtra) + "\r\nhello\r\n0\r\n\r\n", "", faultChunkExt},
		{strings.Repeat("1;"+strings.Repeat("a", 63)+"\r\nx\r\n", 4) + "0\r\n\r\n", "xxxx", nil},
		{strings.Repeat("1;"+strings.Repeat("a", 63)+"\r\nx\r\n", 4) + "0;a\r\n\r\n", "xxxx", faultChunkExt},
		{"0;" + strings.Repeat("a", maxExtra) + "\r\n\r\n", "", faultChunkExt},
	} {
		for way, arrive := range waysToArrive {
			b := newBody(arrive(c.raw), Chunked)
			got, err := io.ReadAll(b)
			if string(got) != c.want || err != c.err {
				t.Errorf("%.70q %s: %q, %v; want %q, %v", c.raw, way, got, err, c.want, c.err)
			}
			if b.Whole() != (c.err == nil) {
				t.Errorf("%.70q %s: whole is %v", c.raw, way, b.Whole())
			}
		}
	}
}

func TestTrailers(t *testing.T) {
	long := func(n int) string { return "A: " + strings.Repeat("a", n-3) + "\r\n" }
	for _, c := range []struct {
		lines string
		good  bool
	}{
		{"X-Sum: 1\r\n", true}, {"A:\r\n", true}, {"Content-MD5: x\r\n", true}, {"Server-Timing: x\r\n", true}, {"Hosts: x\r\n", true},
		{long(maxExtra), true}, {long(128) + long(128), true},
		{long(maxExtra + 1), false}, {long(128) + long(129), false}, {long(20000), false}, {strings.Repeat("A:\r\n", 200), false},
		{"X-A : b\r\n", false}, {"X-A: b\r\n c\r\n", false}, {" X-A: b\r\n", false}, {"X-A\r\n", false}, {": b\r\n", false},
		{"X-A: \x00\r\n", false}, {"X-A: b\x01\r\n", false}, {"X-A: a\rb\r\n", false}, {"X-A: a\nB: b\r\n", false}, {"X A: b\r\n", false},
		{"GET / HTTP/1.1\r\nX: y\r\n", false},
		{"Content-Length: 5\r\n", false}, {"content-length: 0\r\n", false}, {"Transfer-Encoding: chunked\r\n", false},
		{"Trailer: x\r\n", false}, {"TE: trailers\r\n", false}, {"Connection: close\r\n", false}, {"Host: evil.test\r\n", false},
		{"Upgrade: h2c\r\n", false}, {"Authorization: x\r\n", false}, {"Proxy-Authorization: x\r\n", false}, {"Cookie: a=b\r\n", false},
		{"Expect: 100-continue\r\n", false}, {"Content-Encoding: gzip\r\n", false}, {"Content-Type: x\r\n", false},
		{"Content-Range: x\r\n", false}, {"X-Forwarded-For: 1.2.3.4\r\n", false},
		{"X-Scope-OrgID: victim\r\n", false}, {"x_scope_orgid: victim\r\n", false}, {"XScopeOrgID: victim\r\n", false},
		{"content_length: 5\r\n", false}, {"Transfer_Encoding: chunked\r\n", false}, {"CONTENT_TYPE: x\r\n", false},
		{"X_Forwarded_For: 1.2.3.4\r\n", false}, {"x-forwarded_for: 1.2.3.4\r\n", false}, {"Proxy_Authorization: x\r\n", false},
		{"content_md5: x\r\n", true}, {"X_Sum: 1\r\n", true},
		{"X-Scope-ClientID: x\r\n", false}, {"X-Sum: 1\r\nX-SCOPE-ORGID: victim\r\n", false},
	} {
		for way, arrive := range waysToArrive {
			b := newBody(arrive("5\r\nhello\r\n0\r\n"+c.lines+"\r\n"), Chunked)
			got, err := io.ReadAll(b)
			if string(got) != "hello" || (err == nil) != c.good || err != nil && err != faultTrailer {
				t.Errorf("%.60q %s: %q, %v; want good: %v", c.lines, way, got, err, c.good)
			}
		}
	}
}

func TestExtensionsAndTrailersShareTheirLimit(t *testing.T) {
	raw := "1;" + strings.Repeat("a", 127) + "\r\nx\r\n0\r\nA: " + strings.Repeat("a", 126) + "\r\n\r\n"
	if _, err := io.ReadAll(newBody(strings.NewReader(raw), Chunked)); err != faultTrailer {
		t.Errorf("257 bytes of both: %v", err)
	}
}

// TestABodyCutAnywhereIsNeverWhole ends the connection after each byte.
func TestABodyCutAnywhereIsNeverWhole(t *testing.T) {
	for _, c := range []struct {
		raw    string
		length int64
	}{
		{"5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0;c\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n", Chunked},
		{"0\r\n\r\n", Chunked},
		{"hello", 5},
	} {
		for at := range c.raw {
			for way, arrive := range waysToArrive {
				b := newBody(arrive(c.raw[:at]), c.length)
				_, err := io.ReadAll(b)
				if !errors.Is(err, io.ErrUnexpectedEOF) || b.Whole() {
					t.Errorf("%q cut at %d, %s: %v, whole %v", c.raw, at, way, err, b.Whole())
				}
				if _, again := b.Read(make([]byte, 1)); again != err {
					t.Errorf("%q cut at %d, %s: first %v, then %v", c.raw, at, way, err, again)
				}
			}
		}
	}
}

func TestBodiesOfKnownLength(t *testing.T) {
	for way, arrive := range waysToArrive {
		r := new(Reader)
		r.Reset(arrive("helloGET /"))
		var b Body
		b.begin(r, 5)
		got, err := io.ReadAll(&b)
		if string(got) != "hello" || err != nil || !b.Whole() {
			t.Errorf("%s: %q, %v", way, got, err)
		}
		if n, err := b.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("%s: %d bytes behind the end, %v", way, n, err)
		}
	}
	b := newBody(iotest.ErrReader(errEnd), 0)
	if !b.Whole() || !b.Ready() || b.Length() != 0 {
		t.Error("an empty body is not whole from the start")
	}
	if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("an empty body: %d, %v", n, err)
	}
}

func TestBodiesThatEndWithTheirConnection(t *testing.T) {
	for way, arrive := range waysToArrive {
		b := newBody(arrive("hello\r\n0\r\n\r\n"), UntilClose)
		if got, err := io.ReadAll(b); string(got) != "hello\r\n0\r\n\r\n" || err != nil || !b.Whole() {
			t.Errorf("%s: %q, %v", way, got, err)
		}
	}
	b := newBody(io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(errEnd)), UntilClose)
	if got, err := io.ReadAll(b); string(got) != "hello" || err != errEnd || b.Whole() {
		t.Errorf("cut: %q, %v, whole %v", got, err, b.Whole())
	}
}

func TestErrorsOfABodyAreStickyAndComeWithoutData(t *testing.T) {
	for _, c := range []struct {
		raw    string
		length int64
		want   error
	}{
		{"5\r\nhello\nXX", Chunked, faultChunkEnd},
		{"5\r\nhello\r\nG\r\n5\r\nhello\r\n0\r\n\r\n", Chunked, faultChunkSize},
		{"hel", 5, io.ErrUnexpectedEOF},
	} {
		b := newBody(iotest.DataErrReader(strings.NewReader(c.raw)), c.length)
		p := make([]byte, 64)
		for {
			n, err := b.Read(p)
			if n > 0 && err != nil {
				t.Fatalf("%q: %d bytes come with %v", c.raw, n, err)
			}
			if n == 0 && err == nil {
				t.Fatalf("%q: a read of nothing", c.raw)
			}
			if err == nil {
				continue
			}
			if err != c.want {
				t.Errorf("%q: %v, want %v", c.raw, err, c.want)
			}
			break
		}
		for range 3 {
			if n, err := b.Read(p); n != 0 || err != c.want {
				t.Errorf("%q: then %d, %v", c.raw, n, err)
			}
		}
	}
}

// timeoutError is what a deadline that passed looks like.
type timeoutError struct{}

func (timeoutError) Error() string   { return "too late" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// hesitant fails every other read with a timeout and gives one byte at the others.
type hesitant struct {
	raw  string
	late bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.late = !h.late; h.late {
		return 0, timeoutError{}
	}
	if h.raw == "" {
		return 0, io.EOF
	}
	p[0] = h.raw[0]
	h.raw = h.raw[1:]
	return 1, nil
}

func TestABodyGoesOnAfterATimeout(t *testing.T) {
	for _, c := range []struct {
		raw    string
		length int64
	}{
		{"5;a=b\r\nhello\r\n6\r\n world\r\n0;c\r\nX-Sum: 1\r\n\r\n", Chunked},
		{"hello world", 11},
		{"hello world", UntilClose},
	} {
		b := newBody(&hesitant{raw: c.raw}, c.length)
		var got []byte
		timeouts := 0
		for {
			var p [64]byte
			n, err := b.Read(p[:])
			got = append(got, p[:n]...)
			if IsTimeout(err) {
				timeouts++
				continue
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v after %q", c.raw, err, got)
			}
		}
		if string(got) != "hello world" || timeouts < len("hello world") {
			t.Errorf("%q: %q after %d timeouts", c.raw, got, timeouts)
		}
	}
}

func TestReadyTellsWhetherABodyHasArrived(t *testing.T) {
	r := new(Reader)
	r.Reset(&pieces{[]byte("hel"), []byte("lo")})
	var b Body
	b.begin(r, 5)
	for _, step := range []struct {
		ready bool
		do    func() error
	}{
		{false, r.fill},
		{false, r.fill},
		{true, func() error { _, err := b.Read(make([]byte, 2)); return err }},
		{true, func() error { _, err := b.Read(make([]byte, 3)); return err }},
		{true, func() error { return nil }},
	} {
		if b.Ready() != step.ready {
			t.Fatalf("ready is %v with %d of %d bytes", b.Ready(), r.Buffered(), b.left)
		}
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
	}
	for _, length := range []int64{Chunked, UntilClose} {
		if r.Reset(strings.NewReader("0\r\n\r\n")); r.fill() != nil {
			t.Fatal("no bytes")
		}
		if b.begin(r, length); b.Ready() {
			t.Errorf("a body of length %d claims to be there", length)
		}
	}
}
