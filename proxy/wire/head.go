package wire

import (
	"bytes"
	"net/netip"
)

// maxFields is the most fields a head may have.
const maxFields = 100

// maxPath is the longest path of a request, in bytes: with it a stand-in always fits one read of fasthttp's.
const maxPath = 3072

// Field is one line of a head. Both slices point into the connection's buffer; the value is trimmed.
type Field struct {
	Name, Value []byte
}

// RequestHead is the head of one request as it was sent. All slices point into the connection's buffer and are valid
// until the connection reads its next head.
type RequestHead struct {
	Method, Target []byte
	Path, Query    []byte // Target, cut at the first "?", which belongs to neither
	HasQuery       bool
	Minor          int // the version is HTTP/1.Minor: 0 or 1
	Fields         []Field

	Host          []byte // empty only in HTTP/1.0
	Authorization []byte // the value; nil without the field
	Underscores   bool   // the name of a field holds "_"
	NamesFields   bool   // Connection names fields that are meant for us alone
	Length        int64  // bytes of the body, Chunked, or 0 without one
	HasLength     bool   // a Content-Length field is there
	Close         bool   // the client will not send another request
	Continue      bool   // the client waits for 100 Continue
}

// Chunked stands for the length of a body that only its chunks tell.
const Chunked = -1

// lineScanner finds the lines of a head as its bytes arrive, each byte looked at once, however slowly they come.
type lineScanner struct {
	ends  []int // offsets of the LF that ends each line, the empty one excluded
	start int   // of the line under way
	next  int   // first byte not looked at
	lead  int   // bytes of the one empty line that may precede a request (RFC 9112 §2.2)
}

func (s *lineScanner) reset() { *s = lineScanner{ends: s.ends[:0]} }

// scan looks at what has arrived and reports whether the head is complete, and where it ends.
func (s *lineScanner) scan(buf []byte) (end int, fault *Fault) {
	for {
		i := bytes.IndexByte(buf[s.next:], '\n')
		if i < 0 {
			s.next = len(buf)
			return 0, nil
		}
		i += s.next
		s.next = i + 1
		if i == 0 || buf[i-1] != '\r' {
			return 0, faultBareLF
		}
		if i-1 == s.start { // an empty line
			if len(s.ends) > 0 {
				return i + 1, nil
			}
			if s.lead > 0 {
				return 0, faultEmptyLines
			}
			s.lead, s.start = i+1, i+1
			continue
		}
		if len(s.ends) > maxFields {
			return 0, faultTooMany
		}
		s.ends = append(s.ends, i)
		s.start = i + 1
	}
}

// parse reads a complete head, next to RFC 9112: §3 the request line, §5 the fields, §6 the framing.
func (h *RequestHead) parse(buf []byte, s *lineScanner) *Fault {
	*h = RequestHead{Fields: h.Fields[:0]}
	if f := h.parseRequestLine(buf[s.lead : s.ends[0]-1]); f != nil {
		return f
	}
	var seen seenFields
	for i, end := range s.ends[1:] {
		h.Fields = append(h.Fields, Field{})
		field := &h.Fields[i]
		classes, f := field.parse(buf[s.ends[i]+1 : end+1])
		if f != nil {
			return f
		}
		h.Underscores = h.Underscores || classes&underscore != 0
		if f := h.note(field, &seen); f != nil {
			return f
		}
	}
	return h.settle(&seen)
}

// parseWhole is scan and parse in one pass, for a head that is there completely and good, as almost all are. It returns
// where the head ends; 0 leaves everything, and whatever there is to blame, to scan and parse.
func (h *RequestHead) parseWhole(b []byte) (end int) {
	*h = RequestHead{Fields: h.Fields[:0]}
	end = bytes.IndexByte(b, '\n') + 1
	if end < 3 || b[end-2] != '\r' || h.parseRequestLine(b[:end-2]) != nil {
		return 0
	}
	var seen seenFields
	for len(b)-end >= 2 {
		if b[end] == '\r' && b[end+1] == '\n' {
			if h.settle(&seen) != nil {
				return 0
			}
			return end + 2
		}
		if len(h.Fields) == maxFields {
			return 0
		}
		h.Fields = append(h.Fields, Field{})
		field := &h.Fields[len(h.Fields)-1]
		n, classes := field.read(b[end:])
		if n == 0 || h.note(field, &seen) != nil {
			return 0
		}
		h.Underscores = h.Underscores || classes&underscore != 0
		end += n
	}
	return 0
}

