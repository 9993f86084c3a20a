package wire

import (
	"encoding/binary"
	"math/bits"
)

// Character classes of RFC 9110 §5.6.2 and RFC 3986 §3.3, one bit each.
const (
	token     = 1 << iota // tchar: method, field name
	hexDigit              // 0-9 a-f A-F
	pathChar              // pchar or "/", and "%" whose two digits are looked at apart
	queryChar             // what senders put into a query: any visible ASCII but "#"
	hostChar              // reg-name as it is used: letters, digits, ".", "-", "_"
)

var class = func() (t [256]uint8) {
	set := func(bit uint8, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= bit
		}
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= token | hexDigit | pathChar | hostChar
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= token | pathChar | hostChar
		t[c-'a'+'A'] |= token | pathChar | hostChar
	}
	for c := 0x21; c < 0x7f; c++ {
		t[c] |= queryChar
	}
	t['#'] &^= queryChar
	set(hexDigit, "abcdefABCDEF")
	set(token, "!#$%&'*+-.^_`|~")
	set(pathChar, "/-._~!$&'()*+,;=:@%")
	set(hostChar, ".-_")
	return t
}()

// span is how many characters at the start of b are of one class.
func span(b []byte, bit uint8) int {
	for i, c := range b {
		if class[c]&bit == 0 {
			return i
		}
	}
	return len(b)
}

// all reports whether b holds only characters of one class.
func all(b []byte, bit uint8) bool { return span(b, bit) == len(b) }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// notLetters has the high bit of each byte of x set that is neither a letter nor "-".
func notLetters(x uint64) uint64 {
	lower := x&^highs | 0x20*ones
	least := lower + (0x80-'a')*ones // the high bit of a byte: it is 'a' or more
	above := lower + (0x7f-'z')*ones // the same: it is more than 'z'
	dash := x ^ '-'*ones
	other := (dash&^highs + 0x7f*ones) | dash // the same: it is not "-"
	return (^least | above | x) & other & highs
}

// validValue reports whether b is a field value: visible characters, SP, HTAB and obs-text (RFC 9110 §5.5), so no CR, LF,
// NUL or other control.
func validValue(b []byte) bool { return valueLen(b) == len(b) }

// valueLen is how many bytes at the start of b may be those of a field value. Eight bytes at a time: values are most of a
// head.
func valueLen(b []byte) int {
	i := 0
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		del := x ^ 0x7f*ones
		// The lowest bit of stops is of the first byte below 0x20 or equal to 0x7f; those above it mean nothing.
		stops := ((x-0x20*ones)&^x | (del-ones)&^del) & highs
		if stops == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(stops) / 8
		if b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && (b[i] >= 0x20 && b[i] != 0x7f || b[i] == '\t') {
		i++
	}
	return i
}

// HexValue is the value of a hexadecimal digit; c must be one.
func HexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}

// EqualFold reports whether b is name, letters in either case. name must be lower case ASCII.
func EqualFold(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range len(b) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// trim takes optional white space (RFC 9110 §5.6.3) off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// NextElement cuts the first element off a comma-separated list (RFC 9110 §5.6.1), white space trimmed; empty elements
// are returned as such. It reports false when the list is used up.
func NextElement(list []byte) (element, rest []byte, ok bool) {
	if list == nil {
		return nil, nil, false
	}
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:], true
		}
	}
	return trim(list), nil, true
}

// parseLength reads a Content-Length: digits only, no sign, no list (RFC 9110 §8.6). It fails beyond 18 digits, so a
// length always fits an int64 with room for sums.
func parseLength(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var n int64
	digits := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > 0 || c != '0' {
			digits++
		}
		if digits > 18 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
