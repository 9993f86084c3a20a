package proxy

import (
	"bytes"
	"encoding/hex"

	"go.opentelemetry.io/otel/trace"

	"github.com/headgate/headgate/proxy/wire"
)

// traceContext is what a sender says of the trace that its request belongs to, or what we say of it to an upstream.
type traceContext struct {
	trace   trace.TraceID
	span    trace.SpanID
	sampled bool
}

// sentTrace is what the sender said of a trace, in the form of W3C or else in that of Jaeger. A header that is there
// twice says nothing.
func (x *exchange) sentTrace() (sent traceContext, ok bool) {
	if !x.head.Has(wire.TraceParent) && !x.head.Has(wire.UberTraceID) {
		return traceContext{}, false
	}
	var w3c, jaeger []byte
	w3cs, jaegers := 0, 0
	for i := range x.head.Fields {
		switch f := &x.head.Fields[i]; f.Role {
		case wire.TraceParent:
			w3c = f.Value
			w3cs++
		case wire.UberTraceID:
			jaeger = f.Value
			jaegers++
		}
	}
	if w3cs == 1 {
		if sent, ok = parseTraceParent(w3c); ok {
			return sent, true
		}
	}
	if jaegers == 1 {
		return parseUberTraceID(jaeger)
	}
	return traceContext{}, false
}

// parseTraceParent reads W3C's form, VERSION-TRACE-SPAN-FLAGS, of version 00 and of later ones, which may only add
// something behind it (https://www.w3.org/TR/trace-context/#traceparent-header).
func parseTraceParent(v []byte) (t traceContext, ok bool) {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(v) < size || v[2] != '-' || v[35] != '-' || v[52] != '-' || len(v) > size && (string(v[:2]) == "00" || v[size] != '-') {
		return traceContext{}, false
	}
	var version, flags [1]byte
	if !lowerHex(version[:], v[:2]) || version[0] == 0xff || !lowerHex(t.trace[:], v[3:35]) || !lowerHex(t.span[:], v[36:52]) ||
		!lowerHex(flags[:], v[53:55]) || !t.trace.IsValid() || !t.span.IsValid() {
		return traceContext{}, false
	}
	t.sampled = flags[0]&1 != 0
	return t, true
}

// lowerHex decodes digits of which none is a capital.
func lowerHex(dst, digits []byte) bool {
	for _, c := range digits {
		if 'A' <= c && c <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(dst, digits)
	return err == nil
}

// parseUberTraceID reads Jaeger's form, TRACE:SPAN:PARENT:FLAGS, where leading zeros may be missing
// (https://www.jaegertracing.io/docs/1.76/architecture/sdk/client-libraries/#key).
func parseUberTraceID(v []byte) (t traceContext, ok bool) {
	if len(v) > 128 {
		return traceContext{}, false
	}
	if bytes.IndexByte(v, '%') >= 0 {
		v = bytes.ReplaceAll(bytes.ReplaceAll(v, []byte("%3A"), colon), []byte("%3a"), colon)
	}
	id, rest, _ := bytes.Cut(v, colon)
	span, rest, _ := bytes.Cut(rest, colon)
	_, flags, found := bytes.Cut(rest, colon) // the parent is deprecated, and nobody looks at it
	var bits [1]byte
	if !found || !shortHex(t.trace[:], id) || !shortHex(t.span[:], span) || !shortHex(bits[:], flags) || !t.trace.IsValid() || !t.span.IsValid() {
		return traceContext{}, false
	}
	t.sampled = bits[0]&1 != 0
	return t, true
}

var colon = []byte(":")

// shortHex decodes digits into the end of dst.
func shortHex(dst, digits []byte) bool {
	if len(digits) > 2*len(dst) {
		return false
	}
	var padded [32]byte
	all := padded[:2*len(dst)]
	for i := range all {
		all[i] = '0'
	}
	copy(all[len(all)-len(digits):], digits)
	_, err := hex.Decode(dst, all)
	return err == nil
}

// spanPlaces are where the ID of the span stands in a head.
type spanPlaces [2]int

// appendTo appends the trace in both forms, and returns where the span stands in b.
func (t *traceContext) appendTo(b []byte) ([]byte, spanPlaces) {
	var places spanPlaces
	b = append(b, "traceparent: 00-"...)
	b = hex.AppendEncode(b, t.trace[:])
	b = append(b, '-')
	places[0] = len(b)
	b = hex.AppendEncode(b, t.span[:])
	b = append(b, '-', '0', t.flag(), '\r', '\n')
	b = append(b, "uber-trace-id: "...)
	b = hex.AppendEncode(b, t.trace[:])
	b = append(b, ':')
	places[1] = len(b)
	b = hex.AppendEncode(b, t.span[:])
	return append(b, ':', '0', ':', t.flag(), '\r', '\n'), places
}

func (t *traceContext) flag() byte {
	if t.sampled {
		return '1'
	}
	return '0'
}

// put writes another span into a head.
func (p spanPlaces) put(head []byte, span trace.SpanID) {
	for _, at := range p {
		hex.Encode(head[at:at+2*len(span)], span[:])
	}
}
