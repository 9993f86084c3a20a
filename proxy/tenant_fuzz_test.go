package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// credentials of the test gateway, as they are sent, with whom they stand for.
var sentCredentials = []struct{ sent, tenant, client string }{
	{"dGVuYW50LWE6c2VjcmV0", "tenant-a", "tenant-a"},
	{"dGVuYW50LWI6c2VjcmV0", "tenant-b", "tenant-b"},
	{"cmVhZGVyLWE6c2VjcmV0", "tenant-a", "reader-a"},
}

// startFuzzGateway serves the test routes on a socket of the file system as well, which has no ports to use up.
func startFuzzGateway(f *testing.F) (socket string, upstream *recorder) {
	f.Helper()
	upstream = startRecorder(f, nil)
	g := startGateway(f, testRoutes(testPool(f, upstream.addr), func(r *Route) {
		if r.Path != "/api/v1/push" {
			r.RetryBodySize = 3 // all but the smallest bodies are streamed
		}
	}))
	socket = filepath.Join(f.TempDir(), "gw")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		f.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	f.Cleanup(func() {
		g.Unserve(ln)
		if err := <-served; err != nil {
			f.Errorf("Serve: %v", err)
		}
	})
	return socket, upstream
}

// tell sends bytes, ends the sending side and returns all that comes back. The gateway must close in the end.
func tell(t *testing.T, socket string, raw []byte) string {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(raw); err == nil {
		c.(*net.UnixConn).CloseWrite() //nolint:errcheck // the gateway may have closed
	}
	answers, err := io.ReadAll(c)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Fatalf("%q: the gateway does not end the connection; so far %q", raw, answers)
	}
	return string(answers)
}

var (
	wellFormedLine  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,24} /[!$%&'()*+,./0-9:;=@A-Z_a-z~-]*(\\?[!-\"$-~]*)? HTTP/1\\.1$")
	wellFormedField = regexp.MustCompile("^[!#$%&'*+.^`|~0-9A-Za-z-]+: ?([\t -~\u0080-\u00ff]*)$")
)

// checkUpstream holds one request that reached the upstream against what every one must be.
func checkUpstream(t *testing.T, r *received) {
	t.Helper()
	if !wellFormedLine.MatchString(r.line) {
		t.Fatalf("upstream saw the request line %q", r.line)
	}
	count := make(map[string]int)
	for _, line := range r.fields {
		name, _, _ := strings.Cut(line, ":")
		count[strings.ToLower(name)]++
		if !matchesBytes(wellFormedField, line) {
			t.Fatalf("upstream saw the field line %q", line)
		}
	}
	framed := count["content-length"] + count["transfer-encoding"]
	if framed > 1 || count["host"] != 1 || count["x-scope-orgid"] != 1 || count["x-scope-clientid"] != 1 || count["x-request-id"] != 1 {
		t.Fatalf("upstream saw %q", r.fields)
	}
	for _, never := range []string{"authorization", "connection", "trailer", "upgrade", "expect", "te", "cookie", "proxy-authorization", "forwarded"} {
		if count[never] > 0 {
			t.Fatalf("upstream saw %s in %q", never, r.fields)
		}
	}
	if tenants := r.tenants(); len(tenants) != 1 {
		t.Fatalf("upstream saw the tenants %q in %q and %q", tenants, r.fields, r.trailers)
	}
	if len(r.trailers) > 0 {
		t.Fatalf("upstream saw the trailers %q", r.trailers)
	}
	head := r.line + "\r\n" + strings.Join(r.fields, "\r\n") + "\r\n\r\n"
	if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head))); err != nil {
		t.Fatalf("net/http as upstream says %v to %q", err, head)
	}
}

// matchesBytes matches byte for byte: a regular expression takes a string for UTF-8.
func matchesBytes(re *regexp.Regexp, s string) bool {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return re.MatchString(string(runes))
}

// FuzzRequest sends whatever bytes to a gateway on a real socket. What reaches the upstream is well formed, names one
// tenant, once, and there is a credential of that tenant among the bytes for every request of it.
func FuzzRequest(f *testing.F) {
	for _, c := range readRawCases(f, "testdata/raw-http.jsonl") {
		if raw := c.bytes(); len(raw) < 4<<10 {
			f.Add(raw)
		}
	}
	f.Add([]byte(push("hello") + query + strings.ReplaceAll(query, basicA, basicB)))
	f.Add([]byte("POST /api/v1/otlp/v1/metrics HTTP/1.1\r\nHost: a\r\nAuthorization: " + basicB + "\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n"))
	f.Add([]byte("DELETE /api/v1/rules/a%2Fb/c HTTP/1.1\r\nHost: a\r\nAuthorization: " + basicA + "\r\nX_Scope_OrgID: x\r\nConnection: x-b\r\nX-B: c\r\n\r\n"))
	f.Add([]byte("GET /old/x?y HTTP/1.0\r\nConnection: keep-alive\r\nAuthorization: Basic cmVhZGVyLWE6c2VjcmV0\r\nX-Forwarded-For: x\r\n\r\n" + query))
	socket, upstream := startFuzzGateway(f)
	f.Fuzz(func(t *testing.T, raw []byte) { checkTold(t, socket, upstream, raw) })
}

