package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readRequest reads the first head of raw, whose bytes come one at a time: a head must not depend on how it is cut.
func readRequest(raw string, limit int) (*RequestHead, *Fault) {
	var r Reader
	r.Reset(iotest.OneByteReader(strings.NewReader(raw)))
	r.lines.reset()
	for {
		found, fault := r.scanHead(limit)
		if fault != nil {
			return nil, fault
		}
		if found {
			h := new(RequestHead)
			return h, h.parse(r.buf, &r.lines)
		}
		if r.fill() != nil {
			return nil, nil // not a whole head
		}
	}
}

const testLimit = 16 << 10

func TestRequestLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want *Fault
	}{
		{"GET / HTTP/1.1", nil},
		{"GET / HTTP/1.0", nil},
		{"M-SEARCH /a HTTP/1.1", nil},
		{"!#$%&'*+-.^_`|~09azAZ /a HTTP/1.1", nil},
		{"get / HTTP/1.1", nil}, // a method of its own, which no route has
		{strings.Repeat("A", 24) + " / HTTP/1.1", nil},

		{"GET /", faultRequestLine}, // HTTP/0.9
		{"GET", faultRequestLine},
		{"GET / ", faultRequestLine},
		{"GET  / HTTP/1.1", faultRequestLine},
		{"GET /  HTTP/1.1", faultRequestLine},
		{"GET / HTTP/1.1 ", faultRequestLine},
		{"GET / HTTP/1.1\t", faultRequestLine},
		{"GET / HTTP/1.1 x", faultRequestLine},
		{"GET /a b HTTP/1.1", faultRequestLine},
		{"GET\t/\tHTTP/1.1", faultRequestLine},
		{"GET /\tHTTP/1.1", faultRequestLine},
		{"GET / HTTP/1.1\r", faultRequestLine},
		{"GET\v/\vHTTP/1.1", faultRequestLine},
		{"GET\u00a0/ HTTP/1.1", faultRequestLine},
		{" GET / HTTP/1.1", faultMethod},
		{"\tGET / HTTP/1.1", faultMethod},
		{"\x00GET / HTTP/1.1", faultMethod},
		{"\ufeffGET / HTTP/1.1", faultMethod},

		{"G(T / HTTP/1.1", faultMethod},
		{"GET, / HTTP/1.1", faultMethod},
		{"GET: / HTTP/1.1", faultMethod},
		{"G\x00T / HTTP/1.1", faultMethod},
		{"G\rT / HTTP/1.1", faultMethod},
		{"GÉT / HTTP/1.1", faultMethod},
		{"\"GET\" / HTTP/1.1", faultMethod},
		{strings.Repeat("A", 25) + " / HTTP/1.1", faultMethod},

		{"GET / HTTP/2.0", faultVersion},
		{"PRI * HTTP/2.0", faultVersion},
		{"GET / HTTP/0.9", faultVersion},
		{"GET / HTTP/1.2", faultVersion},
		{"GET / HTTP/9.9", faultVersion},
		{"GET / HTTP/0.0", faultVersion},
		{"GET / HTTP/1.10", faultRequestLine},
		{"GET / HTTP/01.1", faultRequestLine},
		{"GET / HTTP/1", faultRequestLine},
		{"GET / HTTP/1.", faultRequestLine},
		{"GET / HTTP/.1", faultRequestLine},
		{"GET / HTTP/11", faultRequestLine},
		{"GET / HTTP/1,1", faultRequestLine},
		{"GET / HTTP/+1.1", faultRequestLine},
		{"GET / HTTP/1.x", faultRequestLine},
		{"GET / http/1.1", faultRequestLine},
		{"GET / Http/1.1", faultRequestLine},
		{"GET / HTTPS/1.1", faultRequestLine},
		{"GET / HTTP 1.1", faultRequestLine},
		{"GET / HTTP/1.1\x00", faultRequestLine},
		{"GET / HTTP/1\x00.1", faultRequestLine},
		{"GET / ICY/1.1", faultRequestLine},
		{"HTTP/1.1 200 OK", faultMethod},
	} {
		h, fault := readRequest(c.line+"\r\nHost: gw.test\r\n\r\n", testLimit)
		if fault != c.want {
			t.Errorf("%q: %v, want %v", c.line, fault, c.want)
		}
		if fault == nil && (h.Minor != int(c.line[len(c.line)-1]-'0') || !strings.HasPrefix(c.line, string(h.Method)+" ")) {
			t.Errorf("%q: method %q, minor %d", c.line, h.Method, h.Minor)
		}
	}
}

