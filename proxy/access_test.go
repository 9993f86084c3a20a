package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

// loggedGateway is a gateway whose lines of requests are read as JSON.
type loggedGateway struct {
	*gateway
	settings       Settings
	lines, changes *lockedBuffer
}

// startLogged serves routes with settings as change leaves them: everything is logged before that.
func startLogged(t testing.TB, routes []Route, change func(*Settings)) *loggedGateway {
	t.Helper()
	g := &loggedGateway{lines: &lockedBuffer{}, changes: &lockedBuffer{}}
	always := &slog.HandlerOptions{Level: slog.LevelDebug}
	g.gateway = startGatewayWith(t, routes, Options{
		HeaderTimeout: patience, IdleTimeout: patience, MaxHeaderSize: 16 << 10,
		Requests: slog.New(slog.NewJSONHandler(g.lines, always)),
		Changes:  slog.New(slog.NewJSONHandler(g.changes, always)),
	})
	g.settings = Settings{
		Routes: routes, RulePrefixes: []string{"/api/v1/rules/"}, Credentials: testCredentials(t), Realm: "headgate",
		HealthPath: "/healthz", WriteTimeout: patience,
		Access: AccessLog{Enabled: true, Sample: 1, MaxPerSecond: 10000, Query: true}, Audit: true,
	}
	if change == nil {
		change = func(*Settings) {}
	}
	g.change(t, change)
	return g
}

// change puts other settings in use.
func (g *loggedGateway) change(t testing.TB, change func(*Settings)) {
	t.Helper()
	change(&g.settings)
	snapshot, err := Compile(g.settings)
	if err != nil {
		t.Fatal(err)
	}
	g.Use(snapshot)
}

// send sends a raw request and returns the status of its answer.
func (g *loggedGateway) send(t testing.TB, raw string) int {
	t.Helper()
	return g.ask(t, raw).status
}

// ended waits for all requests to end, lines included, and returns the lines that pass.
func ended(t testing.TB, g *loggedGateway, from *lockedBuffer, pass func(line map[string]any) bool) []map[string]any {
	t.Helper()
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
	return linesOf(t, from, pass)
}

// linesOf are the lines of a log that pass.
func linesOf(t testing.TB, from *lockedBuffer, pass func(line map[string]any) bool) []map[string]any {
	t.Helper()
	var found []map[string]any
	for text := range strings.Lines(from.String()) {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if pass(line) {
			found = append(found, line)
		}
	}
	return found
}

func isAccess(line map[string]any) bool { return line["log"] == "access" }
func isAudit(line map[string]any) bool  { return line["log"] == "audit" }

func TestALineSaysAllThereIsToKnowOfARequest(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startLogged(t, testRoutes(testPool(t, u.addr), nil), nil)
	if status := g.send(t, push("samples")); status != 200 {
		t.Fatal(status)
	}
	lines := ended(t, g, g.lines, isAccess)
	if len(lines) != 1 {
		t.Fatalf("%d lines: %s", len(lines), g.lines)
	}
	line := lines[0]
	for name, want := range map[string]any{
		"level": "INFO", "msg": "a request was served", "tenant": "tenant-a", "client": "tenant-a", "address": "127.0.0.1",
		"route": "/api/v1/push", "method": "POST", "path": "/api/v1/push", "status": 200.0, "request_bytes": 7.0,
		"upstream": "test", "host": u.addr, "attempts": 1.0,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, line["time"].(string)); err != nil || time.Since(at) > patience {
		t.Errorf("time is %v", line["time"])
	}
	if id, _ := line["request"].(string); len(id) != 16 || u.requests()[0].values("x-request-id")[0] != id {
		t.Errorf("request is %v", line["request"])
	}
	if n, _ := line["response_bytes"].(float64); n < 50 {
		t.Errorf("response_bytes is %v", line["response_bytes"])
	}
	if s, _ := line["seconds"].(float64); s <= 0 || s > patience.Seconds() {
		t.Errorf("seconds is %v", line["seconds"])
	}
}