// checkTold sends bytes and holds what reached the upstream against them.
func checkTold(t *testing.T, socket string, upstream *recorder, raw []byte) {
	t.Helper()
	upstream.forget()
	answers := tell(t, socket, raw)
	if answers != "" && !strings.HasPrefix(answers, "HTTP/1.1 ") {
		t.Fatalf("%q is answered %q", raw, answers)
	}
	seen := make(map[string]int)
	for _, r := range upstream.requests() {
		if !r.complete {
			continue // it was cut, and may be of the input before
		}
		checkUpstream(t, r)
		seen[fmt.Sprint(r.values("X-Scope-OrgID"), r.values("X-Scope-ClientID"))]++
	}
	for _, c := range sentCredentials {
		key := fmt.Sprint([]string{c.tenant}, []string{c.client})
		if sent := strings.Count(string(raw), c.sent); seen[key] > sent {
			t.Fatalf("%q holds %d credentials of %s, upstream saw %d requests of it", raw, sent, key, seen[key])
		}
		delete(seen, key)
	}
	if len(seen) > 0 {
		t.Fatalf("%q: upstream saw %v", raw, seen)
	}
}

// fragments are what FuzzFragments puts requests together from.
var fragments = []string{
	"\r\n", "\n", "\r", " ", "\t", "\x00", ",", ":", "0", "5", "a", "hello",
	"POST /api/v1/push HTTP/1.1\r\n", "POST /api/v1/push HTTP/1.0\r\n", "GET /prometheus/x?y HTTP/1.1\r\n", "GET /prometheus/x HTTP/1.0\r\n",
	"HEAD /old/x HTTP/1.1\r\n", "DELETE /api/v1/rules/a%2Fb HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\n", "PUT /nowhere HTTP/1.1\r\n", "GET /ring HTTP/1.1\r\n",
	"POST /api/v1/otlp/v1/metrics HTTP/1.1\r\n", "POST /prometheus/x HTTP/1.1\r\n", "Host: gw.test\r\n", "Host: b\r\n", "Authorization: " + basicA + "\r\n", "Authorization: " + basicB + "\r\n", "authorization: Basic cmVhZGVyLWE6c2VjcmV0\r\n",
	"Content-Length: 0\r\n", "Content-Length: 5\r\n", "Content-Length: 60\r\n", "content-length: 05\r\n", "Transfer-Encoding: chunked\r\n", "transfer-encoding: identity\r\n",
	"Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: X-Scope-OrgID, Content-Length\r\n", "Expect: 100-continue\r\n", "Trailer: X-Scope-OrgID\r\n",
	"X-Scope-OrgID: victim\r\n", "x_scope_orgid: victim\r\n", " X-Scope-OrgID: victim\r\n", "X-Scope-OrgID : victim\r\n", "Foo: bar\r\n", "Foo: bar\n", "Foo:\r\n",
	"5\r\nhello\r\n", "5;x=y\r\nhello\r\n", "5\nhello\n", "0\r\n", "0\r\n\r\n", "00;a\r\n", "\r\n\r\n", "hello\r\n", "1\r\na\r\n", "3c\r\n",
}

// FuzzFragments is FuzzRequest for requests put together from fragments, which are good far more often: each byte of the
// input is one of them.
func FuzzFragments(f *testing.F) {
	index := make(map[string]byte)
	for i, fragment := range fragments {
		index[fragment] = byte(i)
	}
	for _, pieces := range [][]string{
		{"POST /api/v1/push HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: " + basicA + "\r\n", "Content-Length: 5\r\n", "\r\n", "hello",
			"GET /prometheus/x?y HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: " + basicB + "\r\n", "X-Scope-OrgID: victim\r\n", "\r\n"},
		{"POST /api/v1/push HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: " + basicB + "\r\n", "Transfer-Encoding: chunked\r\n", "Trailer: X-Scope-OrgID\r\n", "\r\n",
			"5;x=y\r\nhello\r\n", "0\r\n", "X-Scope-OrgID: victim\r\n", "\r\n"},
		{"PUT /nowhere HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: " + basicA + "\r\n", "Content-Length: 60\r\n", "\r\n",
			"GET /prometheus/x?y HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: " + basicB + "\r\n", "\r\n"},
		{"GET /prometheus/x HTTP/1.0\r\n", "Connection: keep-alive\r\n", "authorization: Basic cmVhZGVyLWE6c2VjcmV0\r\n", "\r\n", "GET /healthz HTTP/1.1\r\n", "Host: b\r\n", "\r\n"},
	} {
		var seed []byte
		for _, piece := range pieces {
			seed = append(seed, index[piece])
		}
		f.Add(seed)
	}
	socket, upstream := startFuzzGateway(f)
	f.Fuzz(func(t *testing.T, choices []byte) {
		var raw []byte
		for _, choice := range choices[:min(len(choices), 64)] {
			raw = append(raw, fragments[int(choice)%len(fragments)]...)
		}
		checkTold(t, socket, upstream, raw)
	})
}
