package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must come; nothing is asserted about how long it took.
const patience = time.Minute

// startPatient is startGateway for clients that may be long in coming to send anything, on a machine with much else to do.
func startPatient(t testing.TB, routes []Route) *gateway {
	t.Helper()
	return startGatewayWith(t, routes, Options{HeaderTimeout: patience, IdleTimeout: patience, MaxHeaderSize: 16 << 10})
}

// reply is what a client got, read by net/http.
type reply struct {
	status int // 0: none
	reason string
	header http.Header
	body   string
	whole  bool  // the message is complete
	last   bool  // the connection ends with it
	err    error // why it is not
}

func (r reply) String() string {
	return fmt.Sprintf("status %d, reason %q, whole %v, %d bytes of body, error %v", r.status, r.reason, r.whole, len(r.body), r.err)
}

// caller is a client with one connection that it keeps.
type caller struct {
	net.Conn
	br *bufio.Reader
}

func (g *gateway) caller(t testing.TB) *caller {
	t.Helper()
	c := g.dial(t)
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &caller{Conn: c, br: bufio.NewReader(c)}
}

// ask sends one raw request and reads its answer. The request is written beside the reading, so that an early answer is
// seen however large the rest is.
func (c *caller) ask(raw string) reply {
	go io.WriteString(c, raw) //nolint:errcheck // the answer tells
	method, _, _ := strings.Cut(raw, " ")
	return c.read(method)
}

func (c *caller) read(method string) reply {
	resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		return reply{err: err}
	}
	r := reply{status: resp.StatusCode, reason: resp.Header.Get("X-Headgate-Reason"), header: resp.Header, last: resp.Close}
	if resp.StatusCode < 200 {
		return r
	}
	body, err := io.ReadAll(resp.Body)
	r.body, r.err, r.whole = string(body), err, err == nil
	return r
}

// ended reports whether the gateway has closed the connection and nothing more came on it.
func (c *caller) ended() error {
	b, err := c.br.ReadByte()
	var timeout net.Error
	switch {
	case err == nil:
		return fmt.Errorf("another byte came: %q", b)
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the connection is still open")
	}
	return nil
}

// ask sends one raw request on a connection of its own.
func (g *gateway) ask(t testing.TB, raw string) reply {
	t.Helper()
	c := g.caller(t)
	defer c.Close()
	return c.ask(raw)
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

// metric is the value of one series of the gateway's, as it is shown.
func (g *gateway) metric(name string) string {
	var text strings.Builder
	g.set.WritePrometheus(&text)
	for row := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(row, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// refusals is how often a reason was given, whatever the scope.
func (g *gateway) refusals(reason string) string {
	sum := 0
	for _, scope := range scopeNames {
		n, _ := strconv.Atoi(g.metric(fmt.Sprintf(`headgate_refusals_total{reason=%q,origin="headgate",scope=%q}`, reason, scope)))
		sum += n
	}
	return strconv.Itoa(sum)
}

// requestOf is a raw request of tenant-a for a scope, by the routes of testRoutes, with a nonce.
func requestOf(scope, nonce, body string) string {
	first := map[string]string{
		"write": "POST /api/v1/push", "read": "POST /prometheus/api/v1/query", "rules": "POST /api/v1/rules/ns",
	}[scope]
	return fmt.Sprintf("%s HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\nX-Nonce: %s\r\nContent-Length: %d\r\n\r\n%s",
		first, basicA, nonce, len(body), body)
}

// inChunks is a request whose body comes with its length as one whose body comes in chunks.
func inChunks(raw string) string {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	at := strings.Index(head, "Content-Length:")
	var b strings.Builder
	b.WriteString(head[:at] + "Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := min(len(body), 50_000)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}
