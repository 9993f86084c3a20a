package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// provider is an OpenID provider with one key at a time, which can be ill in several ways.
type provider struct {
	server *httptest.Server

	mu   sync.Mutex
	id   string
	key  *ecdsa.PrivateKey
	ill  func(w http.ResponseWriter) // nil: it is well
	hold chan struct{}               // not nil: answers wait until it is closed
	hits int
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	return newProviderOn(t, httptest.NewServer)
}

func newProviderOn(t *testing.T, serve func(http.Handler) *httptest.Server) *provider {
	t.Helper()
	p := &provider{}
	p.rotate(t, "first")
	p.server = serve(p)
	t.Cleanup(p.server.Close)
	return p
}

// rotate makes another key the only one.
func (p *provider) rotate(t *testing.T, id string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id, p.key = id, key
}

// fail makes the provider ill, nil makes it well again.
func (p *provider) fail(ill func(w http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ill = ill
}

// slow makes answers wait until the function that it returns is called.
func (p *provider) slow() (release func()) {
	hold := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hold = nil
		close(hold)
	}
}

func (p *provider) fetched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits
}

// jwks is the key set of the moment.
func (p *provider) jwks() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	public, err := p.key.PublicKey.ECDH()
	if err != nil {
		panic(err)
	}
	point := public.Bytes()[1:] // x and y behind a byte of form
	coordinate := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	text, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "use": "sig", "kid": p.id, "x": coordinate(point[:32]), "y": coordinate(point[32:]),
	}}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	ill, hold := p.ill, p.hold
	if r.URL.Path == "/keys" {
		p.hits++
	}
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case ill != nil:
		ill(w)
	case r.URL.Path == "/keys":
		_, _ = io.WriteString(w, p.jwks())
	case r.URL.Path == "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer": %q, "jwks_uri": %q}`, p.server.URL, p.server.URL+"/keys")
	default:
		http.NotFound(w, r)
	}
}

// token is a token of a tenant, signed with the key of the moment.
func (p *provider) token(t *testing.T, tenant string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"tenant_id": tenant, "sub": "prometheus", "iss": p.server.URL, "exp": time.Now().Add(time.Hour).Unix(), "jti": tenant + "-" + p.id,
	})
	token.Header["kid"] = p.id
	text, err := token.SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tokenStatus is what a push with this token gets.
func (g *folderGate) tokenStatus(t *testing.T, token string) int {
	t.Helper()
	return request{method: "POST", url: g.url("/api/v1/push"), token: token, body: "samples"}.must(t, g.client).status
}

func (g *folderGate) tokenBecomes(t *testing.T, token string, status int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the token gets %d", status), func() bool { return g.tokenStatus(t, token) == status })
}

// startTokens is a gateway with this [auth.jwt].
func startTokens(t *testing.T, table string) *folderGate {
	t.Helper()
	g := &folderGate{client: newClient(t)}
	g.running = start(t, gate(everything(newUpstream(t).URL)+"[auth.jwt]\n"+table+tenant("team-s", "steady", "secret")))
	return g
}

// Keys of a provider: not there yet, there, replaced, away, garbage. Nobody who has a good token is refused for good.
func TestKeysOfAProvider(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(http.Handler) *httptest.Server
		table func(p *provider) string
	}{
		"by address": {httptest.NewServer, func(p *provider) string {
			return fmt.Sprintf("jwks_url = %q\njwks_refresh_interval = \"1s\"\n", p.server.URL+"/keys")
		}},
		"by discovery": {httptest.NewServer, func(p *provider) string {
			return fmt.Sprintf("issuer = %q\njwks_refresh_interval = \"1s\"\n", p.server.URL)
		}},
		"of a further issuer": {httptest.NewServer, func(p *provider) string {
			return fmt.Sprintf("[[auth.jwt.issuers]]\nissuer = %q\njwks_refresh_interval = \"1s\"\n", p.server.URL)
		}},
		"with a certificate of its own authority": {httptest.NewTLSServer, func(p *provider) string {
			path := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("issuer = %q\njwks_ca_file = %q\njwks_refresh_interval = \"1s\"\n", p.server.URL, path)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProviderOn(t, c.serve)
			release := p.slow()
			g := startTokens(t, c.table(p))
			first := p.token(t, "team-a")
			if g.tokenStatus(t, first) != 503 || g.status(t, "steady", "secret") != 200 {
				t.Error("a token is refused for good before there are keys, or a password has to wait for them")
			}
			for _, path := range []string{"/prometheus/api/v1/query", "/api/v1/rules", "/ring"} {
				for who, ask := range map[string]struct {
					request
					status int
					reason string
				}{
					"the token":      {request{token: first}, 503, "authentication_busy"},
					"somebody":       {request{user: "steady", password: "wrong"}, 401, "credentials_unready"},
					"another secret": {request{token: "not-a-signed-one"}, 401, "credentials_unready"},
				} {
					ask.method, ask.url = "GET", g.url(path)
					if a := ask.must(t, g.client); a.status != ask.status || a.header.Get("X-Headgate-Reason") != ask.reason {
						t.Errorf("%s gets %d %s for %s before there are keys", who, a.status, a.body, path)
					}
				}
			}
			if text := g.ready(t); !strings.Contains(text, "source "+p.server.URL) {
				t.Errorf("/ready says %s", text)
			}
			release()
			g.tokenBecomes(t, first, 200)
			if g.tokenStatus(t, first+"x") != 401 {
				t.Error("a token with a broken signature is not refused")
			}

			p.rotate(t, "second")
			second := p.token(t, "team-a")
			g.tokenBecomes(t, second, 200)
			g.tokenBecomes(t, first, 401)

			for what, ill := range map[string]func(w http.ResponseWriter){
				"away":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) },
				"garbage": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{\"keys\": [{\"kty\": ") },
				"no key":  func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{\"keys\": []}") },
				"cut":     func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
				"endless": func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(rand.Reader, 3<<20)) },
			} {
				p.fail(ill)
				g.tokenBecomes(t, first, 503) // it may be of a key that is new
				if g.tokenStatus(t, second) != 200 || !strings.Contains(g.ready(t), "source "+p.server.URL) {
					t.Errorf("the provider is %s, and the last keys are gone, or /ready is silent: %s", what, g.ready(t))
				}
				const problem, good = "keys of tokens in error, those in use stay", "keys of tokens are good again"
				told := strings.Count(g.log.String(), good)
				if log := g.log.String(); !strings.Contains(log[strings.LastIndex(log, good)+1:], problem+`","problem":"`+p.server.URL) {
					t.Errorf("the provider is %s, and the log does not say so", what)
				}
				p.fail(nil)
				g.tokenBecomes(t, first, 401)
				eventually(t, "the log says that it is good again", func() bool { return strings.Count(g.log.String(), good) > told })
			}
		})
	}
}

// A key set in a file, and the other things that change while the program runs.
func TestKeysOfAFile(t *testing.T) {
	p := newProvider(t)
	dir := t.TempDir()
	keys, revoked := filepath.Join(dir, "keys.json"), filepath.Join(dir, "revoked")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(revoked, "")
	g := startTokens(t, fmt.Sprintf("jwks_file = %q\nrevoked_ids_file = %q\n", keys, revoked))
	token := p.token(t, "team-a")
	if g.tokenStatus(t, token) != 503 {
		t.Error("a token is refused for good before its keys are there")
	}
	write(keys, p.jwks())
	g.tokenBecomes(t, token, 200)
	stop := g.pushing(t, "steady", "secret")

	write(keys, p.jwks()[:40])
	g.tokenBecomes(t, token+"x", 503)
	if g.tokenStatus(t, token) != 200 || !strings.Contains(g.ready(t), "source "+keys) {
		t.Errorf("half of a file took the keys away, or /ready is silent: %s", g.ready(t))
	}
	p.rotate(t, "second")
	write(keys, p.jwks())
	g.tokenBecomes(t, token, 401)
	second := p.token(t, "team-b")
	g.tokenBecomes(t, second, 200)

	write(revoked, "# taken back\nteam-b-second\n")
	g.tokenBecomes(t, second, 401)
	write(revoked, "")
	g.tokenBecomes(t, second, 200)

	// A list that is away is not an empty list.
	write(revoked, "team-b-second\n")
	g.tokenBecomes(t, second, 401)
	if err := os.Remove(revoked); err != nil {
		t.Fatal(err)
	}
	eventually(t, "/ready says so", func() bool { return strings.Contains(g.ready(t), "revoked_ids_file") })
	if status := g.tokenStatus(t, second); status == 200 {
		t.Error("a token that was taken back is good again because nobody can read the list")
	}
	stop()
}

// checks is how many signatures and passwords were checked so far.
func (g *folderGate) checks(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines((request{method: "GET", url: g.adminURL("/metrics")}).must(t, g.client).body) {
		if strings.HasPrefix(line, "headgate_auth_verify_seconds_count ") {
			return line
		}
	}
	t.Fatal("no metric tells")
	return ""
}

// A token that was verified is not verified again because of a reload, unless the reload is about its issuer or its key.
func TestVerifiedTokensOutliveReloads(t *testing.T) {
	key := "secret = \"" + tokenSecret + "\"\n"
	g := startTokens(t, key)
	token := signedToken(t, "team-a")
	if g.tokenStatus(t, token) != 200 {
		t.Fatal("the token is not taken")
	}
	before := g.checks(t)
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.write(string(text) + tenant("team-n", "new", "one"))
	if problems := g.Reload(); problems != nil || g.tokenStatus(t, token) != 200 || g.checks(t) != before {
		t.Errorf("after a reload about others: %v, checks %s, before %s", problems, g.checks(t), before)
	}
	// Another first secret, another issuer, another token taken back: the old secret is still there, and so is what it
	// verified.
	revoked := filepath.Join(t.TempDir(), "revoked")
	if err := os.WriteFile(revoked, []byte("other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, tokens := range map[string]string{
		"a new secret":   "secret = \"another-secret-0123456789abcdef-0123\"\nsecrets = [\"" + tokenSecret + "\"]\n",
		"an issuer":      key + "[[auth.jwt.issuers]]\nissuer = \"https://login.example\"\nsecret = \"another-secret-0123456789abcdef-0123\"\n",
		"a list":         key + fmt.Sprintf("revoked_ids_file = %q\n", revoked),
		"what was there": key,
	} {
		g.write(strings.Replace(string(text), key, tokens, 1))
		if problems := g.Reload(); problems != nil || g.tokenStatus(t, token) != 200 || g.checks(t) != before {
			t.Errorf("%s: %v, checks %s, before %s", what, problems, g.checks(t), before)
		}
	}
	// Versions take back the tokens of one tenant, and then all.
	g.write(strings.Replace(string(text), key, key+"tenant_min_version = { \"team-a\" = 1 }\n", 1))
	if problems := g.Reload(); problems != nil || g.tokenStatus(t, token) != 401 || g.tokenStatus(t, signedToken(t, "team-b")) != 200 {
		t.Error("tenant_min_version takes back other tokens than those of the tenant: ", problems)
	}
	g.write(strings.Replace(string(text), key, key+"min_version = 1\n", 1))
	if problems := g.Reload(); problems != nil || g.tokenStatus(t, signedToken(t, "team-b")) != 401 {
		t.Error("min_version takes nothing back: ", problems)
	}
	g.write(strings.Replace(string(text), key, "", 1))
	if problems := g.Reload(); problems != nil || g.tokenStatus(t, token) != 401 {
		t.Error("tokens are taken without [auth.jwt]: ", problems)
	}
}

// A reload about other things keeps the keys of a provider, and does not fetch them again.
func TestKeysOutliveReloads(t *testing.T) {
	p := newProvider(t)
	table := fmt.Sprintf("jwks_url = %q\n", p.server.URL+"/keys")
	g := startTokens(t, table)
	token := p.token(t, "team-a")
	g.tokenBecomes(t, token, 200)
	fetched := p.fetched()
	p.fail(func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"", "audience = \"\"\n", "leeway = \"20s\"\n", "jwks_refresh_interval = \"1m\"\n"} {
		g.write(strings.Replace(string(text), table, table+change, 1))
		if problems := g.Reload(); problems != nil || g.tokenStatus(t, token) != 200 {
			t.Errorf("after a reload with %q the token is refused: %v", change, problems)
		}
		if change != "jwks_refresh_interval = \"1m\"\n" && p.fetched() != fetched {
			t.Errorf("a reload with %q fetched the keys again", change)
		}
	}
}
