package proxy

import (
	"bytes"
	"log/slog"
	"net/url"

	"github.com/headgate/headgate/proxy/wire"
)

// question is what a read asks for, as far as the access log shows it.
type question struct {
	query, start, end, step string
	match                   []string
}

// Bounds of what a question may take in the log.
const (
	maxAsked   = 4 << 10 // bytes of one value
	maxMatches = 16
)

// appendQuestion adds what the read asks for. It stands in the URL, or in a form, which is looked at where it lies, in
// the copy that is kept for a further attempt: a form that is not kept is not looked at.
func (x *exchange) appendQuestion(attrs []slog.Attr) []slog.Attr {
	var q question
	q.read(x.form()) // of a value that is in both, Prometheus takes that of the form
	q.read(x.head.Query)
	for _, asked := range []struct{ name, value string }{{"query", q.query}, {"start", q.start}, {"end", q.end}, {"step", q.step}} {
		if asked.value != "" {
			attrs = append(attrs, slog.String(asked.name, asked.value))
		}
	}
	if len(q.match) > 0 {
		attrs = append(attrs, slog.Any("match", q.match))
	}
	return attrs
}

// form is the body of the request when it is a form that is still there as a whole, else nothing.
func (x *exchange) form() []byte {
	if !x.out.whole || x.out.body > len(x.out.bytes) {
		return nil
	}
	kind, _ := x.field("content-type")
	kind, _, _ = bytes.Cut(kind, []byte(";"))
	if !wire.EqualFold(bytes.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil
	}
	return x.out.bytes[x.out.body:]
}

// read takes what it is looking for out of a query or a form.
func (q *question) read(form []byte) {
	for len(form) > 0 {
		var pair []byte
		pair, form, _ = bytes.Cut(form, []byte("&"))
		name, value, _ := bytes.Cut(pair, []byte("="))
		if len(name) > maxName {
			continue
		}
		var into *string
		switch decoded(name) {
		case "query":
			into = &q.query
		case "start":
			into = &q.start
		case "end":
			into = &q.end
		case "step":
			into = &q.step
		case "match[]":
			if len(q.match) < maxMatches {
				q.match = append(q.match, shorten([]byte(decoded(value)), maxAsked))
			}
		}
		if into != nil && *into == "" {
			*into = shorten([]byte(decoded(value)), maxAsked)
		}
	}
}

// maxName is how long a name can be that means one of ours, every character of it escaped.
const maxName = 3 * len("match[]")

// decoded is a part of a form without its escapes; what cannot be decoded stays as it is.
func decoded(part []byte) string {
	text := string(part[:min(len(part), 3*maxAsked+3)])
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
