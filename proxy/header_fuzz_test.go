package proxy

import (
	"slices"
	"strings"
	"testing"
)

// heldBack are the fields that do not go upstream, as DESIGN.md §5 and ADR 8 list them; a "*" stands for any rest. Framing,
// Host and what is said of the client are the gateway's own.
var heldBack = []string{
	"connection", "keep-alive", "te", "transfer-encoding", "content-length", "http2-settings", "host", "authorization", "proxy-*", "cookie", "cookie2",
	"forwarded", "x-forwarded-*", "x-real-ip", "x-remote-user", "x-webauth-*", "x-original-url", "x-rewrite-url", "x-http-method-override",
	"x-http-method", "x-method-override", "proxy", "x-forwarded",
	"x-request-id", "trailer", "expect", "upgrade",
}

// goesUpstream says whether a field of a client goes upstream, given the options of all its Connection fields.
func goesUpstream(name string, options []string) bool {
	name = strings.ToLower(name)
	for _, held := range heldBack {
		prefix, any := strings.CutSuffix(held, "*")
		if name == held || any && strings.HasPrefix(name, prefix) {
			return false
		}
	}
	folded := strings.NewReplacer("-", "", "_", "").Replace(name)
	return !strings.Contains(name, "_") && !strings.HasPrefix(folded, "xscope") && !slices.Contains(options, name)
}

// FuzzForwardedHeaders sends arbitrary field lines in an otherwise good request. What the upstream gets of them are those
// that may pass, each with its trimmed value, in their order, and the gateway's own, once.
func FuzzForwardedHeaders(f *testing.F) {
	for _, lines := range []string{
		"Accept: */*\r\naccept: x", "X-Scope-OrgID: victim", "X_Scope_OrgID: victim\r\nxscopeorgid:v", "Connection: X-A, x-b\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3",
		"Connection: close\r\nConnection: Foo\r\nFoo: bar", "Cookie: a=b\r\nSet-Cookie: a", "TE: trailers\r\nTrailer: X-Scope-OrgID", "Foo:\r\nBar:\t x \t",
		"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nX-Real-IP: y\r\nX-Request-ID: z", "Proxy-Authorization: x\r\nProxy-Foo: y\r\nProxy: z",
		"X-WEBAUTH-USER: x\r\nX-Remote-User: y\r\nX-Original-URL: /\r\nX-Rewrite-URL: /\r\nX-HTTP-Method-Override: PUT", "Proxy: evil.test\r\nX-Forwarded: for=x\r\nX-HTTP-Method: PUT\r\nX-Method-Override: PUT\r\nX-Http: 1", "Upgrade: h2c\r\nHTTP2-Settings: x",
		"Content-Length: 0\r\nExpect: 100-continue", "Foo: caf\xe9", "X-Prometheus-Remote-Write-Version: 0.1.0\r\nUser-Agent: x\r\nContent-Encoding: snappy",
		"Foo : bar", "Foo: a\r\n b", "Foo: \x00", "traceparent: 00-x\r\nX-A_b: c\r\nKeep-Alive: 5", "Authorization: x", "Host: b", "XScope-Foo: a\r\nX-Scopy: b",
		"Connection: Content-Type,,Accept\r\nContent-Type: x\r\nAccept: y", "Connection: keep-alive\r\nClose: x",
	} {
		f.Add([]byte(lines))
	}
	socket, upstream := startFuzzGateway(f)
	f.Fuzz(func(t *testing.T, lines []byte) {
		if text := string(lines) + "\r\n"; strings.HasPrefix(text, "\r\n") || strings.Contains(text, "\r\n\r\n") {
			return // the head would end here
		}
		upstream.forget()
		tell(t, socket, []byte("GET /prometheus/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: "+basicA+"\r\n"+string(lines)+"\r\n\r\n"))
		seen := slices.DeleteFunc(upstream.requests(), func(r *received) bool { return !r.complete })
		if len(seen) == 0 {
			return // it was refused
		}
		if len(seen) > 1 {
			t.Fatalf("%q: %d requests upstream", lines, len(seen))
		}
		checkUpstream(t, seen[0])
		var options, want []string
		for line := range strings.SplitSeq(string(lines), "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			if strings.EqualFold(name, "connection") {
				for option := range strings.SplitSeq(value, ",") {
					if option = strings.ToLower(strings.Trim(option, " \t")); option != "close" && option != "keep-alive" {
						options = append(options, option)
					}
				}
			}
		}
		for line := range strings.SplitSeq(string(lines), "\r\n") {
			if name, value, _ := strings.Cut(line, ":"); goesUpstream(name, options) {
				want = append(want, name+": "+strings.Trim(value, " \t"))
			}
		}
		own := []string{"host", "x-scope-orgid", "x-scope-clientid", "x-forwarded-for", "x-real-ip", "x-forwarded-proto", "x-forwarded-host", "x-request-id", "content-length"}
		var got []string
		for _, line := range seen[0].fields {
			if name, _, _ := strings.Cut(line, ":"); !slices.Contains(own, strings.ToLower(name)) {
				got = append(got, line)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: upstream saw %q, want %q", lines, got, want)
		}
		if host := seen[0].values("X-Forwarded-Host"); len(host) != 1 || host[0] != "gw.test" || len(seen[0].values("X-Forwarded-For")) != 1 {
			t.Fatalf("%q: upstream saw %q", lines, seen[0].fields)
		}
	})
}
