package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var errEnd = errors.New("the script ends here")

// headAndBody fills a Reader with a head of a certain size and finds it.
func headAndBody(t *testing.T, src io.Reader, limit int) (*Reader, *RequestHead) {
	t.Helper()
	r := new(Reader)
	r.Reset(src)
	for {
		found, fault := r.scanHead(limit)
		if fault != nil {
			t.Fatal(fault)
		}
		if found {
			h := new(RequestHead)
			if fault := h.parse(r.buf, &r.lines); fault != nil {
				t.Fatal(fault)
			}
			return r, h
		}
		if err := r.fill(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheHeadStaysWhileTheBodyIsRead reads a chunked body of many small chunks behind heads of sizes around those at
// which the buffer grows.
func TestTheHeadStaysWhileTheBodyIsRead(t *testing.T) {
	for _, size := range []int{100, firstBuffer - lineRoom - 1, firstBuffer - 20, firstBuffer - 1, firstBuffer, firstBuffer + 1, 2*firstBuffer - 1, 15 << 10} {
		head := "POST /a/path HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nFoo: "
		head += strings.Repeat("f", size-len(head)-4) + "\r\n\r\n"
		var body bytes.Buffer
		for i := range 3000 {
			body.WriteString("7;x\r\nchunk")
			body.WriteByte('a' + byte(i%26))
			body.WriteString("\n\r\n")
			if i == 0 { // extensions are limited: the others go without
				head += body.String()
				body.Reset()
				continue
			}
			b := bytes.Replace(body.Bytes(), []byte("7;x"), []byte("7"), 1)
			head += string(b)
			body.Reset()
		}
		raw := head + "0\r\n\r\n"
		for _, src := range []io.Reader{strings.NewReader(raw), iotest.OneByteReader(strings.NewReader(raw)), iotest.HalfReader(strings.NewReader(raw))} {
			r, h := headAndBody(t, src, testLimit)
			before := describe(h)
			var b Body
			b.begin(r, h.Length)
			got, err := io.ReadAll(&b)
			if err != nil || len(got) != 7*3000 || !b.Whole() {
				t.Fatalf("a head of %d bytes: %d bytes of body, %v", size, len(got), err)
			}
			if describe(h) != before {
				t.Fatalf("a head of %d bytes changed while its body was read", size)
			}
			if len(r.buf) > 4*testLimit {
				t.Errorf("a head of %d bytes: the buffer grew to %d", size, len(r.buf))
			}
		}
	}
}

func TestTheBufferGrowsWithTheHeadAndShrinksAfterIt(t *testing.T) {
	small := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	large := "GET / HTTP/1.1\r\nHost: a\r\nFoo: " + strings.Repeat("f", 12<<10) + "\r\n\r\n"
	r, _ := headAndBody(t, strings.NewReader(small), testLimit)
	if len(r.buf) != firstBuffer {
		t.Errorf("a small head takes %d bytes", len(r.buf))
	}
	r.discardHead()
	if r.buf == nil {
		t.Error("the buffer of a small head is not kept")
	}
	r, _ = headAndBody(t, strings.NewReader(large), testLimit)
	if len(r.buf) < len(large) || len(r.buf) > 2*testLimit {
		t.Errorf("a head of %d bytes takes %d", len(large), len(r.buf))
	}
	r.discardHead()
	if r.buf != nil {
		t.Errorf("%d bytes are kept by an idle connection", len(r.buf))
	}
	r, _ = headAndBody(t, strings.NewReader(large+small), testLimit)
	r.discardHead()
	if r.Buffered() != len(small) || string(r.buf[:r.w]) != small {
		t.Errorf("what follows a head: %q", r.buf[:r.w])
	}
}

func TestPipelinedHeadsComeOutInOrder(t *testing.T) {
	var raw strings.Builder
	for i := range 300 {
		raw.WriteString("GET /" + strings.Repeat("p", i) + " HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	for _, src := range []io.Reader{strings.NewReader(raw.String()), iotest.OneByteReader(strings.NewReader(raw.String()))} {
		var r Reader
		var h RequestHead
		r.Reset(src)
		for i := range 300 {
			r.discardHead()
			for found := false; !found; {
				var fault *Fault
				if found, fault = r.scanHead(testLimit); fault != nil {
					t.Fatal(fault)
				}
				if found {
					break
				}
				if err := r.fill(); err != nil {
					t.Fatalf("head %d: %v", i, err)
				}
			}
			if fault := h.parse(r.buf, &r.lines); fault != nil || len(h.Path) != i+1 {
				t.Fatalf("head %d: %v, path %q", i, fault, h.Path)
			}
		}
	}
}

func TestFillTellsTheEndFromNothing(t *testing.T) {
	var r Reader
	r.Reset(strings.NewReader(""))
	if err := r.fill(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	r.Reset(iotest.ErrReader(errEnd))
	if err := r.fill(); err != errEnd {
		t.Errorf("at an error: %v", err)
	}
	r.Reset(idle{})
	if err := r.fill(); err != io.ErrNoProgress {
		t.Errorf("at a read of nothing: %v", err)
	}
	r.Reset(iotest.DataErrReader(strings.NewReader("x")))
	if err := r.fill(); err != nil || r.Buffered() != 1 {
		t.Errorf("at data that comes with the end: %v, %d bytes", err, r.Buffered())
	}
}

// idle reads nothing, without an error.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