// TestFailuresAreLoggedWhateverTheAccessLog: ours, the upstream's, and those whose sender never got the answer.
func TestFailuresAreLoggedWhateverTheAccessLog(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"400": "400 Bad Request", "500": "500 Internal Server Error", "200": "200 OK"}
	u := startRecorder(t, func(r *received) string {
		return "HTTP/1.1 " + answers[r.body] + "\r\nContent-Length: 0\r\n\r\n"
	})
	g := startLogged(t, testRoutes(testPool(t, u.addr), nil), func(s *Settings) { s.Access = AccessLog{MaxPerSecond: 1000} })
	const times = 100
	for range times {
		g.send(t, push("200"))
		g.send(t, push("400"))
		g.send(t, push("500"))
		g.send(t, strings.Replace(push("200"), basicA, "Basic d3Jvbmc6d3Jvbmc=", 1))
	}
	eventually(t, "no request is under way", func() bool { return g.InFlight() == 0 })
	count := map[string]int{}
	for line := range strings.Lines(g.log.String()) {
		for _, kind := range []string{
			`level=INFO msg="a request failed" log=access`, `level=WARN msg="a request failed" log=access`,
			`level=INFO msg="a request was refused" log=access reason=unauthorized`, `a request was served`,
		} {
			if strings.Contains(line, kind) {
				count[kind]++
			}
		}
	}
	if len(count) != 3 {
		t.Errorf("kinds of lines: %v, want three: no successes", count)
	}
	for kind, n := range count {
		if n != times {
			t.Errorf("%d lines with %q, want %d", n, kind, times)
		}
	}
}

// TestAFloodOfFailuresHidesNoSuccess: each kind has a limit of its own, and what is left out of one is told.
func TestAFloodOfFailuresHidesNoSuccess(t *testing.T) {
	t.Parallel()
	const most, flood = 3, 200
	g := startLogged(t, testRoutes(testPool(t, startRecorder(t, nil).addr), nil), func(s *Settings) { s.Access.MaxPerSecond = most })
	for range flood {
		g.send(t, strings.Replace(query, basicA, "Basic d3Jvbmc6d3Jvbmc=", 1))
	}
	for range most {
		g.send(t, query)
	}
	served, failed, leftOut := 0, 0, 0
	eventually(t, "every failure has a line or is counted in one", func() bool {
		served, failed, leftOut = 0, 0, 0
		for _, line := range ended(t, g, g.lines, isAccess) {
			switch line["msg"] {
			case "a request was served":
				served++
			case "a request was refused":
				failed++
			case "requests that failed were left out":
				leftOut += int(line["count"].(float64))
			}
		}
		return failed+leftOut == flood
	})
	if served != most || leftOut == 0 {
		t.Errorf("lines of %d successes, of %d failures, %d failures left out; want %d successes and failures left out", served, failed, leftOut, most)
	}
}

func TestSuccessesAreSampled(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startLogged(t, testRoutes(testPool(t, u.addr), nil), func(s *Settings) { s.Access.Sample = 0.25 })
	var turn atomic.Int64
	g.seen.access.random = func() float64 { return float64(turn.Add(1)%20) / 20 } // 0.05, 0.10, … 0.95, 0
	for range 100 {
		g.send(t, query)
	}
	g.send(t, strings.Replace(query, basicA, "Basic d3Jvbmc6d3Jvbmc=", 1))
	if lines := ended(t, g, g.lines, isAccess); len(lines) != 25+1 {
		t.Errorf("%d lines of 100 successes and a failure, want a quarter and the failure", len(lines))
	}
	if n := turn.Load(); n != 100 {
		t.Errorf("%d throws of the dice, want one for each success", n)
	}
	for sample, want := range map[float64]int{0: 0, 1: 20} {
		g.change(t, func(s *Settings) { s.Access.Sample = sample })
		g.lines.reset()
		for range 20 {
			g.send(t, query)
		}
		if lines := ended(t, g, g.lines, isAccess); len(lines) != want {
			t.Errorf("sample %v: %d lines of 20, want %d", sample, len(lines), want)
		}
	}
}

