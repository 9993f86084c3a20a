package config

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Tracing is [tracing]: where the spans of requests go.
type Tracing struct {
	Endpoint    URL           `toml:"endpoint"` // OTLP over HTTP, without the /v1/traces; "": requests leave no spans
	Headers     SecretHeaders `toml:"headers"`  // sent along with the spans; secrets
	SampleRatio Ratio         `toml:"sample_ratio"`
}

// SecretHeaders are HTTP headers by name, whose values are secrets.
type SecretHeaders map[string]Secret

// UnmarshalTOML reads the value of a key.
func (h *SecretHeaders) UnmarshalTOML(v any) error {
	table, ok := v.(map[string]any)
	if !ok {
		return errors.New("is " + kindOf(v) + `; want a table such as { Authorization = "Bearer …" }`)
	}
	*h = make(SecretHeaders, len(table))
	for name, value := range table {
		text, ok := value.(string)
		if !ok {
			return errors.New(`holds something else than strings; want a table such as { Authorization = "Bearer …" }`)
		}
		(*h)[strings.Clone(name)] = Secret(strings.Clone(text))
	}
	return nil
}

// hides marks the type for the decoder: its values are not shown in problems.
func (*SecretHeaders) hides() {}

// tracesPath is where a receiver of OTLP over HTTP takes spans.
const tracesPath = "/v1/traces"

// URL is where spans are sent: the endpoint with the path that OTLP gives them, or "" when there is none. It is good
// only when the configuration is.
func (t *Tracing) URL() string {
	if t.Endpoint == "" {
		return ""
	}
	base := strings.TrimRight(string(t.Endpoint), "/")
	if strings.HasSuffix(base, tracesPath) {
		return base
	}
	return base + tracesPath
}

func (c *Config) validateTracing(on *checks) {
	t := &c.Tracing
	if t.Endpoint == "" {
		if len(t.Headers) > 0 {
			on.warnf("tracing.headers", `go nowhere without tracing.endpoint; want one such as "http://127.0.0.1:4318", or no headers`)
		}
		return
	}
	open, err := keyURL(t.Endpoint)
	u, parseErr := url.Parse(string(t.Endpoint))
	shown, _, _ := strings.Cut(t.Endpoint.String(), "?") // behind it there may be a key
	switch {
	case err != nil:
		on.errorf("tracing.endpoint", `%s %v; want one such as "http://127.0.0.1:4318", and credentials in tracing.headers`, show(shown), err)
	case parseErr == nil && (u.RawQuery != "" || u.Fragment != ""):
		on.errorf("tracing.endpoint", `%s has more than a path; want one such as "http://127.0.0.1:4318"`, show(shown))
	case open && len(t.Headers) > 0:
		on.warnf("tracing.headers", "go over plain HTTP to %s, and anybody on the way can read them; want an https endpoint", show(shown))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		if !validHeaderName(name) {
			on.errorf(joinKey("tracing.headers", name), "is not the name of a header; want letters, digits and -")
		}
		if strings.ContainsFunc(string(t.Headers[name]), func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			on.errorf(joinKey("tracing.headers", name), "the value has a control character in it; want one line of text")
		}
	}
}

// validHeaderName reports whether a header may have this name, one that is not the sender's own to write.
func validHeaderName(name string) bool {
	switch strings.ToLower(name) {
	case "", "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection":
		return false
	}
	return bareKey(name)
}
