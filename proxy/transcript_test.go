package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http/httputil"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

var update = flag.Bool("update", false, "rewrite the transcripts with what happens now; only keep what you can explain")

// A transcript (testdata/exchange/*.txtar) is one request and all that came of it. Its sections:
//
//	request   what the client sends
//	answer    what the upstream answers; without it, nobody may be asked
//	config    lines that change the routes (retry_body_size 4, max_body_size 10), or say trusted_proxies, allowed_origins
//	upstream  what the upstream must see: its requests, the body without its framing
//	response  what the client must get, in the same form
//
// Lines of heads end in CR LF on the wire, and so do those of chunked bodies; the last line end of any other body is not
// part of it. What differs from run to run is written as <id>, <now> and <1-3>.
type transcript struct {
	file    string
	archive *txtar.Archive
}

func (c *transcript) section(name string) (text string, ok bool) {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

// message is a section as it goes over the wire.
func message(text string) string {
	head, body, _ := strings.Cut(text, "\n\n")
	raw := strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n"
	if strings.Contains(strings.ToLower(head), "transfer-encoding: chunked") {
		return raw + strings.ReplaceAll(body, "\n", "\r\n")
	}
	return raw + strings.TrimSuffix(body, "\n")
}

// check compares a section with what happened, or rewrites it.
func (c *transcript) check(t *testing.T, name, got string) {
	t.Helper()
	if got != "" && !strings.HasSuffix(got, "\n") {
		got += "\n"
	}
	for i := range c.archive.Files {
		f := &c.archive.Files[i]
		if f.Name != name {
			continue
		}
		if string(f.Data) != got && !*update {
			t.Errorf("%s: want\n%s\ngot\n%s", name, f.Data, got)
		}
		f.Data = []byte(got)
		return
	}
	if !*update {
		t.Errorf("%s: there is no such section; got\n%s", name, got)
	}
	c.archive.Files = append(c.archive.Files, txtar.File{Name: name, Data: []byte(got)})
}

// TestTranscripts plays every transcript.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/exchange/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := &transcript{file, archive}
			c.play(t)
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func (c *transcript) play(t *testing.T) {
	answer, asked := c.section("answer")
	u := startRecorder(t, func(*received) string { return message(answer) })
	settings := Settings{
		RulePrefixes: []string{"/api/v1/rules/", "/prometheus/config/v1/rules/"}, Credentials: testCredentials(t),
		Realm: "headgate", HealthPath: "/healthz", WriteTimeout: patience,
	}
	settings.Routes = cortexRoutes(testPool(t, u.addr), c.configure(t, &settings))
	g := startPatient(t, settings.Routes)
	snapshot, err := Compile(settings)
	if err != nil {
		t.Fatal(err)
	}
	g.Use(snapshot)
	request, _ := c.section("request")
	response := c.converse(t, g, message(request))

	if !asked && len(u.requests()) > 0 {
		t.Errorf("the upstream was asked, with %q", u.requests()[0].line)
	}
	var seen strings.Builder
	for _, r := range u.requests() {
		fmt.Fprintf(&seen, "%s\n%s\n\n", r.line, strings.Join(r.fields, "\n"))
		if r.body != "" {
			fmt.Fprintln(&seen, r.body)
		}
		if !r.complete {
			seen.WriteString("(cut)\n")
		}
	}
	c.check(t, "upstream", mask(seen.String()))
	c.check(t, "response", mask(response))
}

// configure takes what the config section says about the settings and gives what it does to every route.
func (c *transcript) configure(t *testing.T, s *Settings) func(*Route) {
	text, _ := c.section("config")
	sizes := make(map[string]int64)
	for row := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(row), " ")
		var err error
		switch key {
		case "retry_body_size", "max_body_size":
			sizes[key], err = strconv.ParseInt(value, 10, 64)
		case "trusted_proxies":
			var trusted netip.Prefix
			trusted, err = netip.ParsePrefix(value)
			s.TrustedProxies = append(s.TrustedProxies, trusted)
		case "allowed_origins":
			s.AllowedOrigins = append(s.AllowedOrigins, value)
		default:
			err = errors.New("no such key")
		}
		if err != nil {
			t.Fatalf("config: %q: %v", row, err)
		}
	}
	return func(r *Route) {
		if n, ok := sizes["retry_body_size"]; ok {
			r.RetryBodySize = n
		}
		if n, ok := sizes["max_body_size"]; ok {
			r.MaxBodySize = n
		}
	}
}

// converse sends a request, its body only once the gateway has asked for it where that was agreed, and gives all that
// comes back.
func (c *transcript) converse(t *testing.T, g *gateway, raw string) string {
	client := g.caller(t)
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	if !strings.Contains(head, "100-continue") {
		head, body = raw, ""
	} else {
		head += "\r\n\r\n"
	}
	if _, err := io.WriteString(client, head); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	var all strings.Builder
	for {
		text, status := readMessage(client.br, method)
		all.WriteString(text)
		if status != 100 {
			return all.String()
		}
		if _, err := io.WriteString(client, body); err != nil {
			t.Fatal(err)
		}
	}
}