func TestTarget(t *testing.T) {
	long := "/" + strings.Repeat("a", maxPath-1)
	for _, c := range []struct {
		target, path, query string
		hasQuery            bool
		want                *Fault
	}{
		{"/", "/", "", false, nil},
		{"/a/b", "/a/b", "", false, nil},
		{"/a?", "/a", "", true, nil},
		{"/a?b", "/a", "b", true, nil},
		{"/a?b?c", "/a", "b?c", true, nil},
		{"/?/../x", "/", "/../x", true, nil},
		{"/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@", "", false, nil},
		{"/%41%7e%00%ff", "/%41%7e%00%ff", "", false, nil}, // what may be escaped is for the routes
		{"//a/../b", "//a/../b", "", false, nil},           // clean or not, too
		{"/a?match[]={a=\"b\"}|%zz%", "/a", "match[]={a=\"b\"}|%zz%", true, nil},
		{long, long, "", false, nil},
		{long + "?" + long, long, long, true, nil},

		{long + "a", "", "", false, faultPathLength},
		{"*", "", "", false, faultTarget},
		{"gw.test:80", "", "", false, faultTarget},
		{"http://gw.test/", "", "", false, faultTarget},
		{"http://gw.test", "", "", false, faultTarget},
		{"file:///etc/passwd", "", "", false, faultTarget},
		{"?a", "", "", false, faultTarget},
		{"a/b", "", "", false, faultTarget},
		{"%2fa", "", "", false, faultTarget},
		{"\\a", "", "", false, faultTarget},
		{"/a#b", "", "", false, faultTarget},
		{"/a?b#c", "", "", false, faultTarget},
		{"/a\\b", "", "", false, faultTarget},
		{"/a\tb", "", "", false, faultTarget},
		{"/a\x00b", "", "", false, faultTarget},
		{"/a\rb", "", "", false, faultTarget},
		{"/a\x7fb", "", "", false, faultTarget},
		{"/é", "", "", false, faultTarget},
		{"/a\x80", "", "", false, faultTarget},
		{"/a<b>", "", "", false, faultTarget},
		{"/a\"b", "", "", false, faultTarget},
		{"/a^b", "", "", false, faultTarget},
		{"/a`b", "", "", false, faultTarget},
		{"/{a}", "", "", false, faultTarget},
		{"/a|b", "", "", false, faultTarget},
		{"/[a]", "", "", false, faultTarget},
		{"/a?\x00", "", "", false, faultTarget},
		{"/a?\t", "", "", false, faultTarget},
		{"/a?\x7f", "", "", false, faultTarget},
		{"/a?é", "", "", false, faultTarget},
		{"/%", "", "", false, faultEscape},
		{"/%4", "", "", false, faultEscape},
		{"/%4?1", "", "", false, faultEscape},
		{"/%zz", "", "", false, faultEscape},
		{"/%%41", "", "", false, faultEscape},
		{"/%u0041", "", "", false, faultEscape},
		{"/%41%4g", "", "", false, faultEscape},
	} {
		h, fault := readRequest("GET "+c.target+" HTTP/1.1\r\nHost: gw.test\r\n\r\n", testLimit)
		if fault != c.want {
			t.Errorf("%.60q: %v, want %v", c.target, fault, c.want)
		}
		if fault != nil {
			continue
		}
		if string(h.Target) != c.target || string(h.Path) != c.path || string(h.Query) != c.query || h.HasQuery != c.hasQuery {
			t.Errorf("%.60q: target %.60q, path %.60q, query %.60q, %v", c.target, h.Target, h.Path, h.Query, h.HasQuery)
		}
		if !ValidPath([]byte(c.path)) {
			t.Errorf("ValidPath(%.60q) is false", c.path)
		}
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  *Fault
	}{
		{"Foo: bar\r\n", nil},
		{"Foo:bar\r\n", nil},
		{"Foo:\r\n", nil},
		{"Foo: \t \r\n", nil},
		{"Foo: \t bar \t\r\n", nil},
		{"Foo: a\tb\r\n", nil},
		{"Foo: a:b: c\r\n", nil},
		{"Foo: caf\xe9 \xff\r\n", nil}, // obs-text
		{"!#$%&'*+-.^_`|~09azAZ: x\r\n", nil},

		{"Foo : bar\r\n", faultName},
		{"Foo\t: bar\r\n", faultName},
		{": bar\r\n", faultName},
		{"Foo\r\n", faultName},
		{"Foo bar: x\r\n", faultName},
		{"Foo\x00: x\r\n", faultName},
		{"F\x01o: x\r\n", faultName},
		{"Föö: x\r\n", faultName},
		{"Foo\r: x\r\n", faultName},
		{"(Foo): x\r\n", faultName},
		{"Foo/1: x\r\n", faultName},
		{"\"Foo\": x\r\n", faultName},
		{"Foo;: x\r\n", faultName},
		{"\x0bFoo: x\r\n", faultName},
		{"\r\r\n", faultName},
		{"Foo: a\r\n b\r\n", faultFold},
		{"Foo: a\r\n\tb\r\n", faultFold},
		{"Foo: a\r\n \r\n", faultFold},
		{" Foo: a\r\n", faultFold},
		{"Foo: a\nBar: b\r\n", faultBareLF},
		{"Foo: a\r\n\nBar: b\r\n", faultBareLF},
		{"Foo: a\rBar: b\r\n", faultValue},
		{"Foo: a\r\r\n", faultValue},
		{"Foo: \r\r\n", faultValue},
		{"Foo: a\x00\r\n", faultValue},
		{"Foo: \x00\r\n", faultValue},
		{"Foo: a\x01b\r\n", faultValue},
		{"Foo: a\x0bb\r\n", faultValue},
		{"Foo: \x0cb\r\n", faultValue},
		{"Foo: a\x1b[0m\r\n", faultValue},
		{"Foo: a\x7fb\r\n", faultValue},
	} {
		for place, head := range []string{
			"GET / HTTP/1.1\r\n" + c.lines + "Host: gw.test\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: gw.test\r\n" + c.lines + "\r\n",
		} {
			h, fault := readRequest(head, testLimit)
			if fault != c.want {
				t.Errorf("%q at place %d: %v, want %v", c.lines, place, fault, c.want)
			}
			if fault != nil {
				continue
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(c.lines, "\r\n"), ":")
			f := h.Fields[place]
			if len(h.Fields) != 2 || string(f.Name) != name || string(f.Value) != strings.Trim(value, " \t") {
				t.Errorf("%q: field %q: %q of %d", c.lines, f.Name, f.Value, len(h.Fields))
			}
		}
	}
}

