package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// echoIdentity is an upstream that answers with the tenants and the clients of what it gets.
func echoIdentity(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, "%q %q", r.Header.Values("X-Scope-OrgID"), r.Header.Values("X-Scope-ClientID"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// identified is what echoIdentity says of one tenant and one client.
func identified(tenant, client string) string { return fmt.Sprintf("[%q] [%q]", tenant, client) }

// push sends a push with these header lines, and returns the status and the body.
func pushWith(t *testing.T, client *http.Client, url string, lines ...string) (int, string) {
	t.Helper()
	return sendWith(t, client, "POST", url+"/api/v1/push", lines...)
}

func sendWith(t *testing.T, client *http.Client, method, url string, lines ...string) (int, string) {
	t.Helper()
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader("x")
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	response, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// TestEveryWayToAuthenticate configures all of them together, and shows each over TLS to the program.
func TestEveryWayToAuthenticate(t *testing.T) {
	files := newCertified(t)
	sum := sha256.Sum256([]byte("generated-secret-0001"))
	digits := hex.EncodeToString(sum[:])
	files.put("token", []byte("token-in-a-file-0001\n"))
	files.put("password", []byte("password-in-a-file\n"))
	all := fmt.Sprintf(`
[auth]
realm = "metrics"
[[tenants]]
id = "t-plain"
username = "plain"
password = "one"
[[tenants]]
id = "t-file"
username = "file"
password_file = %q
[[tenants]]
id = "t-hash"
username = "hash"
password_hash = "$2a$04$xHTrmMMJUy4T7.njmTHHieWdYqUKqWBbliLY.6rloOcibjMmtYCvy"
[[tenants]]
id = "t-sum"
username = "sum"
password_sha256 = %q
[[tenants]]
id = "t-token"
name = "collector"
token = "plain-token-0001"
[[tenants]]
id = "t-token"
token_file = %q
[[tenants]]
id = "t-digits"
token_sha256 = %q
[[tenants]]
id = "t-cn"
common_name = "agent"
[[tenants]]
id = "t-san"
name = "by-san"
san = "dns:edge.example"
[[tenants]]
id = "t-inside"
name = "inside"
authentication = "none"
allow_from = ["192.0.2.0/24"]
`, files.path("password"), digits, files.path("token"), digits)
	r := start(t, withTLS(files.table(fmt.Sprintf("client_auth = \"optional\"\nclient_ca_file = %q", files.path("ca.pem"))), everything(echoIdentity(t))+all))
	url := "https://" + r.Addrs()[0].String()
	basic := func(user, password string) string {
		req := &http.Request{Header: http.Header{}}
		req.SetBasicAuth(user, password)
		return "Authorization: " + req.Header.Get("Authorization")
	}
	fileSum := sha256.Sum256([]byte("token-in-a-file-0001"))
	agent, edge, stranger := files.Pair(t, "agent", 7), files.Pair(t, "edge.example", 8), files.Pair(t, "stranger", 9)
	for _, c := range []struct {
		name string
		with []tls.Certificate
		line string
		want string // "": 401
	}{
		{"password", nil, basic("plain", "one"), identified("t-plain", "plain")},
		{"password in a file", nil, basic("file", "password-in-a-file"), identified("t-file", "file")},
		{"hashed password", nil, basic("hash", "secret"), identified("t-hash", "hash")},
		{"generated password", nil, basic("sum", "generated-secret-0001"), identified("t-sum", "sum")},
		{"wrong password", nil, basic("plain", "two"), ""},
		{"token", nil, "Authorization: Bearer plain-token-0001", identified("t-token", "collector")},
		{"token in a file", nil, "Authorization: Bearer token-in-a-file-0001", identified("t-token", "t-token/"+hex.EncodeToString(fileSum[:4]))},
		{"token known by its sum", nil, "Authorization: Bearer generated-secret-0001", identified("t-digits", "t-digits/"+digits[:8])},
		{"the sum for the token", nil, "Authorization: Bearer " + digits, ""},
		{"a token for a password", nil, basic("plain", "plain-token-0001"), ""},
		{"certificate by its common name", []tls.Certificate{agent}, "", identified("t-cn", "agent")},
		{"certificate by its DNS name", []tls.Certificate{edge}, "", identified("t-san", "by-san")},
		{"certificate of nobody", []tls.Certificate{stranger}, "", ""},
		{"certificate beside a password", []tls.Certificate{agent}, basic("plain", "one"), identified("t-plain", "plain")},
		{"certificate beside a wrong password", []tls.Certificate{agent}, basic("plain", "two"), ""},
		{"certificate of nobody beside a token", []tls.Certificate{stranger}, "Authorization: Bearer plain-token-0001", identified("t-token", "collector")},
		{"nothing", nil, "", ""},
		{"nothing, saying to be inside", nil, "X-Forwarded-For: 192.0.2.7", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := files.client(c.with...)
			defer client.CloseIdleConnections()
			var lines []string
			if c.line != "" {
				lines = append(lines, c.line)
			}
			for range 2 { // the second time from memory
				status, body := pushWith(t, client, url, lines...)
				if c.want == "" && (status != 401 || !strings.Contains(body, "headgate: unauthorized")) || c.want != "" && (status != 200 || body != c.want) {
					t.Errorf("%d %s, want %s", status, body, c.want)
				}
			}
		})
	}
	a := request{method: "POST", url: url + "/api/v1/push", body: "x"}.must(t, files.client())
	if got := fmt.Sprint(a.header.Values("WWW-Authenticate")); got != `[Basic realm="metrics", charset="UTF-8" Bearer realm="metrics"]` {
		t.Errorf("the challenges are %s", got)
	}
}

// TestOpenAddressesBehindAProxy: who needs no credential is told by the PROXY header of somebody trusted, not by a client.
func TestOpenAddressesBehindAProxy(t *testing.T) {
	toml := `
[[tenants]]
id = "moving-in"
authentication = "none"
allow_from = ["192.0.2.0/24"]
`
	gateway := strings.Replace(gate(everything(echoIdentity(t))+toml), "[admin]",
		"proxy_protocol = true\ntrusted_proxies = [\"127.0.0.1\"]\n[admin]", 1)
	r := start(t, gateway)
	address := r.Addrs()[0].String()
	push := func(lines string) string {
		return "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\n" + lines + "Content-Length: 1\r\n\r\nx"
	}
	for _, c := range []struct {
		name, header, lines string
		status              int
	}{
		{"inside", "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n", "", 200},
		{"outside", "PROXY TCP4 198.51.100.7 192.0.2.1 4711 80\r\n", "", 401},
		{"outside, saying otherwise", "PROXY TCP4 198.51.100.7 192.0.2.1 4711 80\r\n", "X-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n", 401},
		{"the trusted address, which the proxy says it is not", "PROXY TCP4 198.51.100.7 192.0.2.1 4711 80\r\n", "X-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, body := exchange(t, address, c.header+push(c.lines)); status != c.status || status == 200 && body != identified("moving-in", "moving-in") {
				t.Errorf("%d %s, want %d", status, body, c.status)
			}
		})
	}
}