// parseRequestLine reads METHOD SP origin-form SP HTTP-version (RFC 9112 §3).
func (h *RequestHead) parseRequestLine(line []byte) *Fault {
	method, rest, ok := bytes.Cut(line, space)
	if !ok {
		return faultRequestLine
	}
	target, version, ok := bytes.Cut(rest, space)
	if !ok || len(target) == 0 {
		return faultRequestLine
	}
	if len(method) == 0 || len(method) > 24 || !all(method, token) {
		return faultMethod
	}
	switch string(version) {
	case "HTTP/1.1":
		h.Minor = 1
	case "HTTP/1.0":
	default:
		if len(version) == 8 && bytes.HasPrefix(version, httpSlash) && version[6] == '.' &&
			'0' <= version[5] && version[5] <= '9' && '0' <= version[7] && version[7] <= '9' {
			return faultVersion
		}
		return faultRequestLine
	}
	h.Method, h.Target = method, target
	return h.parseTarget(target)
}

// parseTarget takes a path and an optional query apart (RFC 9112 §3.2.1): no other form, no fragment, no byte that
// RFC 3986 does not allow in a path. What of it a route may look like is for the caller.
func (h *RequestHead) parseTarget(target []byte) *Fault {
	h.Path, h.Query, h.HasQuery = bytes.Cut(target, question)
	if !all(h.Query, queryChar) {
		return faultTarget
	}
	return checkPath(h.Path)
}

func checkPath(path []byte) *Fault {
	if len(path) == 0 || path[0] != '/' || !all(path, pathChar) {
		return faultTarget
	}
	if len(path) > maxPath {
		return faultPathLength
	}
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return nil
		}
		if len(path) < i+3 || class[path[i+1]]&hexDigit == 0 || class[path[i+2]]&hexDigit == 0 {
			return faultEscape
		}
		path = path[i+3:]
	}
}

// ValidPath reports whether a request may have this path at all (RFC 3986 §3.3), whatever routes there are.
func ValidPath(path []byte) bool { return checkPath(path) == nil }

// read reads the field line at the start of b (RFC 9112 §5): a token, a colon right behind it, a value without controls,
// CR LF. n is its length, 0 when there is no whole and good line; classes are those of the characters of the name.
func (f *Field) read(b []byte) (n int, classes uint8) {
	colon := 0
	for colon < len(b) && class[b[colon]]&token != 0 {
		classes |= class[b[colon]]
		colon++
	}
	if colon == 0 || colon == len(b) || b[colon] != ':' {
		return 0, 0
	}
	end := colon + 1 + valueLen(b[colon+1:])
	if len(b)-end < 2 || b[end] != '\r' || b[end+1] != '\n' {
		return 0, 0
	}
	f.Name, f.Value = b[:colon], trim(b[colon+1:end])
	return end + 2, classes
}

// parse is read for a line that is known to be whole, CR LF included; it says what is wrong with it.
func (f *Field) parse(line []byte) (classes uint8, _ *Fault) {
	n, classes := f.read(line)
	if n == len(line) {
		return classes, nil
	}
	if line[0] == ' ' || line[0] == '\t' {
		return 0, faultFold
	}
	if colon := bytes.IndexByte(line, ':'); colon <= 0 || !all(line[:colon], token) {
		return 0, faultName
	}
	return 0, faultValue
}

// seenFields remembers which fields that frame or identify have been there: each may come once.
type seenFields struct {
	host, length, coding, authorization, expect bool
	connection                                  connectionOptions
	codingValue, expectValue                    []byte
}

