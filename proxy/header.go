package proxy

import (
	"bytes"
	"strconv"

	"github.com/headgate/headgate/proxy/wire"
)

// appendHead appends the head that goes upstream, all but the lines that frame the body: the request line, the client's
// fields that may pass, and ours. The tenant line is written here and nowhere else, and no line of a client can be one.
func (x *exchange) appendHead(b []byte) []byte {
	h := x.head
	b = append(b, h.Method...)
	b = append(b, ' ')
	b = x.route.upstreamPath(b, h.Path)
	if h.HasQuery {
		b = append(b, '?')
		b = append(b, h.Query...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, x.route.Host...)
	b = append(b, '\r', '\n')
	for i := range h.Fields {
		f := &h.Fields[i]
		if x.passesUpstream(f.Role) && !(h.NamesFields && namedByConnection(h.Fields, f.Name)) {
			b = f.AppendTo(b)
		}
	}
	b = wire.AppendLine(b, tenantHeader, x.tenant)
	b = wire.AppendLine(b, "X-Scope-ClientID", x.identity.Client)
	b = x.appendForwarded(b)
	b = append(b, "X-Request-ID: "...)
	b = append(b, x.id...)
	b = append(b, '\r', '\n')
	if x.trace != nil {
		b = x.appendTrace(b)
	}
	return b
}

// appendLength appends the line that frames a body of n bytes, or a chunked one, and ends the head.
func appendLength(b []byte, n int64) []byte {
	if n == wire.Chunked {
		return append(b, "Transfer-Encoding: chunked\r\n\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, "\r\n\r\n"...)
}

// passesUpstream reports whether a client's field goes upstream. Held back is what is between the client and us
// (RFC 9110 §7.6.1), what we write ourselves, and what could pass for an identity or a different request; see wire.Role.
func (x *exchange) passesUpstream(r wire.Role) bool {
	switch r {
	case wire.Plain, wire.RetryAttempt:
		return true
	case wire.TraceParent, wire.UberTraceID:
		return x.trace == nil // else we write our own
	case wire.TraceState:
		return x.trace == nil || x.trace.continued
	}
	return false
}

// passesBack reports whether a field of the upstream's answer goes to the client. X-Headgate-Reason would make an
// answer of theirs look like one of ours.
func passesBack(name []byte) bool {
	switch name[0] | 0x20 {
	case 'c':
		return !wire.EqualFold(name, "content-length") && !wire.EqualFold(name, "connection")
	case 'k':
		return !wire.EqualFold(name, "keep-alive")
	case 'p':
		return !wire.HasPrefixFold(name, "proxy-")
	case 's':
		return !wire.HasPrefixFold(name, "set-cookie")
	case 't':
		return !wire.EqualFold(name, "te") && !wire.EqualFold(name, "trailer") && !wire.EqualFold(name, "transfer-encoding")
	case 'u':
		return !wire.EqualFold(name, "upgrade")
	case 'x':
		return !wire.EqualFold(name, "x-headgate-reason") && !wire.EqualFold(name, "x-request-id")
	}
	return true
}

// namedByConnection reports whether one of the Connection fields names a field, which makes it hop-by-hop.
func namedByConnection(fields []wire.Field, name []byte) bool {
	for i := range fields {
		if fields[i].Role != wire.Connection {
			continue
		}
		for list := fields[i].Value; ; {
			element, rest, ok := wire.NextElement(list)
			if !ok {
				break
			}
			if bytes.EqualFold(element, name) {
				return true
			}
			list = rest
		}
	}
	return false
}