// TestTenantsAreNamedThroughTheProgram: the lists, the cluster's federation and the check of the header, as configured.
func TestTenantsAreNamedThroughTheProgram(t *testing.T) {
	toml := func(check string) string {
		return gate(everything(echoIdentity(t)) + `
[cortex.tenant_federation]
enabled = true
max_tenant = 2
[auth]
tenant_header = "` + check + `"
denied_write_status = 503
[[tenants]]
id = "a"
username = "grafana"
password = "one"
read_tenants = ["a", "b", "c"]
read_default = ["a", "b"]
write_tenants = ["d"]
[[tenants]]
id = "e"
username = "plain"
password = "one"
`)
	}
	r := start(t, toml("ignore"))
	client := newClient(t)
	ask := func(method, path, user, tenant string) (int, string) {
		a := request{method: method, url: r.url(path), user: user, password: "one", tenant: tenant}.must(t, client)
		return a.status, a.body
	}
	check := func(method, path, user, tenant string, status int, says string) {
		t.Helper()
		if got, body := ask(method, path, user, tenant); got != status || !strings.Contains(body, says) {
			t.Errorf("%s %s of %s for %q: %d %s, want %d %s", method, path, user, tenant, got, body, status, says)
		}
	}
	const query, rules, push = "/prometheus/api/v1/query", "/api/v1/rules/ns", "/api/v1/push"
	check("GET", query, "grafana", "", 200, `["a|b"]`)
	check("GET", query, "grafana", "c|b", 200, `["b|c"]`)
	check("GET", query, "grafana", "a|b|c", 400, "tenant_malformed")
	check("GET", query, "grafana", "d", 403, `"d"`)
	check("POST", push, "grafana", "d", 200, `["d"]`)
	check("POST", push, "grafana", "", 200, `["a"]`)
	check("POST", push, "grafana", "b", 503, "tenant_denied")
	check("POST", push, "plain", "b", 200, `["e"]`)
	check("POST", rules, "plain", "b", 200, `["e"]`)
	check("POST", rules, "grafana", "b", 403, "tenant_denied")

	r.write(toml("check"))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	check("POST", push, "plain", "b", 200, `["e"]`)
	check("POST", rules, "plain", "b", 403, "tenant_denied")
	check("POST", rules, "plain", "e", 200, `["e"]`)
}
