package wire

// Kind says which refusal a Fault asks for.
type Kind uint8

// The kinds of a fault, with the status each is answered with.
const (
	Malformed   Kind = iota // 400: what was sent is not a request, or not only one
	Expectation             // 417: an Expect other than 100-continue
	TooLarge                // 431: the head is larger than allowed
	Unsupported             // 501: a transfer coding other than chunked
	Version                 // 505: not HTTP/1.0 or HTTP/1.1
)

// Fault is why a message cannot be used. Faults are values of this package, compared by address; Detail is a fixed text
// that holds nothing of what was sent.
type Fault struct {
	Kind   Kind
	Detail string
}

// Error makes a Fault an error.
func (f *Fault) Error() string { return f.Detail }

// Faults of a head, in the order in which RFC 9112 describes its parts.
var (
	faultBareLF       = &Fault{Malformed, "a line of the head does not end in CR LF"}
	faultEmptyLines   = &Fault{Malformed, "more than one empty line before the request line"}
	faultRequestLine  = &Fault{Malformed, "the request line is not METHOD SP target SP version"}
	faultMethod       = &Fault{Malformed, "the method is not a token of at most 24 letters"}
	faultTarget       = &Fault{Malformed, "the target is not in origin form, a path and an optional query"}
	faultEscape       = &Fault{Malformed, "the path holds a percent sign without two hex digits"}
	faultPathLength   = &Fault{Malformed, "the path is longer than 3072 bytes"}
	faultVersion      = &Fault{Version, "only HTTP/1.0 and HTTP/1.1 are spoken here"}
	faultTooLarge     = &Fault{TooLarge, "the head is larger than server.max_header_size"}
	faultTooMany      = &Fault{TooLarge, "the head has more than 100 fields"}
	faultFold         = &Fault{Malformed, "a field is folded over two lines"}
	faultName         = &Fault{Malformed, "a field name is not a token followed by a colon"}
	faultValue        = &Fault{Malformed, "a field value holds a control character"}
	faultHost         = &Fault{Malformed, "Host is missing, repeated or not a host name with an optional port"}
	faultLength       = &Fault{Malformed, "Content-Length is not one decimal number"}
	faultLengthTwice  = &Fault{Malformed, "Content-Length is repeated"}
	faultLengthCoding = &Fault{Malformed, "Content-Length and Transfer-Encoding are both there"}
	faultCoding       = &Fault{Malformed, "Transfer-Encoding is not exactly one chunked"}
	faultCodingTwice  = &Fault{Malformed, "Transfer-Encoding is repeated"}
	faultCodingOld    = &Fault{Malformed, "Transfer-Encoding does not exist in HTTP/1.0"}
	faultCodingOther  = &Fault{Unsupported, "the only transfer coding understood here is chunked"}
	faultAuthTwice    = &Fault{Malformed, "Authorization is repeated"}
	faultOptions      = &Fault{Malformed, "Connection has more than 100 options"}
	faultExpect       = &Fault{Expectation, "the only expectation met here is 100-continue"}
	faultExpectTwice  = &Fault{Malformed, "Expect is repeated"}
	faultBodyOnRead   = &Fault{Malformed, "a GET or HEAD request with a body"}
	faultAnswerHead   = &Fault{TooLarge, "its head is larger than 32 KiB, which is fixed"}
	faultStatusLine   = &Fault{Malformed, "the status line is not HTTP/1.x SP status"}
)

// Faults of a body.
var (
	faultChunkSize = &Fault{Malformed, "a chunk size is not a hexadecimal number"}
	faultChunkExt  = &Fault{Malformed, "chunk extensions are not each ;name or ;name=value, or exceed 256 bytes"}
	faultChunkEnd  = &Fault{Malformed, "a chunk's data does not end in CR LF"}
	faultTrailer   = &Fault{Malformed, "a trailer is not a field, exceeds 256 bytes, or names framing, a credential or the tenant"}
)
