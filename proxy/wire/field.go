package wire

import (
	"encoding/binary"
	"math/bits"
)

// Field is one line of a head. Both slices point into the connection's buffer; the value is trimmed.
type Field struct {
	Name, Value []byte
	Role        Role

	tidy int // length of the line when it came as "name: value" CR LF, with no other white space around the value; else 0
}

// AppendTo appends the field as a line, "name: value" and CR LF.
func (f *Field) AppendTo(b []byte) []byte {
	if f.tidy > 0 { // Fast path: the line as it stands in the buffer.
		return append(b, f.Name[:f.tidy]...)
	}
	b = append(b, f.Name...)
	b = append(b, ": "...)
	b = append(b, f.Value...)
	return append(b, '\r', '\n')
}

// read reads the field line at the start of b (RFC 9112 §5): a token, a colon right behind it, a value without controls,
// CR LF. n is its length, 0 when there is no whole and good line.
func (f *Field) read(b []byte) (n int) {
	underscore := false
	for n < len(b) {
		if len(b)-n >= 8 { // Fast path: names are letters and "-".
			rest := notLetters(binary.LittleEndian.Uint64(b[n:]))
			if rest == 0 {
				n += 8
				continue
			}
			n += bits.TrailingZeros64(rest) / 8
		}
		if class[b[n]]&token == 0 {
			break
		}
		underscore = underscore || b[n] == '_'
		n++
	}
	if n == 0 || n == len(b) || b[n] != ':' {
		return 0
	}
	colon := n
	n += 1 + valueLen(b[n+1:])
	if len(b)-n < 2 || b[n] != '\r' || b[n+1] != '\n' {
		return 0
	}
	f.Name, f.Value = b[:colon], b[colon+1:n]
	f.Role = roleOf(f.Name)
	if underscore && f.Role != Scope {
		f.Role = Held // some servers read it as "-"
	}
	n += 2
	if v := f.Value; len(v) > 1 && v[0] == ' ' && v[1] > ' ' && v[len(v)-1] > ' ' {
		f.Value, f.tidy = v[1:], n
	} else {
		f.Value, f.tidy = trim(v), 0
	}
	return n
}

// parse is read for a line that is known to be whole, CR LF included; it says what is wrong with it.
func (f *Field) parse(line []byte) *Fault {
	if f.read(line) == len(line) {
		return nil
	}
	if line[0] == ' ' || line[0] == '\t' {
		return faultFold
	}
	if n := span(line, token); n == 0 || line[n] != ':' {
		return faultName
	}
	return faultValue
}
