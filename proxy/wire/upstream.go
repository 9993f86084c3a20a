package wire

import "io"

// maxInterim is how many 1xx answers may precede the one that counts.
const maxInterim = 8

// Answer reads the answers of one upstream connection.
type Answer struct {
	Head AnswerHead
	Body Body

	in      Reader
	begun   bool // a byte of the answer under way has been seen
	interim int
}

// Reset makes the Answer read a connection from the start of its next answer.
func (a *Answer) Reset(c io.Reader) {
	a.in.Reset(c)
	a.in.lines.reset()
	a.begun, a.interim = false, 0
	a.Head = AnswerHead{Fields: a.Head.Fields[:0]}
}

// Begun reports whether any byte of the answer has arrived.
func (a *Answer) Begun() bool { return a.begun }

// Surplus reports whether bytes have arrived that belong to no answer asked for.
func (a *Answer) Surplus() bool { return a.in.Buffered() > 0 }

// ReadHead reads up to the head of the final answer; 1xx ones before it are passed over, except 101, which is final and
// unusable. limit is the most bytes of a head; bodyless says that the request was a HEAD. After a timeout it may be
// called again and goes on where it was. The error is a *Fault when what came is not an answer, io.EOF when the
// connection ended before its first byte.
func (a *Answer) ReadHead(limit int, bodyless bool) error {
	for {
		if a.in.Buffered() > 0 {
			found, fault := a.in.scanHead(limit)
			if fault == nil && found {
				fault = a.Head.parse(a.in.buf, &a.in.lines, bodyless)
			}
			switch {
			case fault == faultTooLarge: // which names the limit of a client's
				return faultAnswerHead
			case fault != nil:
				return fault
			case found && (a.Head.Status >= 200 || a.Head.Status == 101):
				a.Body.begin(&a.in, a.Head.Length)
				return nil
			case found:
				if a.interim++; a.interim > maxInterim {
					return faultStatusLine
				}
				a.in.discardHead()
				continue
			}
		}
		if err := a.in.fill(); err != nil {
			if a.begun {
				err = cut(err)
			}
			return err
		}
		a.begun = true
	}
}
