package proxy

import (
	"net"
	"net/netip"
	"regexp"
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

// fieldLines are the names and trimmed values of field lines.
func fieldLines(lines string) (fields [][2]string) {
	for line := range strings.SplitSeq(lines, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, [2]string{name, strings.Trim(value, " \t")})
	}
	return fields
}

// toldOrigin is what the upstream is told of where a request comes from; an empty id is one that the gateway makes.
type toldOrigin struct{ chain, client, proto, host, id string }

// relayedOrigin is what it has to be told when a trusted proxy at 10.9.9.9 sent these fields, by the documents: the chain
// goes on, the client is the last in it that is no proxy of ours, as far as that can be read, and the first line counts of
// what a proxy says once.
func relayedOrigin(fields [][2]string) toldOrigin {
	var chain, hops []string
	first := make(map[string]string)
	for _, f := range fields {
		name, value := strings.ToLower(f[0]), f[1]
		if _, again := first[name]; !again {
			first[name] = value
		}
		if name == "x-forwarded-for" && value != "" {
			chain = append(chain, value)
			hops = append(hops, strings.Split(value, ",")...)
		}
	}
	const peer = "10.9.9.9"
	o := toldOrigin{chain: strings.Join(append(chain, peer), ", "), client: peer, proto: "http", host: "gw.test"}
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		o.client = addr.Unmap().String()
		if o.client != peer && o.client != "10.9.9.8" {
			break
		}
	}
	if p := first["x-forwarded-proto"]; p == "https" {
		o.proto = p
	}
	if h := first["x-forwarded-host"]; validHost.MatchString(h) {
		o.host = h
	}
	if id := first["x-request-id"]; keptID.MatchString(id) {
		o.id = id
	}
	return o
}

// The forms of hosts and IDs that are kept. Hosts that are addresses in brackets are left out of the inputs below.
var (
	validHost = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}(:(0*([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])))?$`)
	keptID    = regexp.MustCompile(`^[!-~]{1,64}$`)
	madeID    = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// FuzzForwardedHeaders sends arbitrary field lines in an otherwise good request, as anybody and as a trusted proxy. What the
// upstream gets of them are those that may pass, each with its trimmed value, in their order, and the gateway's own, once:
// where the request comes from is what the proxy says, and nothing that anybody else says.
func FuzzForwardedHeaders(f *testing.F) {
	for _, lines := range []string{
		"Accept: */*\r\naccept: x", "X-Scope-OrgID: victim", "X_Scope_OrgID: victim\r\nxscopeorgid:v", "Connection: X-A, x-b\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3",
		"Connection: close\r\nConnection: Foo\r\nFoo: bar", "Cookie: a=b\r\nSet-Cookie: a", "TE: trailers\r\nTrailer: X-Scope-OrgID", "Foo:\r\nBar:\t x \t",
		"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nX-Real-IP: y\r\nX-Request-ID: z", "Proxy-Authorization: x\r\nProxy-Foo: y\r\nProxy: z",
		"X-WEBAUTH-USER: x\r\nX-Remote-User: y\r\nX-Original-URL: /\r\nX-Rewrite-URL: /\r\nX-HTTP-Method-Override: PUT", "Proxy: evil.test\r\nX-Forwarded: for=x\r\nX-HTTP-Method: PUT\r\nX-Method-Override: PUT\r\nX-Http: 1", "Upgrade: h2c\r\nHTTP2-Settings: x",
		"Content-Length: 0\r\nExpect: 100-continue", "Foo: caf\xe9", "X-Prometheus-Remote-Write-Version: 0.1.0\r\nUser-Agent: x\r\nContent-Encoding: snappy",
		"Foo : bar", "Foo: a\r\n b", "Foo: \x00", "traceparent: 00-x\r\nX-A_b: c\r\nKeep-Alive: 5", "Authorization: x", "Host: b", "XScope-Foo: a\r\nX-Scopy: b",
		"X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 192.0.2.7, 10.9.9.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: grafana.test:3000\r\nX-Request-ID: abc",
		"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: unknown, 10.9.9.8,::ffff:10.9.9.9", "X-Forwarded-For:\r\nX-Forwarded-For: 10.9.9.8,", "x-forwarded-for: fe80::1%a b, 10.9.9.8",
		"X-Forwarded-For: 192.0.2.7:4711\r\nX-Forwarded-Proto: HTTPS\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a@b\r\nX-Request-ID: a b\r\nX-Request-ID: c",
		"X_Forwarded_For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\nX-Forwarded-Host: [::1]:80",
		"Connection: Content-Type,,Accept\r\nContent-Type: x\r\nAccept: y", "Connection: keep-alive\r\nClose: x",
	} {
		f.Add([]byte(lines))
	}
	g, upstream := startFuzzGateway(f)
	anybody := g.onUnixSocket(f)
	proxy := g.onUnixSocketAs(f, func(ln net.Listener) net.Listener { return from{ln, netip.MustParseAddr("10.9.9.9")} })
	f.Fuzz(func(t *testing.T, lines []byte) {
		if text := string(lines) + "\r\n"; strings.HasPrefix(text, "\r\n") || strings.Contains(text, "\r\n\r\n") {
			return // the head would end here
		}
		fields := fieldLines(string(lines))
		checkForwarded(t, anybody, upstream, lines, fields, toldOrigin{chain: "unix", client: "unix", proto: "http", host: "gw.test"})
		checkForwarded(t, proxy, upstream, lines, fields, relayedOrigin(fields))
	})
}

// checkForwarded sends the lines to one socket of the gateway.
func checkForwarded(t *testing.T, socket string, upstream *recorder, lines []byte, fields [][2]string, origin toldOrigin) {
	t.Helper()
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
	for _, f := range fields {
		if strings.EqualFold(f[0], "connection") {
			for option := range strings.SplitSeq(f[1], ",") {
				if option = strings.ToLower(strings.Trim(option, " \t")); option != "close" && option != "keep-alive" {
					options = append(options, option)
				}
			}
		}
	}
	for _, f := range fields {
		if goesUpstream(f[0], options) {
			want = append(want, f[0]+": "+f[1])
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
	for name, want := range map[string]string{
		"X-Forwarded-For": origin.chain, "X-Real-IP": origin.client, "X-Forwarded-Proto": origin.proto, "X-Forwarded-Host": origin.host,
	} {
		values := seen[0].values(name)
		if name == "X-Forwarded-Host" && len(values) == 1 && strings.HasPrefix(values[0], "[") {
			continue // an address in brackets, which is for TestRequestLine
		}
		if len(values) != 1 || values[0] != strings.TrimSpace(want) {
			t.Fatalf("%q: upstream saw %s %q, want %q", lines, name, values, want)
		}
	}
	if id := seen[0].values("X-Request-ID"); len(id) != 1 || origin.id != "" && id[0] != origin.id || origin.id == "" && !madeID.MatchString(id[0]) {
		t.Fatalf("%q: upstream saw the ID %q, want %q", lines, id, origin.id)
	}
}