// note keeps what the framing and the request loop need to know of a field.
func (h *RequestHead) note(f *Field, seen *seenFields) *Fault {
	once := func(flag *bool, fault *Fault) *Fault {
		if *flag {
			return fault
		}
		*flag = true
		return nil
	}
	switch len(f.Name) {
	case len("host"):
		if EqualFold(f.Name, "host") {
			h.Host = f.Value
			return once(&seen.host, faultHost)
		}
	case len("expect"):
		if EqualFold(f.Name, "expect") {
			seen.expectValue = f.Value
			return once(&seen.expect, faultExpectTwice)
		}
	case len("connection"):
		if EqualFold(f.Name, "connection") {
			seen.connection.note(f.Value)
		}
	case len("authorization"):
		if EqualFold(f.Name, "authorization") {
			h.Authorization = f.Value
			return once(&seen.authorization, faultAuthTwice)
		}
	case len("content-length"):
		if EqualFold(f.Name, "content-length") {
			n, ok := parseLength(f.Value)
			if !ok {
				return faultLength
			}
			h.Length, h.HasLength = n, true
			return once(&seen.length, faultLengthTwice)
		}
	case len("transfer-encoding"):
		if EqualFold(f.Name, "transfer-encoding") {
			seen.codingValue = f.Value
			return once(&seen.coding, faultCodingTwice)
		}
	}
	return nil
}

// connectionOptions is what the Connection fields of a head say (RFC 9110 §7.6.1).
type connectionOptions struct {
	close, keepAlive bool
	fields           bool // others, which name fields
}

func (o *connectionOptions) note(list []byte) {
	for {
		element, rest, ok := NextElement(list)
		if !ok {
			return
		}
		switch {
		case EqualFold(element, "close"):
			o.close = true
		case EqualFold(element, "keep-alive"):
			o.keepAlive = true
		case len(element) > 0:
			o.fields = true
		}
		list = rest
	}
}

// settle decides what depends on several fields: the framing of the body (RFC 9112 §6), the host (§3.2), what the client
// expects (RFC 9110 §10.1.1) and whether the connection goes on (RFC 9112 §9.3).
func (h *RequestHead) settle(seen *seenFields) *Fault {
	if seen.coding {
		switch {
		case seen.length:
			return faultLengthCoding
		case h.Minor == 0:
			return faultCodingOld
		case EqualFold(seen.codingValue, "chunked"):
			h.Length = Chunked
		case len(seen.codingValue) > 0 && all(seen.codingValue, token):
			return faultCodingOther
		default:
			return faultCoding
		}
	}
	if seen.host && !ValidHost(h.Host) || !seen.host && h.Minor == 1 {
		return faultHost
	}
	if h.Length != 0 && (string(h.Method) == "GET" || string(h.Method) == "HEAD") {
		return faultBodyOnRead
	}
	if seen.expect && h.Minor == 1 {
		if !EqualFold(seen.expectValue, "100-continue") {
			return faultExpect
		}
		h.Continue = h.Length != 0
	}
	h.NamesFields = seen.connection.fields
	h.Close = seen.connection.close || h.Minor == 0 && !seen.connection.keepAlive
	return nil
}

// ValidHost reports whether b is a host name or address with an optional port (RFC 9110 §7.2), and neither empty nor
// with user information.
func ValidHost(b []byte) bool {
	if len(b) == 0 || len(b) > 255+6 {
		return false
	}
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 {
			return false
		}
		addr, err := netip.ParseAddr(string(b[1:end]))
		return err == nil && addr.Is6() && addr.Zone() == "" && validPort(b[end+1:])
	}
	name, port := b, []byte(nil)
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		name, port = b[:i], b[i:]
	}
	return len(name) > 0 && all(name, hostChar) && validPort(port)
}

// validPort accepts nothing, or a colon and a number up to 65535.
func validPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ':' || len(b) > 6 {
		return false
	}
	n, ok := parseLength(b[1:])
	return ok && n <= 65535
}

var (
	space     = []byte(" ")
	question  = []byte("?")
	httpSlash = []byte("HTTP/")
)
