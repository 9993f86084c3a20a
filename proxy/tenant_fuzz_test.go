package proxy

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// startFuzzGateway serves the test routes to credentials of every kind; fuzzProxies are believed.
func startFuzzGateway(f *testing.F) (g *gateway, upstream *recorder) {
	f.Helper()
	upstream = startRecorder(f, nil)
	g = startGateway(f, testRoutes(testPool(f, upstream.addr), func(r *Route) {
		if r.Path != "/api/v1/push" {
			r.RetryBodySize = 3 // all but the smallest bodies are streamed
		}
	}))
	s := settings(g.snapshot.Load().Routes(), everyKind(f))
	s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(fuzzProxies)}
	g.use(f, s)
	return g, upstream
}

// fuzzProxies are 10.9.9.8 and 10.9.9.9.
const fuzzProxies = "10.9.9.8/31"

// onUnixSocket serves a socket of the file system as well, until the test ends: it has no ports to use up.
func (g *gateway) onUnixSocket(t testing.TB) (socket string) {
	t.Helper()
	return g.onUnixSocketAs(t, func(ln net.Listener) net.Listener { return ln })
}

// onUnixSocketAs is onUnixSocket with what dress puts around the listener.
func (g *gateway) onUnixSocketAs(t testing.TB, dress func(net.Listener) net.Listener) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "gw")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	g.serveMore(t, dress(ln))
	return socket
}

// halfCloser is a connection whose sending side can end alone.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func dialUnix(t *testing.T, socket string) halfCloser {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.UnixConn)
}

// tell sends bytes, ends the sending side and returns all that comes back. The gateway must close in the end.
func tell(t *testing.T, socket string, raw []byte) string {
	t.Helper()
	return tellOn(t, dialUnix(t, socket), raw)
}

func tellOn(t *testing.T, c halfCloser, raw []byte) string {
	t.Helper()
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(raw); err == nil {
		c.CloseWrite() //nolint:errcheck // the gateway may have closed
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

// FuzzRequest sends whatever bytes to a gateway on a real socket. What reaches the upstream is well formed and names, once,
// what a credential among the bytes allows, for every request of it.
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
	g, upstream := startFuzzGateway(f)
	socket := g.onUnixSocket(f)
	f.Fuzz(func(t *testing.T, raw []byte) { checkTold(t, socket, upstream, raw) })
}

// checkTold sends bytes and holds what reached the upstream against them.
func checkTold(t *testing.T, socket string, upstream *recorder, raw []byte) {
	t.Helper()
	checkToldOn(t, dialUnix(t, socket), upstream, raw, sentCredentials)
}

func checkToldOn(t *testing.T, c halfCloser, upstream *recorder, raw []byte, credentials []sentCredential) {
	t.Helper()
	upstream.forget()
	answers := tellOn(t, c, raw)
	if answers != "" && !strings.HasPrefix(answers, "HTTP/1.1 ") {
		t.Fatalf("%q is answered %q", raw, answers)
	}
	// What is not complete was cut, and may be of the input before.
	seen := slices.DeleteFunc(upstream.requests(), func(r *received) bool { return !r.complete })
	checkIdentities(t, seen, string(raw), credentials)
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
	"Authorization: " + bearerA + "\r\n", "Authorization: " + bearerB + "\r\n", "Authorization: Bearer " + tokenOfJane + "\r\n", "Authorization: Bearer " + tokenOfJoe + "\r\n",
	"Authorization: Basic c2V2ZXJhbDpzZWNyZXQ=\r\n", "Authorization: Basic ZXZlcnk6c2VjcmV0\r\n", "Authorization: Basic b3BlcmF0b3I6c2VjcmV0\r\n", "Authorization: Basic c2xvdzpzZWNyZXQ=\r\n",
	"Authorization: Bearer wrong\r\n", "X-Scope-OrgID: a\r\n", "x-scope-orgid: c|a\r\n", "X-Scope-OrgID: d\r\n", "X-Scope-OrgID: j1\r\n", "X-Scope-OrgID: a|\r\n", "X-Scope-OrgID:\r\n", "X-Scope-OrgID: ",
	"5\r\nhello\r\n", "5;x=y\r\nhello\r\n", "5\nhello\n", "0\r\n", "0\r\n\r\n", "00;a\r\n", "\r\n\r\n", "hello\r\n", "1\r\na\r\n", "3c\r\n",
}

// FuzzFragments is FuzzRequest for requests put together from fragments, which are good far more often: each byte of the
// input is one of them.
func FuzzFragments(f *testing.F) {
	addFragmentSeeds(f)
	g, upstream := startFuzzGateway(f)
	socket := g.onUnixSocket(f)
	f.Fuzz(func(t *testing.T, choices []byte) { checkTold(t, socket, upstream, assembled(choices)) })
}

// FuzzBesideACertificate is FuzzFragments on connections with a certificate, which counts for every request that has no
// Authorization.
func FuzzBesideACertificate(f *testing.F) {
	addFragmentSeeds(f)
	upstream := startRecorder(f, nil)
	g := startEveryKind(f, upstream.addr, nil)
	ca := newAuthority(f)
	socket := g.onUnixSocketAs(f, ca.secure(f, tls.RequireAndVerifyClientCert))
	config := ca.client(ca.issue(f, "agent", time.Hour))
	f.Fuzz(func(t *testing.T, choices []byte) {
		c := tls.Client(dialUnix(t, socket), config)
		checkToldOn(t, c, upstream, assembled(choices), append(slices.Clone(sentCredentials), agent))
	})
}

// assembled puts fragments together: each byte is one of them.
func assembled(choices []byte) (raw []byte) {
	for _, choice := range choices[:min(len(choices), 64)] {
		raw = append(raw, fragments[int(choice)%len(fragments)]...)
	}
	return raw
}

func addFragmentSeeds(f *testing.F) {
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
		{"GET /prometheus/x?y HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: Basic c2V2ZXJhbDpzZWNyZXQ=\r\n", "x-scope-orgid: c|a\r\n", "\r\n",
			"GET /prometheus/x?y HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: Bearer " + tokenOfJoe + "\r\n", "\r\n",
			"POST /api/v1/push HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: Basic ZXZlcnk6c2VjcmV0\r\n", "X-Scope-OrgID: ", "hello\r\n", "Content-Length: 0\r\n", "\r\n",
			"POST /api/v1/push HTTP/1.1\r\n", "Host: gw.test\r\n", "Authorization: " + bearerB + "\r\n", "X-Scope-OrgID: d\r\n", "Content-Length: 0\r\n", "\r\n"},
		{"GET /prometheus/x HTTP/1.0\r\n", "Connection: keep-alive\r\n", "authorization: Basic cmVhZGVyLWE6c2VjcmV0\r\n", "\r\n", "GET /healthz HTTP/1.1\r\n", "Host: b\r\n", "\r\n"},
	} {
		var seed []byte
		for _, piece := range pieces {
			seed = append(seed, index[piece])
		}
		f.Add(seed)
	}
}
