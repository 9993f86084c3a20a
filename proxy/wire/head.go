package wire

import "bytes"

// maxFields is the most fields a head may have.
const maxFields = 100

// RequestHead is the head of one request as it was sent. All slices point into the connection's buffer and are valid
// until the connection reads its next head.
type RequestHead struct {
	Method, Target []byte
	Path, Query    []byte // Target, cut at the first "?", which belongs to neither
	HasQuery       bool
	Minor          int // the version is HTTP/1.Minor: 0 or 1
	Fields         []Field
	Size           int // bytes of the head

	Host          []byte // empty only in HTTP/1.0
	Authorization []byte // the value; nil without the field
	NamesFields   bool   // Connection names fields that are meant for us alone
	Length        int64  // bytes of the body, Chunked, or 0 without one
	HasLength     bool   // a Content-Length field is there
	Close         bool   // the client will not send another request
	Continue      bool   // the client waits for 100 Continue

	seen seenFields
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
	if f := h.parseRequestLine(buf[s.lead : s.ends[0]+1]); f != nil {
		return f
	}
	for i, end := range s.ends[1:] {
		h.Fields = append(h.Fields, Field{})
		field := &h.Fields[i]
		if f := field.parse(buf[s.ends[i]+1 : end+1]); f != nil {
			return f
		}
		if field.Role == Plain {
			continue
		}
		if f := h.note(field); f != nil {
			return f
		}
	}
	return h.settle()
}

// parseWhole is scan and parse in one pass, for a head that is there completely and good, as almost all are. It returns
// where the head ends; 0 leaves everything, and whatever there is to blame, to scan and parse.
func (h *RequestHead) parseWhole(b []byte) (end int) {
	*h = RequestHead{Fields: h.Fields[:0]}
	end = h.readRequestLine(b)
	if end == 0 {
		return 0
	}
	for len(b)-end >= 2 {
		if b[end] == '\r' && b[end+1] == '\n' {
			if h.settle() != nil {
				return 0
			}
			return end + 2
		}
		if len(h.Fields) == maxFields {
			return 0
		}
		h.Fields = append(h.Fields, Field{})
		field := &h.Fields[len(h.Fields)-1]
		n := field.read(b[end:])
		if n == 0 || field.Role != Plain && h.note(field) != nil {
			return 0
		}
		end += n
	}
	return 0
}

// seenFields is what has been there of the fields that frame or identify a request, and what they say together.
type seenFields struct {
	roles                    uint16 // a bit for each
	connection               connectionOptions
	codingValue, expectValue []byte
}

func (s *seenFields) has(r Role) bool { return s.roles&(1<<r) != 0 }

// repeated is the fault of a field that came a second time, for those that may come once.
var repeated = [16]*Fault{
	Host: faultHost, ContentLength: faultLengthTwice, TransferEncoding: faultCodingTwice, Authorization: faultAuthTwice,
	Expect: faultExpectTwice,
}

// Has reports whether a field of a role other than Plain is there.
func (h *RequestHead) Has(r Role) bool { return h.seen.has(r) }

// note keeps what the framing and the request loop need to know of a field with a role.
func (h *RequestHead) note(f *Field) *Fault {
	seen := &h.seen
	again := seen.has(f.Role)
	seen.roles |= 1 << f.Role
	switch f.Role {
	case Host:
		h.Host = f.Value
	case ContentLength:
		n, ok := parseLength(f.Value)
		if !ok {
			return faultLength
		}
		h.Length, h.HasLength = n, true
	case TransferEncoding:
		seen.codingValue = f.Value
	case Connection:
		if !seen.connection.note(f.Value) {
			return faultOptions
		}
	case Authorization:
		h.Authorization = f.Value
	case Expect:
		seen.expectValue = f.Value
	}
	if again {
		return repeated[f.Role]
	}
	return nil
}

// connectionOptions is what the Connection fields of a head say (RFC 9110 §7.6.1).
type connectionOptions struct {
	close, keepAlive bool
	fields           bool // others, which name fields
	count            int  // of all of them, empty ones too
}

// maxOptions is how many options all Connection fields of a head may have together: one for each field there may be. Every
// field is looked for among them.
const maxOptions = maxFields

// note adds the options of a field and reports whether there are not too many.
func (o *connectionOptions) note(list []byte) bool {
	for {
		element, rest, ok := NextElement(list)
		if !ok {
			return true
		}
		if o.count++; o.count > maxOptions {
			return false
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
func (h *RequestHead) settle() *Fault {
	seen := &h.seen
	if seen.has(TransferEncoding) {
		switch {
		case seen.has(ContentLength):
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
	if seen.has(Host) && !ValidHost(h.Host) || !seen.has(Host) && h.Minor == 1 {
		return faultHost
	}
	if h.Length != 0 && (string(h.Method) == "GET" || string(h.Method) == "HEAD") {
		return faultBodyOnRead
	}
	if seen.has(Expect) && h.Minor == 1 {
		if !EqualFold(seen.expectValue, "100-continue") {
			return faultExpect
		}
		h.Continue = h.Length != 0
	}
	h.NamesFields = seen.connection.fields
	h.Close = seen.connection.close || h.Minor == 0 && !seen.connection.keepAlive
	return nil
}