func TestEmptyLinesBeforeARequest(t *testing.T) {
	const rest = "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"
	for _, c := range []struct {
		lead string
		want *Fault
	}{
		{"", nil}, {"\r\n", nil},
		{"\r\n\r\n", faultEmptyLines}, {"\r\n\r\n\r\n", faultEmptyLines},
		{"\n", faultBareLF}, {"\r\n\n", faultBareLF}, {"\n\r\n", faultBareLF},
		{"\r", faultMethod}, {"\r\r\n", faultRequestLine}, {" \r\n", faultRequestLine}, {"\x00\r\n", faultRequestLine},
	} {
		if _, fault := readRequest(c.lead+rest, testLimit); fault != c.want {
			t.Errorf("%q: %v, want %v", c.lead, fault, c.want)
		}
	}
}

func TestHeadsWithoutCRLFAreNoHeads(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want *Fault
	}{
		{"GET / HTTP/1.1\nHost: gw.test\n\n", faultBareLF},
		{"GET / HTTP/1.1\r\nHost: gw.test\n\r\n", faultBareLF},
		{"GET / HTTP/1.1\r\nHost: gw.test\r\n\n", faultBareLF},
		{"GET / HTTP/1.1\nHost: gw.test\r\n\r\n", faultBareLF},
		{"GET / HTTP/1.1\n\rHost: gw.test\n\r\n\r", faultBareLF},
		{"GET / HTTP/1.1\rHost: gw.test\r\r", nil}, // no line ever ends: header_timeout ends it
	} {
		h, fault := readRequest(c.raw, testLimit)
		if h != nil || fault != c.want {
			t.Errorf("%q: %v, %v; want %v", c.raw, h, fault, c.want)
		}
	}
}