// TestQuestionsAreLogged: what a read asks for is in the line, wherever the sender wrote it, and goes upstream as it was.
func TestQuestionsAreLogged(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startLogged(t, testRoutes(testPool(t, u.addr), nil), nil)
	post := func(target, kind, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: gw\r\nAuthorization: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			target, basicA, kind, len(body), body)
	}
	const form = "application/x-www-form-urlencoded"
	long := "query=" + strings.Repeat("x", 200<<10) + "&step=15"
	for name, c := range map[string]struct {
		raw, sent string
		want      map[string]any
	}{
		"URL": {
			raw:  get("/prometheus/api/v1/query_range?query=sum(rate(x%5B5m%5D))&start=1&end=2.5&step=15s&timeout=3"),
			want: map[string]any{"query": "sum(rate(x[5m]))", "start": "1", "end": "2.5", "step": "15s", "match": nil, "timeout": nil},
		},
		"matches": {
			raw:  get("/prometheus/api/v1/series?match%5B%5D=up&match[]=%7Ba%3D%22b%22%7D"),
			want: map[string]any{"match": []any{"up", `{a="b"}`}, "query": nil},
		},
		"form": {
			raw:  post("/prometheus/api/v1/query", form, "query=up+%2B+1&start=9"),
			sent: "query=up+%2B+1&start=9", want: map[string]any{"query": "up + 1", "start": "9"},
		},
		"form and URL": {
			raw:  post("/prometheus/api/v1/query?query=no&step=7", form+"; charset=UTF-8", "query=yes"),
			sent: "query=yes", want: map[string]any{"query": "yes", "step": "7"},
		},
		"chunked form": {
			raw: "POST /prometheus/api/v1/query HTTP/1.1\r\nHost: gw\r\nAuthorization: " + basicA + "\r\nContent-Type: " + form +
				"\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nquery=u%\r\n2\r\n70\r\n0\r\n\r\n",
			sent: "query=u%70", want: map[string]any{"query": "up"},
		},
		"long form": {
			raw:  post("/prometheus/api/v1/query", form, long),
			sent: long, want: map[string]any{"query": strings.Repeat("x", maxAsked) + "…", "step": "15"},
		},
		"not a form": {
			raw:  post("/prometheus/api/v1/query", "application/json", "query=up"),
			sent: "query=up", want: map[string]any{"query": nil},
		},
		"broken escape": {
			raw:  post("/prometheus/api/v1/query", form, "query=%zz&start=1"),
			sent: "query=%zz&start=1", want: map[string]any{"query": "%zz", "start": "1"},
		},
		"what a terminal would act on": {
			raw:  post("/prometheus/api/v1/query", form, "query=%0a%1b[2J%7f%c2%9b%e2%80%ae%ff&start=%0d%0ax"),
			sent: "query=%0a%1b[2J%7f%c2%9b%e2%80%ae%ff&start=%0d%0ax",
			want: map[string]any{"query": "\n\x1b[2J" + `\u007f\u009b\u202e\xff`, "start": "\r\nx"},
		},
		"a write": {
			raw: post("/api/v1/push?query=up", form, "query=up"), sent: "query=up", want: map[string]any{"query": nil},
		},
	} {
		u.forget()
		g.lines.reset()
		if status := g.send(t, c.raw); status != 200 {
			t.Fatalf("%s: %d", name, status)
		}
		lines := ended(t, g, g.lines, isAccess)
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines", name, len(lines))
		}
		for key, want := range c.want {
			if fmt.Sprint(lines[0][key]) != fmt.Sprint(want) {
				t.Errorf("%s: %s is %q, want %q", name, key, lines[0][key], want)
			}
		}
		if got := u.requests()[0]; got.body != c.sent {
			t.Errorf("%s: the upstream got %d bytes, want the %d that were sent", name, len(got.body), len(c.sent))
		}
		if raw := g.lines.String(); strings.ContainsAny(strings.TrimSuffix(raw, "\n"), "\n\r\x1b\x7f\u009b\u202e") {
			t.Errorf("%s: a control character is in the log as it is: %q", name, raw)
		}
	}
	g.change(t, func(s *Settings) { s.Access.Query = false })
	g.lines.reset()
	g.send(t, query)
	if line := ended(t, g, g.lines, isAccess)[0]; line["query"] != nil {
		t.Errorf("query is logged though nobody asked: %v", line)
	}
}

