package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/proxy"
)

// TestSecretsStayInside plants secrets wherever an operator or a client can put one, takes every way that ends in an
// error, and then looks for them in all that the program says.
func TestSecretsStayInside(t *testing.T) {
	const right, hashed, wrong, malformed = "canary-right-pw", "canary-hashed-pw", "canary-wrong-pw", "canary-malformed-pw"
	hash, err := bcrypt.GenerateFromPassword([]byte(hashed), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+`
[log]
level = "debug"
access = { enabled = true, query = true }
`+tenant("team-a", "prometheus-a", right)+`
[[tenants]]
id = "team-b"
username = "prometheus-b"
password_hash = "`+string(hash)+`"
`))
	client := newClient(t)
	var said strings.Builder
	hear := func(a answer) {
		fmt.Fprintln(&said, a.status, a.header, a.body)
	}
	for _, try := range []request{
		{method: "POST", url: "/api/v1/push", user: "prometheus-a", password: right, body: "samples"},
		{method: "POST", url: "/api/v1/push", user: "prometheus-a", password: wrong, body: "samples"},
		{method: "POST", url: "/api/v1/push", user: "prometheus-b", password: hashed, body: "samples"},
		{method: "POST", url: "/api/v1/push", user: "nobody", password: wrong, body: "samples"},
		{method: "GET", url: "/prometheus/api/v1/query?query=up&token=" + wrong, user: "prometheus-a", password: right},
		{method: "POST", url: "/api/v1/rules/ns", user: "prometheus-a", password: right, body: "secret: " + wrong},
		{method: "GET", url: "/ingester/ring", user: "prometheus-a", password: right},
		{method: "DELETE", url: "/api/v1/push", user: "prometheus-a", password: right},
		{method: "GET", url: "/prometheus//api", user: "prometheus-a", password: right},
	} {
		try.url = r.url(try.url)
		hear(try.must(t, client))
	}
	credential := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("prometheus-a:"+malformed)) + "\r\n"
	for _, raw := range []string{
		"GET /prometheus/api/v1/query HTTP/1.1\r\nHost: gw\r\n" + credential + "Bad Name: x\r\n\r\n",
		"GET /prometheus/api/v1/query HTTP/9.9\r\nHost: gw\r\n" + credential + "\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\nHost: gw\r\n" + credential + credential + "\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\nHost: prometheus-a:" + malformed + "@gw\r\n\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\nHost: gw\r\nAuthorization: " + malformed + "\x01\r\n\r\n",
		"POST /api/v1/push HTTP/1.1\r\nHost: gw\r\n" + credential + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		fmt.Fprintln(&said, sendBytes(t, r, raw))
	}
	broken, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	r.write(strings.Replace(string(broken), `id = "team-a"`, `id = "team/a"`, 1))
	hear(request{method: "POST", url: r.adminURL("/reload")}.must(t, client))
	for _, path := range []string{
		"/metrics", "/ready", "/healthy", "/config", "/status", "/", "/debug/pprof/goroutine?debug=2",
		"/debug/pprof/heap?debug=1", "/debug/pprof/cmdline", "/debug/pprof/symbol",
	} {
		hear(request{method: "GET", url: r.adminURL(path)}.must(t, client))
	}
	eventually(t, "the last lines are in the log", func() bool { return r.proxy.InFlight() == 0 })
	r.logs.close()
	said.WriteString(r.log.String())
	for _, line := range []string{"a request was served", "a request was refused", "a change was passed on", "the credentials changed"} {
		if !strings.Contains(r.log.String(), line) {
			t.Errorf("nothing in the log says %q, which may hold a secret", line)
		}
	}

	heard := said.String()
	for _, secret := range []string{right, hashed, wrong, malformed, string(hash)} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte("prometheus-a:" + secret))} {
			if at := strings.Index(heard, form); at >= 0 {
				t.Errorf("%q is in what the program says: …%s…", form, heard[max(0, at-100):min(len(heard), at+100)])
			}
		}
	}
	if strings.Contains(r.log.String(), "\x01") {
		t.Error("a control character of a client is in the log as it is")
	}
}

// carelessTracer panics with a secret where the request is known.
type carelessTracer struct{ noop.Tracer }

const panicked = "canary-panic-pw"

func (carelessTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if name == "authenticate" {
		panic("cannot send a span for " + panicked)
	}
	return ctx, noop.Span{}
}

// TestAPanicTellsNothing looks for what a panic carried in all that the program says afterwards, which it does as ever.
func TestAPanicTellsNothing(t *testing.T) {
	r := start(t, gate(everything(newUpstream(t).URL)+tenant("team-a", "prometheus-a", "one")))
	snapshot, err := proxy.Compile(proxy.Settings{
		Routes: r.current.Load().snapshot.Routes(), Credentials: r.parts.credentials, WriteTimeout: patience,
		Tracing: proxy.Tracing{Tracer: carelessTracer{}, SampleRatio: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.proxy.Use(snapshot)
	client := newClient(t)
	a := request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}.must(t, client)
	if a.status != 503 {
		t.Errorf("answered %d: %q", a.status, a.body)
	}
	said := fmt.Sprintln(a.header, a.body)
	for _, path := range []string{"/metrics", "/ready", "/status", "/", "/debug/pprof/goroutine?debug=2"} {
		a := request{method: "GET", url: r.adminURL(path)}.must(t, client)
		if a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
		said += a.body
	}
	eventually(t, "the log tells of the bug", func() bool { return strings.Contains(r.log.String(), "BUG:") })
	said += r.log.String()
	if !strings.Contains(said, "\nheadgate_panics_total 1\n") {
		t.Error("the panic is not counted")
	}
	if at := strings.Index(said, panicked); at >= 0 {
		t.Errorf("what the panic carried is told: …%s…", said[max(0, at-100):min(len(said), at+100)])
	}
}

// sendBytes sends bytes as they are and returns all that comes back.
func sendBytes(t *testing.T, r *running, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	back, _ := io.ReadAll(conn) // a reset behind the answer is an end as well
	return string(back)
}

// TestClientsCannotMakeSeries sends thousands of different methods, paths, users, queries and tenants: the number of
// series is the same afterwards as after the first of each kind.
func TestClientsCannotMakeSeries(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")))
	client := newClient(t)
	series := func() int {
		a := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client)
		n := 0
		for line := range strings.Lines(a.body) {
			if !strings.HasPrefix(line, "#") {
				n++
			}
		}
		return n
	}
	word := func() string { return fmt.Sprintf("x%d", rand.Uint32()) }
	round := func() {
		for _, try := range []request{
			{method: "GET", url: "/prometheus/api/v1/label/" + word() + "/values", user: "prometheus-a", password: "one"},
			{method: "GET", url: "/" + word(), user: "prometheus-a", password: "one"},
			{method: "GET", url: "/" + word(), user: word(), password: word()},
			{method: strings.ToUpper(word()), url: "/prometheus/api/v1/query", user: "prometheus-a", password: "one"},
			{method: "GET", url: "/prometheus/api/v1/query?query=" + word(), user: "prometheus-a", password: "one", tenant: word()},
			{method: "GET", url: "/api/v1/rules/" + word() + "/" + word(), user: "prometheus-a", password: "one"},
		} {
			try.url = r.url(try.url)
			if a := try.must(t, client); a.status == http.StatusInternalServerError {
				t.Fatalf("%+v was answered %d %q", try, a.status, a.body)
			}
		}
	}
	for range 3 {
		round()
	}
	before := series()
	for range 300 {
		round()
	}
	if after := series(); after != before {
		t.Errorf("%d series after 1,800 different requests, %d before", after, before)
	}
}
