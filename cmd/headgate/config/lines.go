package config

import (
	"bytes"
	"strconv"
	"strings"
)

// lineIndex has the line of each key that is asked for, and of what encloses it,
// by full key; 0: the file has no such key. The TOML library keeps positions to
// itself, so the text is read a second time, but only once there is a problem to
// report. The text is known to be valid TOML, or else nobody asks for more than
// the line the parser gave.
type lineIndex map[string]int

// of is the line of a key, or else of the table that would hold it; 0 when the
// file has neither.
func (x lineIndex) of(key string) int {
	for ; key != ""; key = enclosing(key) {
		if line := x[key]; line > 0 {
			return line
		}
	}
	return 0
}

// ask makes room for the line of a key, and of what encloses it.
func (x lineIndex) ask(key string) {
	for ; key != ""; key = enclosing(key) {
		if _, asked := x[key]; asked {
			return
		}
		x[key] = 0
	}
}

// enclosing is the table or list that holds a key, "" for the file itself.
func enclosing(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

// lineScanner walks over a TOML text, statement by statement.
type lineScanner struct {
	text   []byte
	pos    int
	line   int
	index  lineIndex
	table  string         // full key of the table in scope
	asked  bool           // somebody has asked for it, or for a key in it
	counts map[string]int // of the elements of each [[list]], by full key
}

// indexLines finds the lines of keys in a text.
func indexLines(text []byte, keys ...string) lineIndex {
	s := &lineScanner{text: text, line: 1, index: make(lineIndex), counts: make(map[string]int), asked: true}
	for _, key := range keys {
		s.index.ask(key)
	}
	s.text = bytes.TrimPrefix(s.text, []byte("\xef\xbb\xbf"))
	for s.space(); s.pos < len(s.text); s.space() {
		if s.text[s.pos] == '[' {
			s.header()
		} else {
			s.keyValue()
		}
	}
	return s.index
}

// space skips to the next statement: blanks, line ends and comments.
func (s *lineScanner) space() {
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		case '#':
			s.comment()
		default:
			return
		}
	}
}

// comment stops before the end of the line.
func (s *lineScanner) comment() {
	for s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n' {
		s.pos++
	}
}

// header reads [a.b] or [[a.b]].
func (s *lineScanner) header() {
	list := bytes.HasPrefix(s.text[s.pos:], []byte("[["))
	s.pos++
	if list {
		s.pos++
	}
	full := ""
	parts := s.key("]")
	for i, part := range parts {
		full = joinKey(full, part)
		s.note(full)
		n, seen := s.counts[full]
		switch {
		case list && i == len(parts)-1:
			s.counts[full] = n + 1
			full = indexKey(full, n)
		case seen:
			full = indexKey(full, n-1)
		}
	}
	s.table = full
	_, s.asked = s.index[full]
	s.note(full)
	for s.pos < len(s.text) && s.text[s.pos] == ']' {
		s.pos++
	}
}

// keyValue reads a.b = value.
func (s *lineScanner) keyValue() {
	if !s.asked {
		s.value() // skips the key as well
		return
	}
	full := s.table
	for _, part := range s.key("=") {
		full = joinKey(full, part)
		s.note(full)
	}
	if s.pos < len(s.text) && s.text[s.pos] == '=' {
		s.pos++
	}
	s.value()
}

// note remembers the first line that a key is on, if it is asked for.
func (s *lineScanner) note(key string) {
	if line, asked := s.index[key]; asked && line == 0 {
		s.index[key] = s.line
	}
}

// key reads the parts of a dotted key and stops at end, or at the end of the line.
func (s *lineScanner) key(end string) []string {
	var parts []string
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == end[0] || c == '\n':
			return parts
		case c == '"' || c == '\'':
			start := s.pos
			s.quoted()
			parts = append(parts, unquoteKey(string(s.text[start:s.pos])))
		case c == '.' || c == ' ' || c == '\t' || c == '\r':
			s.pos++
		default:
			start := s.pos
			for s.pos < len(s.text) && bareKey(string(s.text[s.pos])) {
				s.pos++
			}
			if s.pos == start {
				s.pos++ // not TOML: go on, whatever it is
			}
			parts = append(parts, string(s.text[start:s.pos]))
		}
	}
	return parts
}

// value skips a value: everything up to the end of the line, with the brackets,
// strings and comments that may run over several.
func (s *lineScanner) value() {
	depth := 0
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\n':
			if depth == 0 {
				return
			}
			s.line++
		case '#':
			s.comment()
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '"', '\'':
			s.quoted()
			s.pos--
		}
	}
}

// quoted skips a string of any of the four kinds and stops after it.
func (s *lineScanner) quoted() {
	quote := s.text[s.pos : s.pos+1]
	if triple := bytes.Repeat(quote, 3); bytes.HasPrefix(s.text[s.pos:], triple) {
		quote = triple
	}
	s.pos += len(quote)
	for s.pos < len(s.text) {
		switch {
		case s.text[s.pos] == '\\' && quote[0] == '"':
			if s.pos++; s.pos < len(s.text) && s.text[s.pos] == '\n' {
				s.line++
			}
		case bytes.HasPrefix(s.text[s.pos:], quote):
			s.pos += len(quote)
			// Up to two quotes may stand right before the closing three.
			for len(quote) == 3 && s.pos < len(s.text) && s.text[s.pos] == quote[0] {
				s.pos++
			}
			return
		case s.text[s.pos] == '\n':
			if len(quote) == 1 {
				return // not TOML: do not run away with the rest of the file
			}
			s.line++
		}
		s.pos++
	}
}

func unquoteKey(quoted string) string {
	if len(quoted) >= 2 && quoted[0] == '\'' {
		return strings.Trim(quoted, "'")
	}
	if text, err := strconv.Unquote(quoted); err == nil {
		return text
	}
	return quoted
}
