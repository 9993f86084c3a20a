package wire

// validExtensions reports whether b is what may stand behind the size of a chunk (RFC 9112 §7.1.1): ";name" and
// ";name=value" in any number, with spaces before and behind either sign. Tabs and obs-text, which the RFC lets be in some
// places, are in none here: a line that frames has no use for them.
func validExtensions(b []byte) bool {
	for len(b) > 0 {
		b = skipSpaces(b)
		if len(b) == 0 || b[0] != ';' {
			return false
		}
		b = skipSpaces(b[1:])
		name := span(b, token)
		if name == 0 {
			return false
		}
		b = b[name:]
		if value := skipSpaces(b); len(value) > 0 && value[0] == '=' {
			value = skipSpaces(value[1:])
			n := max(span(value, token), quotedLen(value))
			if n == 0 {
				return false
			}
			b = value[n:]
		}
	}
	return true
}

// quotedLen is how many bytes at the start of b are a quoted-string (RFC 9110 §5.6.4) of visible ASCII and spaces; 0: it
// does not begin with one.
func quotedLen(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	escaped := false
	for i, c := range b[1:] {
		switch {
		case c < ' ' || c > '~':
			return 0
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return i + 2
		}
	}
	return 0
}

func skipSpaces(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return b
}