// readMessage reads one message of the gateway's: its head as it is, its body without the framing.
func readMessage(br *bufio.Reader, method string) (text string, status int) {
	var head strings.Builder
	length := int64(0)
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return head.String() + "(closed)\n", 0
		}
		line = strings.TrimSuffix(line, "\r\n")
		head.WriteString(line + "\n")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case status == 0:
			status, _ = strconv.Atoi(line[9:12])
		case strings.EqualFold(name, "Content-Length"):
			length, _ = strconv.ParseInt(value, 10, 64)
		case strings.EqualFold(name, "Transfer-Encoding"):
			length = -1
		}
	}
	var body []byte
	var err error
	switch {
	case method == "HEAD" || status < 200 || status == 204 || status == 304:
	case length < 0:
		if body, err = io.ReadAll(httputil.NewChunkedReader(br)); err == nil {
			_, err = br.ReadSlice('\n')
		}
	default:
		body = make([]byte, length)
		_, err = io.ReadFull(br, body)
	}
	if err != nil {
		body = append(body, "(cut)\n"...)
	}
	return head.String() + string(body), status
}

var masks = []struct {
	volatile *regexp.Regexp
	stands   string
}{
	{regexp.MustCompile(`(?m)^(X-Request-ID: )[0-9a-f]{16}$`), "$1<id>"},
	{regexp.MustCompile(`\(request [0-9a-f]{16}\)`), "(request <id>)"},
	{regexp.MustCompile(`(?m)^(Retry-After: )[1-3]$`), "$1<1-3>"},
}

var dateLine = regexp.MustCompile(`(?m)^Date: (.*)$`)

// mask replaces what differs from run to run. A date is masked only when it is about now: others must come through.
func mask(text string) string {
	for _, m := range masks {
		text = m.volatile.ReplaceAllString(text, m.stands)
	}
	return dateLine.ReplaceAllStringFunc(text, func(line string) string {
		at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", strings.TrimPrefix(line, "Date: "))
		if err == nil && time.Since(at).Abs() < time.Hour {
			return "Date: <now>"
		}
		return line
	})
}

// cortexRoutes is a table with a row of each kind that Cortex's components have (reference: Cortex's HTTP API).
func cortexRoutes(pool *balancer.Pool, change func(*Route)) []Route {
	get, post, both := []string{"GET"}, []string{"POST"}, []string{"GET", "POST"}
	changing := []string{"POST", "DELETE"}
	routes := []Route{
		{Path: "/api/v1/push", Methods: post, Scope: authcache.Write},
		{Path: "/prometheus/api/v1/push", Methods: post, Scope: authcache.Write, HasRewrite: true, Rewrite: "/api/v1/push"},
		{Path: "/api/v1/otlp/v1/metrics", Methods: post, Scope: authcache.Write},
		{Path: "/prometheus/api/v1/query", Methods: both, Scope: authcache.Read, Federated: true},
		{Path: "/prometheus/api/v1/read", Methods: post, Scope: authcache.Read, Federated: true},
		{Path: "/prometheus/api/v1/label", Prefix: true, Methods: get, Scope: authcache.Read, Federated: true},
		{Path: "/api/v1/rules", Prefix: true, Methods: get, Scope: authcache.Read},
		{Path: "/api/v1/rules", Prefix: true, Methods: changing, Scope: authcache.Rules},
		{Path: "/prometheus/config/v1/rules", Prefix: true, Methods: get, Scope: authcache.Read, HasRewrite: true, Rewrite: "/api/v1/rules"},
		{Path: "/prometheus/config/v1/rules", Prefix: true, Methods: changing, Scope: authcache.Rules, HasRewrite: true, Rewrite: "/api/v1/rules"},
		{Path: "/alertmanager", Prefix: true, Methods: []string{"GET", "HEAD"}, Scope: authcache.Read},
		{Path: "/alertmanager", Prefix: true, Scope: authcache.Alerts},
		{Path: "/ring", Scope: authcache.Operator},
	}
	for i := range routes {
		r := &routes[i]
		r.Upstream, r.Component, r.Pool, r.Host = "test", "test", pool, "cortex.test:9009"
		r.Timeout, r.ReadTimeout, r.WriteTimeout, r.ConnectTimeout, r.BodyTimeout = patience, patience, patience, patience, patience
		r.RetryBodySize, r.MaxBodySize, r.Retries = 1<<20, 100<<20, 1
		change(r)
	}
	return append(routes, Route{Path: "/api/prom/push", Methods: post, Component: "distributor", Scope: authcache.Write})
}

// TestTranscriptsAreReadable keeps the files in one form, so that -update changes nothing but what happened.
func TestTranscriptsAreReadable(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/exchange/*.txtar")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		archive := txtar.Parse(raw)
		if comment := bytes.TrimSpace(archive.Comment); len(comment) == 0 || comment[0] != '#' {
			t.Errorf("%s: begin with a line that says what is shown", file)
		}
		if !*update && !bytes.Equal(txtar.Format(archive), raw) {
			t.Errorf("%s: not in the form that -update writes", file)
		}
	}
}
