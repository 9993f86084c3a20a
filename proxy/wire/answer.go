package wire

import "bytes"

// AnswerHead is the head of an upstream's answer. Its slices point into the Reader's buffer and are valid until the
// next read of a head.
type AnswerHead struct {
	Status int
	Reason []byte // the reason phrase, may be empty
	Fields []Field
	Length int64 // bytes of the body, Chunked, UntilClose, or 0 without one
	Close  bool  // the upstream ends the connection after this answer

	Connection bool // a Connection field is there
}

// UntilClose stands for the length of an answer that ends with its connection.
const UntilClose = -2

// parse reads a complete head of an answer, as strictly as that of a request: an answer that can be read in two ways
// could become the next client's. bodyless says that the request was a HEAD.
func (h *AnswerHead) parse(buf []byte, s *lineScanner, bodyless bool) *Fault {
	*h = AnswerHead{Fields: h.Fields[:0]}
	if s.lead > 0 {
		return faultEmptyLines
	}
	minor, f := h.parseStatusLine(buf[:s.ends[0]-1])
	if f != nil {
		return f
	}
	var length, coding bool
	var options connectionOptions
	var codingValue []byte
	for i, end := range s.ends[1:] {
		h.Fields = append(h.Fields, Field{})
		field := &h.Fields[i]
		if f := field.parse(buf[s.ends[i]+1 : end+1]); f != nil {
			return f
		}
		switch field.Role {
		case ContentLength:
			n, ok := parseLength(field.Value)
			if !ok || length && n != h.Length {
				return faultLength
			}
			h.Length, length = n, true
		case TransferEncoding:
			if coding {
				return faultCodingTwice
			}
			coding, codingValue = true, field.Value
		case Connection:
			h.Connection = true
			if !options.note(field.Value) {
				return faultOptions
			}
		}
	}
	h.Close = options.close || minor == 0 && !options.keepAlive
	switch { // RFC 9112 §6.3
	case length && coding:
		return faultLengthCoding
	case coding && minor == 0:
		return faultCodingOld
	case bodyless || h.Status == 204 || h.Status == 304 || h.Status < 200:
		h.Length = 0
	case coding && !EqualFold(codingValue, "chunked"):
		return faultCoding
	case coding:
		h.Length = Chunked
	case !length:
		h.Length, h.Close = UntilClose, true
	}
	return nil
}

// parseStatusLine reads HTTP/1.x SP 3DIGIT [SP reason] (RFC 9112 §4).
func (h *AnswerHead) parseStatusLine(line []byte) (minor int, _ *Fault) {
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[7] != '0' && line[7] != '1' || line[8] != ' ' ||
		len(line) > 12 && line[12] != ' ' {
		return 0, faultStatusLine
	}
	n, ok := parseLength(line[9:12])
	if !ok || n < 100 || n > 599 {
		return 0, faultStatusLine
	}
	h.Status = int(n)
	if len(line) > 13 {
		h.Reason = line[13:]
		if !validValue(h.Reason) {
			return 0, faultStatusLine
		}
	}
	return int(line[7] - '0'), nil
}
