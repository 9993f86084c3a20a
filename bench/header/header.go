// Package header reads the lines of an HTTP/1.1 head as the load and the stand-in upstream need them: fast, and trusting
// a sender that is part of the same bench.
package header

import "bytes"

// Marks in a head.
var (
	EndOfHead = []byte("\r\n\r\n")
	EndOfLine = []byte("\r\n")
)

// Value returns the value of a header line, without the white space around it, if the line has the name, which is given in
// lower case and holds letters and hyphens. The first letter and the length sort out nearly every other line.
func Value(line []byte, name string) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || line[0]|0x20 != name[0] {
		return nil, false
	}
	for i := 1; i < len(name); i++ {
		if line[i]|0x20 != name[i] { // A hyphen has the bit already.
			return nil, false
		}
	}
	return bytes.TrimSpace(line[len(name)+1:]), true
}

// Number reads a whole number of at most 15 decimal digits.
func Number(digits []byte) (int, bool) {
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// Closes reports whether the value of a Connection line says that the sender closes the connection.
func Closes(value []byte) bool { return bytes.EqualFold(value, []byte("close")) }
