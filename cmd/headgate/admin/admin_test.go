package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// program is a Program of fixed answers.
type program struct {
	access   Access
	draining bool
	problems []string
	reloads  int
	accepted int
	status   Status
}

func (p *program) Access() Access { return p.access }
func (p *program) Ready() (bool, string) {
	if p.draining {
		return false, "draining\n"
	}
	return true, "ready\n"
}
func (p *program) Status() Status { return p.status }
func (p *program) Credentials(q CredentialQuery) Credentials {
	return Credentials{Total: 7, Shown: []Credential{{Tenant: q.Text, Client: fmt.Sprint("page ", q.Page)}}}
}
func (p *program) Config() []byte           { return []byte("[auth]\nrealm = \"headgate\"\n") }
func (p *program) WriteMetrics(w io.Writer) { _, _ = fmt.Fprintln(w, "headgate_up 1") }
func (p *program) AcceptRemovals()          { p.accepted++ }
func (p *program) Reload() []string         { p.reloads++; return p.problems }

func newProgram() *program {
	return &program{access: Access{
		Host:    "gate.example",
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	}}
}

// request is one row's request, from a trusted peer unless it says otherwise.
type request struct {
	method, path, host, peer string
	header                   []string // name, value, …
}

func (r request) serve(t *testing.T, p Program) *http.Response {
	t.Helper()
	in := httptest.NewRequest(r.method, r.path, nil)
	in.Host = "127.0.0.1:8081"
	if r.host != "" {
		in.Host = r.host
	}
	in.RemoteAddr = "127.0.0.1:40000"
	if r.peer != "" {
		in.RemoteAddr = r.peer
	}
	for pair := range slices.Chunk(r.header, 2) {
		in.Header.Set(pair[0], pair[1])
	}
	out := httptest.NewRecorder()
	Handler(p).ServeHTTP(out, in)
	return out.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEndpointsAnswerByWhoAsks(t *testing.T) {
	const stranger = "192.0.2.7:40000"
	for _, tc := range []struct {
		request
		status int
		want   string // part of the body
	}{
		{request{method: "GET", path: "/metrics"}, 200, "headgate_up 1"},
		{request{method: "HEAD", path: "/metrics"}, 200, ""},
		{request{method: "GET", path: "/ready"}, 200, "ready"},
		{request{method: "GET", path: "/-/ready"}, 200, "ready"},
		{request{method: "GET", path: "/healthy"}, 200, "alive"},
		{request{method: "GET", path: "/-/healthy"}, 200, "alive"},
		{request{method: "GET", path: "/status"}, 200, `"restart_required"`},
		{request{method: "GET", path: "/status?credentials=team-a&page=3"}, 200, "\"tenant\": \"team-a\",\n        \"client\": \"page 3\""},
		{request{method: "GET", path: "/status?credentials="}, 200, "\"tenant\": \"\",\n        \"client\": \"page 1\""},
		{request{method: "GET", path: "/status?page=0"}, 400, "page is no number"},
		{request{method: "GET", path: "/status?page=x"}, 400, "page is no number"},
		{request{method: "GET", path: "/"}, 200, "<h1>headgate</h1>"},
		{request{method: "GET", path: "/config"}, 200, `realm = "headgate"`},
		{request{method: "POST", path: "/reload"}, 200, "reloaded"},
		{request{method: "POST", path: "/-/reload"}, 200, "reloaded"},
		{request{method: "POST", path: "/reload", header: []string{"Accept", "text/html,*/*;q=0.8"}}, 303, "reloaded"},
		{request{method: "GET", path: "/page.css"}, 200, "color-scheme"},
		{request{method: "GET", path: "/page.js"}, 200, "refresh"},
		{request{method: "GET", path: "/icon.svg"}, 200, "<svg"},
		{request{method: "GET", path: "/favicon.ico"}, 200, "<svg"},
		{request{method: "GET", path: "/debug/pprof/"}, 200, "goroutine"},
		{request{method: "GET", path: "/debug/pprof/cmdline"}, 200, "admin.test"},
		{request{method: "GET", path: "/debug/pprof/goroutine?debug=1"}, 200, "goroutine profile"},
		{request{method: "GET", path: "/debug/pprof/heap"}, 200, ""},
		{request{method: "GET", path: "/debug/pprof/symbol"}, 200, "num_symbols"},
		{request{method: "POST", path: "/debug/pprof/symbol"}, 200, "num_symbols"},
		{request{method: "GET", path: "/debug/pprof/trace?seconds=0.01"}, 200, ""},
		{request{method: "GET", path: "/debug/pprof/profile?seconds=1"}, 200, ""},

		// Strangers read what Prometheus and a balancer need, and nothing else.
		{request{method: "GET", path: "/metrics", peer: stranger}, 200, "headgate_up"},
		{request{method: "GET", path: "/ready", peer: stranger}, 200, "ready"},
		{request{method: "GET", path: "/healthy", peer: stranger}, 200, "alive"},
		{request{method: "GET", path: "/status", peer: stranger}, 200, "{"},
		{request{method: "GET", path: "/", peer: stranger}, 200, "<h1>"},
		{request{method: "GET", path: "/config", peer: stranger}, 403, "headgate: not_trusted: "},
		{request{method: "POST", path: "/reload", peer: stranger}, 403, "not_trusted"},
		{request{method: "POST", path: "/-/reload", peer: stranger}, 403, "not_trusted"},
		{request{method: "GET", path: "/debug/pprof/heap", peer: stranger}, 403, "not_trusted"},
		{request{method: "GET", path: "/config", peer: "[::ffff:127.0.0.1]:1"}, 200, "realm"}, // IPv4 seen by a dual socket
		{request{method: "GET", path: "/config", peer: "[::1]:1"}, 200, "realm"},
		{request{method: "GET", path: "/config", peer: "@"}, 200, "realm"}, // a unix socket
		{request{method: "GET", path: "/config", peer: "garbage"}, 403, "not_trusted"},

		// Any name but its own is somebody else's machine, or a page that rebound its name.
		{request{method: "GET", path: "/metrics", host: "evil.example"}, 421, "headgate: misdirected: "},
		{request{method: "GET", path: "/metrics", host: "127.0.0.1.evil.example:8081"}, 421, "misdirected"},
		{request{method: "GET", path: "/metrics", host: "localhost.evil.example"}, 421, "misdirected"},
		{request{method: "POST", path: "/reload", host: "evil.example:8081"}, 421, "misdirected"},
		{request{method: "GET", path: "/metrics", host: "localhost"}, 200, ""},
		{request{method: "GET", path: "/metrics", host: "LocalHost:8081"}, 200, ""},
		{request{method: "GET", path: "/metrics", host: "gate.example:8081"}, 200, ""},
		{request{method: "GET", path: "/metrics", host: "[::1]:8081"}, 200, ""},
		{request{method: "GET", path: "/metrics", host: "[fe80::1]"}, 200, ""},
		{request{method: "GET", path: "/metrics", host: "10.0.0.7"}, 200, ""},

		// A browser may be made to send these from anywhere.
		{request{method: "POST", path: "/reload", header: []string{"Sec-Fetch-Site", "cross-site"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Sec-Fetch-Site", "same-site"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", "http://evil.example"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", "null"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Sec-Fetch-Site", "same-origin"}}, 200, "reloaded"},
		{request{method: "POST", path: "/reload", header: []string{"Sec-Fetch-Site", "none"}}, 200, "reloaded"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", "http://127.0.0.1:8081"}}, 200, "reloaded"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", "http://127.0.0.1:8081", "Sec-Fetch-Site", "cross-site"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "none"}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Origin", ""}}, 403, "cross_site"},
		{request{method: "POST", path: "/reload", header: []string{"Sec-Fetch-Site", ""}}, 403, "cross_site"},
		{request{method: "DELETE", path: "/metrics", header: []string{"Origin", "http://evil.example"}}, 403, "cross_site"},
		{request{method: "GET", path: "/metrics", header: []string{"Sec-Fetch-Site", "cross-site"}}, 200, ""},

		{request{method: "GET", path: "/reload"}, 405, ""},
		{request{method: "POST", path: "/config"}, 405, ""},
		{request{method: "DELETE", path: "/metrics"}, 405, ""},
		{request{method: "GET", path: "/nothing"}, 404, ""},
	} {
		t.Run(fmt.Sprintf("%s %s %s %s %v", tc.method, tc.path, tc.host, tc.peer, tc.header), func(t *testing.T) {
			response := tc.serve(t, newProgram())
			if got := body(t, response); response.StatusCode != tc.status || !strings.Contains(got, tc.want) {
				t.Errorf("answered %d %q, want %d with %q in it", response.StatusCode, got, tc.status, tc.want)
			}
		})
	}
}

func TestReadyIs503WhileDraining(t *testing.T) {
	p := newProgram()
	p.draining = true
	for _, path := range []string{"/ready", "/-/ready"} {
		response := request{method: "GET", path: path}.serve(t, p)
		if got := body(t, response); response.StatusCode != 503 || got != "draining\n" {
			t.Errorf("%s: %d %q", path, response.StatusCode, got)
		}
	}
	if response := (request{method: "GET", path: "/healthy"}).serve(t, p); response.StatusCode != 200 {
		t.Errorf("/healthy while draining: %d", response.StatusCode)
	}
}

func TestRefusedReloadNamesEveryProblem(t *testing.T) {
	p := newProgram()
	p.problems = []string{"error: server.listn: unknown key", "error: auth.realm: wants a string"}
	response := request{method: "POST", path: "/reload"}.serve(t, p)
	got := body(t, response)
	if response.StatusCode != 500 {
		t.Errorf("status %d, want 500", response.StatusCode)
	}
	for _, problem := range p.problems {
		if !strings.Contains(got, problem) {
			t.Errorf("the answer does not name %q:\n%s", problem, got)
		}
	}
}

// TestARefusedReloadByTheButtonLeadsBackToThePage, which shows the problems; what it does not show is answered.
func TestARefusedReloadByTheButtonLeadsBackToThePage(t *testing.T) {
	p := newProgram()
	p.problems = []string{"error: server.listn: unknown key"}
	button := request{method: "POST", path: "/reload", header: []string{"Accept", "text/html,*/*;q=0.8"}}
	if response := button.serve(t, p); response.StatusCode != 500 || !strings.Contains(body(t, response), p.problems[0]) {
		t.Errorf("with a problem that the page does not show: %d", response.StatusCode)
	}
	p.status.Config.LastReload.Problems = p.problems
	if response := button.serve(t, p); response.StatusCode != 303 || response.Header.Get("Location") != "." {
		t.Errorf("with one that it shows: %d, to %q", response.StatusCode, response.Header.Get("Location"))
	}
}

func TestNothingRefusedReachesTheProgram(t *testing.T) {
	p := newProgram()
	for _, r := range []request{
		{method: "POST", path: "/reload", host: "evil.example"},
		{method: "POST", path: "/reload", peer: "192.0.2.7:1"},
		{method: "POST", path: "/reload", header: []string{"Origin", "https://evil.example"}},
		{method: "GET", path: "/reload"},
	} {
		r.serve(t, p)
	}
	if p.reloads != 0 {
		t.Errorf("%d reloads were let through", p.reloads)
	}
}

func TestStatusIsJSONAndThePageShowsIt(t *testing.T) {
	p := newProgram()
	p.status = Status{
		Version: "v1.2.3", State: "running", Listen: []string{"127.0.0.1:8080"}, UptimeSeconds: 61,
		Config: Config{
			Path: "/etc/headgate/<b>.toml", SHA256: "abc", RestartRequired: []string{"server.idle_timeout"},
			LastReload: Reload{Time: time.Unix(0, 0), Problems: []string{"error: x"}},
		},
		Upstreams: []Upstream{
			{Name: "distributor", Resolved: true, Hosts: []Host{{Address: "10.0.0.1:9009", Available: true, InFlight: 3}}},
			{Name: "ruler"},
		},
		Routes: []Route{{Path: "/api/v1/push", Methods: []string{"POST"}, Scope: "write", Upstream: "distributor", Timeout: "25s"}},
	}
	var back Status
	if err := json.Unmarshal([]byte(body(t, request{method: "GET", path: "/status"}.serve(t, p))), &back); err != nil {
		t.Fatal(err)
	}
	if back.Version != "v1.2.3" || back.Upstreams[0].Hosts[0].InFlight != 3 || back.Config.RestartRequired[0] != "server.idle_timeout" {
		t.Errorf("/status came back as %+v", back)
	}

	response := request{method: "GET", path: "/"}.serve(t, p)
	if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the page's policy is %q", policy)
	}
	page := strings.ReplaceAll(body(t, response), "<wbr>", "")
	for _, want := range []string{"v1.2.3", "1m 1s", "server.idle_timeout", "10.0.0.1:9009", "not resolved yet", "/api/v1/push", "refused", "&lt;b&gt;.toml", `action="reload"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	p.status.Sources = []Source{{Name: "htpasswd", Held: []string{"alice"}}}
	if !strings.Contains(body(t, request{method: "GET", path: "/"}.serve(t, p)), `action="reload?accept_removals=true"`) {
		t.Error("the page has no button for what is held")
	}
	if strings.Contains(body(t, request{method: "GET", path: "/", peer: "192.0.2.7:1"}.serve(t, p)), "action=\"reload") {
		t.Error("a stranger's page has the reload button")
	}
}
