package wire

// Role is what a field is to whoever passes a message on, as far as its name tells. It is found once, when the field is
// read.
type Role uint8

// Fields that frame a message or say whose it is have a role each. All others are Plain or Held.
const (
	Plain Role = iota // passed on, unless Connection names it
	Held              // never passed on
	Scope             // reads as one of Cortex's X-Scope-* headers, see ScopeLike; never passed on
	Host
	ContentLength
	TransferEncoding
	Connection
	Authorization
	Expect
	RetryAttempt // of a sender that repeats a push; passed on
	TraceParent  // which trace the request belongs to, as W3C writes it; passed on, or replaced
	TraceState   // beside it
	UberTraceID  // the same as Jaeger writes it
)

// known are the names that have a role, by their length, in lower case.
var known = func() (byLength [32][]knownName) {
	for role, names := range map[Role][]string{
		Host:             {"host"},
		ContentLength:    {"content-length"},
		TransferEncoding: {"transfer-encoding"},
		Connection:       {"connection"},
		Authorization:    {"authorization"},
		Expect:           {"expect"},
		RetryAttempt:     {"retry-attempt"},
		TraceParent:      {"traceparent"},
		TraceState:       {"tracestate"},
		UberTraceID:      {"uber-trace-id"},
		Held: {
			"keep-alive", "te", "trailer", "upgrade", "http2-settings", // between two neighbours (RFC 9110 §7.6.1)
			"cookie", "cookie2", // of browsers: a credential for others than Cortex
			"forwarded", "x-forwarded", "x-real-ip", "x-request-id", // what is known of client and request is for us to say
			"x-remote-user", "x-original-url", "x-rewrite-url", // another identity, another request
			"x-http-method-override", "x-http-method", "x-method-override", // the same
			"proxy", // HTTP_PROXY to what runs as CGI
		},
	} {
		for _, name := range names {
			byLength[len(name)] = append(byLength[len(name)], knownName{name, role})
		}
	}
	return byLength
}()

type knownName struct {
	name string
	role Role
}

// roleOf tells the role of a field. name is a token.
func roleOf(name []byte) Role {
	if len(name) < len(known) {
		for _, k := range known[len(name)] {
			if isToken(name, k.name) {
				return k.role
			}
		}
	}
	switch name[0] {
	case 'p', 'P':
		if HasPrefixFold(name, "proxy-") {
			return Held
		}
	case 'x', 'X':
		if HasPrefixFold(name, "x-forwarded-") || HasPrefixFold(name, "x-webauth-") {
			return Held
		}
	}
	if ScopeLike(name) {
		return Scope
	}
	return Plain
}

// isToken is EqualFold for a token of the right length, of which every character with 0x20 set is a letter, a digit or "-"
// only if it was one before.
func isToken(token []byte, name string) bool {
	for i, c := range token {
		if c|0x20 != name[i] {
			return false
		}
	}
	return true
}
