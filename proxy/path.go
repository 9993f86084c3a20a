package proxy

import (
	"bytes"
	"unicode/utf8"

	"github.com/headgate/headgate/proxy/wire"
)

// cleanPath reports whether a path is in the one form in which it is matched and forwarded: no empty, "." or ".."
// segment, no ";", and no escape that means a delimiter, a control or anything beyond ASCII to whoever decodes it.
// Below one of the rule prefixes, namespace and group may hold any escape that decodes to UTF-8 without controls, as
// long as no segment decodes to an empty one, "." or "..". path is already a run of RFC 3986 path characters whose
// escapes are well formed (package wire).
func cleanPath(path []byte, rulePrefixes []string) bool {
	if bytes.IndexByte(path, ';') >= 0 || !cleanSegments(path) {
		return false
	}
	escape := bytes.IndexByte(path, '%')
	if escape < 0 {
		return true
	}
	for _, prefix := range rulePrefixes {
		if len(path) > len(prefix) && string(path[:len(prefix)]) == prefix {
			return escape >= len(prefix) && cleanRuleNames(path[len(prefix):])
		}
	}
	for ; escape < len(path); escape++ {
		if path[escape] == '%' && !harmless(unescape(path[escape:])) {
			return false
		}
	}
	return true
}

// cleanSegments reports whether no segment is empty, "." or "..". A slash at the end is fine: it is part of the path
// that is matched.
func cleanSegments(path []byte) bool {
	start := 1
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if i == start || dots(path[start:i]) {
			return false
		}
		start = i + 1
	}
	return !dots(path[start:])
}

// cleanRuleNames looks at namespace and group as Cortex will: decoded, and once more by the slashes that appear then.
func cleanRuleNames(names []byte) bool {
	var decoded [maxDecoded]byte
	n := 0
	for i := 0; i < len(names); i++ {
		if n == len(decoded) {
			return false
		}
		c := names[i]
		if c == '%' {
			c = unescape(names[i:])
			i += 2
		}
		decoded[n] = c
		n++
	}
	plain := decoded[:n]
	if !utf8.Valid(plain) {
		return false
	}
	for _, r := range string(plain) {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return false
		}
	}
	for rest := plain; ; {
		segment, after, more := bytes.Cut(rest, slash)
		if dots(segment) || len(segment) == 0 && (more || names[len(names)-1] != '/') {
			return false
		}
		if !more {
			return true
		}
		rest = after
	}
}

// maxDecoded is the longest decoded form of namespace and group; package wire allows no longer path.
const maxDecoded = 3072

func dots(segment []byte) bool {
	return len(segment) == 1 && segment[0] == '.' || len(segment) == 2 && segment[0] == '.' && segment[1] == '.'
}

// harmless reports whether an escaped byte means the same to everyone who reads the path.
func harmless(c byte) bool {
	switch c {
	case '/', '\\', '.', '%', ';', '?', '#':
		return false
	}
	return c >= 0x20 && c < 0x7f
}

// unescape is the byte that the escape at the start of p stands for.
func unescape(p []byte) byte { return wire.HexValue(p[1])<<4 | wire.HexValue(p[2]) }

var slash = []byte("/")