func TestLimitsOfAHead(t *testing.T) {
	fields := func(n int) string {
		return "GET / HTTP/1.1\r\nHost: gw.test\r\n" + strings.Repeat("A: b\r\n", n-1) + "\r\n"
	}
	const small = "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"
	for _, c := range []struct {
		name, raw string
		limit     int
		want      *Fault
	}{
		{"100 fields", fields(maxFields), testLimit, nil},
		{"101 fields", fields(maxFields + 1), testLimit, faultTooMany},
		{"as long as allowed", small, len(small), nil},
		{"a byte longer", small, len(small) - 1, faultTooLarge},
		{"no end in sight", "GET /" + strings.Repeat("a", 2*testLimit), testLimit, faultTooLarge},
		{"one long field", "GET / HTTP/1.1\r\nHost: gw.test\r\nA: " + strings.Repeat("a", 2*testLimit), testLimit, faultTooLarge},
		{"an empty line counts", "\r\n" + small, len(small) + 1, faultTooLarge},
	} {
		if _, fault := readRequest(c.raw, c.limit); fault != c.want {
			t.Errorf("%s: %v, want %v", c.name, fault, c.want)
		}
	}
}

// TestHeadsAgreeHoweverTheyArrive cuts a head at every place.
func TestHeadsAgreeHoweverTheyArrive(t *testing.T) {
	const raw = "\r\nPOST /a/b?c HTTP/1.1\r\nHost: gw.test:80\r\nContent-Length: 5\r\nFoo: \tbar \r\n\r\nhello"
	want, fault := readRequest(raw, testLimit)
	if fault != nil {
		t.Fatal(fault)
	}
	for at := 1; at < len(raw); at++ {
		var r Reader
		r.Reset(&pieces{[]byte(raw[:at]), []byte(raw[at:])})
		for found := false; !found; {
			if err := r.fill(); err != nil {
				t.Fatal(err)
			}
			if found, fault = r.scanHead(testLimit); fault != nil {
				t.Fatalf("cut at %d: %v", at, fault)
			}
		}
		var h RequestHead
		if fault := h.parse(r.buf, &r.lines); fault != nil || describe(&h) != describe(want) {
			t.Fatalf("cut at %d: %v, %s; want %s", at, fault, describe(&h), describe(want))
		}
	}
}

// lines is the fields as they are passed on.
func lines(fields []Field) (lines []string) {
	for i := range fields {
		lines = append(lines, string(fields[i].AppendTo(nil)))
	}
	return lines
}

func describe(h *RequestHead) string {
	return fmt.Sprintf("%q %q %q %q %v %d %q %q %q %v %d %v %v %v", h.Method, h.Target, h.Path, h.Query, h.HasQuery, h.Minor, lines(h.Fields),
		h.Host, h.Authorization, h.NamesFields, h.Length, h.HasLength, h.Close, h.Continue)
}

// pieces gives each of its byte slices to a read of its own.
type pieces [][]byte

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, errEnd
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; len((*p)[0]) == 0 {
		*p = slices.Delete(*p, 0, 1)
	}
	return n, nil
}
