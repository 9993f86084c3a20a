package wire

import (
	"bytes"
	"net/netip"
)

const (
	// maxMethod is the length of the longest method.
	maxMethod = 24
	// maxPath is the longest path of a request, in bytes: with it a stand-in always fits one read of fasthttp's.
	maxPath = 3072
)

// readRequestLine reads METHOD SP origin-form SP HTTP-version CR LF at the start of b (RFC 9112 §3). n is its length, 0
// when there is no whole and good one. The target is a path and an optional query (§3.2.1): no other form, no fragment,
// no byte that RFC 3986 does not allow in a path. What of it a route may look like is for the caller.
func (h *RequestHead) readRequestLine(b []byte) (n int) {
	method := span(b, token)
	if method == 0 || method > maxMethod || method == len(b) || b[method] != ' ' {
		return 0
	}
	h.Method, b = b[:method], b[method+1:]
	target := span(b, pathChar)
	h.Path = b[:target]
	if target == 0 || b[0] != '/' || checkEscapes(h.Path) != nil {
		return 0
	}
	if target < len(b) && b[target] == '?' {
		h.HasQuery = true
		h.Query = b[target+1:][:span(b[target+1:], queryChar)]
		target += 1 + len(h.Query)
	}
	h.Target, b = b[:target], b[target:]
	switch {
	case len(b) < len(version11):
		return 0
	case string(b[:len(version11)]) == version11:
		h.Minor = 1
	case string(b[:len(version10)]) != version10:
		return 0
	}
	return method + 1 + target + len(version11)
}

const (
	version11 = " HTTP/1.1\r\n"
	version10 = " HTTP/1.0\r\n"
)

// parseRequestLine is readRequestLine for a line that is known to be whole; it says what is wrong with it.
func (h *RequestHead) parseRequestLine(line []byte) *Fault {
	if h.readRequestLine(line) == len(line) {
		return nil
	}
	method, rest, _ := bytes.Cut(line, space)
	target, version, ok := bytes.Cut(rest, space)
	path, query, _ := bytes.Cut(target, question)
	switch {
	case !ok || len(target) == 0:
		return faultRequestLine
	case len(method) == 0 || len(method) > maxMethod || !all(method, token):
		return faultMethod
	case string(version) == version11[1:], string(version) == version10[1:]:
		if f := checkPath(path); f != nil && all(query, queryChar) {
			return f
		}
		return faultTarget
	case len(version) == len(version11)-1 && bytes.HasPrefix(version, httpSlash) && version[6] == '.' &&
		'0' <= version[5] && version[5] <= '9' && '0' <= version[7] && version[7] <= '9':
		return faultVersion
	}
	return faultRequestLine
}

func checkPath(path []byte) *Fault {
	if len(path) == 0 || path[0] != '/' || !all(path, pathChar) {
		return faultTarget
	}
	return checkEscapes(path)
}

// checkEscapes is checkPath for what is known to be a slash and path characters.
func checkEscapes(path []byte) *Fault {
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
	name := span(b, hostChar)
	return name > 0 && validPort(b[name:])
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