func (l *lockedBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// get is a raw read of tenant-a.
func get(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: gw.test\r\nAuthorization: " + basicA + "\r\n\r\n"
}

// TestTheHealthPathIsNotInTheAccessLog, or it would hold little else.
func TestTheHealthPathIsNotInTheAccessLog(t *testing.T) {
	t.Parallel()
	g := startLogged(t, testRoutes(testPool(t, startRecorder(t, nil).addr), nil), nil)
	if status := g.send(t, "GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n"); status != http.StatusOK {
		t.Fatal(status)
	}
	if lines := ended(t, g, g.lines, isAccess); len(lines) != 0 {
		t.Errorf("%v", lines)
	}
}

// TestRefusalsAreAudited: who it was, or claimed to be, where from, and what was asked for.
func TestRefusalsAreAudited(t *testing.T) {
	t.Parallel()
	g := startLogged(t, testRoutes(testPool(t, startRecorder(t, nil).addr), nil), func(s *Settings) { s.Access = AccessLog{MaxPerSecond: 1} })
	// As of signed tokens without a sub, which all have the same client.
	if _, err := g.settings.Credentials.Replace("tokens", []authcache.Entry{{
		Identity: &authcache.Identity{Tenant: "tenant-a", Client: authcache.SafeClient(""), Scopes: authcache.Read},
		Scheme:   authcache.Bearer, Password: "canary-token-of-nobody", Where: "test",
	}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  string
		want map[string]any
	}{
		"wrong password": {
			strings.Replace(query, basicA+"\r\n", "Basic dGVuYW50LWE6d3Jvbmc=\r\nX-Scope-OrgID: tenant-b\r\n", 1),
			map[string]any{"reason": "unauthorized", "sender": "tenant-a", "tenant_asked": "tenant-b", "status": 401.0, "scheme": "Basic", "route": "/prometheus/*"},
		},
		"wrong token": {
			strings.Replace(query, basicA, "Bearer canary-token", 1),
			map[string]any{"reason": "unauthorized", "sender": "sha256:4b598de5", "scheme": "Bearer"},
		},
		"scope": {
			strings.Replace(push("x"), basicA, "Basic cmVhZGVyLWE6c2VjcmV0", 1),
			map[string]any{"reason": "scope_missing", "client": "reader-a", "tenant": "tenant-a", "status": 403.0, "route": "/api/v1/push"},
		},
		"scope of a token that names nobody": {
			strings.Replace(push("x"), basicA, "Bearer canary-token-of-nobody", 1),
			map[string]any{"reason": "scope_missing", "client": authcache.SafeClient(""), "sender": "sha256:f8a0a2f7", "status": 403.0},
		},
		"no route": {get("/nowhere"), map[string]any{"reason": "no_route", "client": "tenant-a", "path": "/nowhere", "route": nil}},
	} {
		g.lines.reset()
		g.send(t, c.raw)
		lines := ended(t, g, g.lines, isAudit)
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines", name, len(lines))
		}
		line := lines[0]
		if line["msg"] != "a request was refused" || line["address"] != "127.0.0.1" || len(line["request"].(string)) != 16 {
			t.Errorf("%s: %v", name, line)
		}
		for key, want := range c.want {
			if line[key] != want {
				t.Errorf("%s: %s is %v, want %v", name, key, line[key], want)
			}
		}
	}
	if text := g.lines.String() + g.log.String(); strings.Contains(text, "canary-token") {
		t.Error("a token is in the log")
	}
}

// TestChangesAreAudited: rules, silences and what operators do, whether it went well or not; not reads, and not pushes.
func TestChangesAreAudited(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, func(r *received) string {
		status := "202 Accepted"
		if strings.Contains(r.line, "broken") {
			status = "400 Bad Request"
		}
		return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n"
	})
	routes := append(testRoutes(testPool(t, u.addr), nil), Route{
		Path: "/ingester", Prefix: true, Scope: authcache.Operator,
	}, Route{Path: "/am/api/v2/silences", Scope: authcache.Alerts}, Route{Path: "/api/v1/alerts", Scope: authcache.Rules})
	for i := range routes {
		r := &routes[i]
		r.Upstream, r.Pool, r.Host, r.Component, r.Timeout = "test", routes[0].Pool, "cortex.test", "ruler", patience
	}
	g := startLogged(t, routes, func(s *Settings) {
		s.Credentials = authcache.New(authcache.Options{})
		t.Cleanup(s.Credentials.Close)
		_, err := s.Credentials.Replace("test", []authcache.Entry{{
			Identity: &authcache.Identity{Tenant: "tenant-a", Client: "operator-a", Scopes: authcache.Write | authcache.Read | authcache.Rules | authcache.Alerts | authcache.Operator},
			Scheme:   authcache.Basic, User: "tenant-a", Password: "secret", Where: "test",
		}})
		if err != nil {
			t.Fatal(err)
		}
	})
	with := func(method, path, body string) string {
		return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: gw\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", method, path, basicA, len(body), body)
	}
	for _, c := range []struct {
		method, path, body string
		status             float64 // of the line; 0: there is none
	}{
		{"GET", "/api/v1/alerts", "", 202},
		{"HEAD", "/api/v1/alerts", "", 202},
		{"POST", "/api/v1/alerts", "receivers", 202},
		{"POST", "/api/v1/rules/ns", "a rule", 202},
		{"DELETE", "/api/v1/rules/ns%2Fx/g", "", 202},
		{"POST", "/api/v1/rules/broken", "x", 400},
		{"GET", "/api/v1/rules", "", 0},
		{"POST", "/am/api/v2/silences", "{}", 202},
		{"GET", "/am/api/v2/silences", "", 0},
		{"GET", "/ingester/shutdown", "", 202},
		{"GET", "/ingester/%66lush", "", 202},
		{"GET", "/ingester/ring", "", 0},
		{"POST", "/ingester/ring", "forget=x", 202},
		{"POST", "/api/v1/push", "samples", 0},
		{"POST", "/prometheus/api/v1/query", "query=up", 0},
	} {
		g.changes.reset()
		g.send(t, with(c.method, c.path, c.body))
		lines := ended(t, g, g.changes, isAudit)
		if c.status == 0 {
			if len(lines) > 0 {
				t.Errorf("%s %s: %v", c.method, c.path, lines)
			}
			continue
		}
		if len(lines) != 1 {
			t.Errorf("%s %s: %d lines", c.method, c.path, len(lines))
			continue
		}
		text := "a change was passed on"
		if c.path == "/api/v1/alerts" && c.method != "POST" { // it holds the receivers' secrets
			text = "a read that needs scope rules was passed on"
		}
		for key, want := range map[string]any{
			"msg": text, "client": "operator-a", "tenant": "tenant-a", "method": c.method, "path": c.path,
			"status": c.status, "bytes": float64(len(c.body)), "address": "127.0.0.1",
		} {
			if lines[0][key] != want {
				t.Errorf("%s %s: %s is %v, want %v", c.method, c.path, key, lines[0][key], want)
			}
		}
		if id, _ := lines[0]["request"].(string); len(id) != 16 {
			t.Errorf("%s %s: request is %q", c.method, c.path, id)
		}
	}
	g.change(t, func(s *Settings) { s.Audit = false })
	g.changes.reset()
	g.lines.reset()
	g.send(t, with("POST", "/api/v1/rules/ns", "a rule"))
	g.send(t, with("GET", "/nowhere", ""))
	if n := len(ended(t, g, g.changes, isAudit)) + len(ended(t, g, g.lines, isAudit)); n != 0 {
		t.Errorf("%d lines of an audit log that is off", n)
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"up", "a\x00b", "\x7f", "é", "\u009b", "\u202e", "\xff\xfe", "\ufffd", "x\u2028y", "\U000e0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "text", shorten([]byte(s), 64))
		if err := json.Unmarshal(b.Bytes(), &map[string]any{}); err != nil {
			t.Fatal(err)
		}
		if strings.IndexFunc(strings.TrimSuffix(b.String(), "\n"), func(c rune) bool {
			return c < ' ' || c >= 0x7f && c < 0xa0 || c >= 0x202a && c <= 0x202e || c == '\u2028'
		}) >= 0 {
			t.Errorf("%q", b.String())
		}
		if ascii := strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) < 0; ascii && printable(s) != s {
			t.Errorf("%q became %q", s, printable(s))
		}
	})
}

// TestAFloodOfRefusalsIsBounded: in no second are there more lines of one reason than there may be.
func TestAFloodOfRefusalsIsBounded(t *testing.T) {
	t.Parallel()
	g := startLogged(t, testRoutes(testPool(t, startRecorder(t, nil).addr), nil), nil)
	for range 100 {
		g.send(t, strings.Replace(query, basicA, "Basic d3Jvbmc6d3Jvbmc=", 1))
	}
	bySecond := map[string]int{}
	for _, line := range ended(t, g, g.lines, isAudit) {
		if line["reason"] == "unauthorized" && line["msg"] == "a request was refused" {
			bySecond[line["time"].(string)[:len("2006-01-02T15:04:05")]]++
		}
	}
	for second, n := range bySecond {
		if n > 2*refusalsPerSecond { // a line may be written in the second after the one that it was counted in
			t.Errorf("%d lines at %s, want %d", n, second, refusalsPerSecond)
		}
	}
	if len(bySecond) == 0 {
		t.Error("there are no lines at all")
	}
}
