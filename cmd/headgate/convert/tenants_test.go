package convert

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// authGatewayWith is a file of auth-gateway with these tenants.
func authGatewayWith(tenants string) []byte {
	return []byte("server:\n  port: 8080\ndistributor:\n  url: http://distributor\ntenants:\n" + tenants)
}

// Who could not get in, and whom headgate cannot tell apart, is said and left out; the rest is as it was.
func TestTenantsThatCannotBeCarriedOverAreSaid(t *testing.T) {
	for name, c := range map[string]struct {
		tenants string
		says    string
		clients []string // "user id" of what is there
	}{
		"no password":      {"- {authentication: basic, username: a, id: x}", `user "a" is left out: without a user name or without a password`, nil},
		"no user name":     {"- {authentication: basic, password: a, id: x}", `user "" is left out: without a user name`, nil},
		"no id":            {"- {authentication: basic, username: a, password: p}", "it has no tenant id", nil},
		"an invalid id":    {"- {authentication: basic, username: a, password: p, id: a/b}", "Cortex refuses its tenant id", nil},
		"another method":   {"- {authentication: bearer, username: a, password: p, id: x}", `authentication is "bearer", which auth-gateway ignored`, nil},
		"a colon":          {"- {authentication: basic, username: 'a:b', password: p, id: x}", `no client can send a user name with ":"`, nil},
		"a line break":     {"- {authentication: basic, username: a, password: \"p\\nq\", id: x}", "no client can send the control character", nil},
		"the same twice":   {"- &a {authentication: basic, username: a, password: p, id: x}\n- *a", `user "a" is there twice`, []string{"a x"}},
		"two passwords":    {"- {authentication: basic, username: a, password: p, id: x}\n- {authentication: basic, username: a, password: q, id: x}", "", []string{"a x", "a x"}},
		"two tenants":      {"- {authentication: basic, username: a, password: p, id: x}\n- {authentication: basic, username: a, password: q, id: y}", "line 6 has that user name for another tenant", []string{"a x"}},
		"a number":         {"- {authentication: basic, username: 1, password: 0x10, id: 007}", "", []string{"1 007"}},
		"a merged default": {"- {<<: {authentication: basic, id: x}, username: a, password: p}", "", []string{"a x"}},
		"merged defaults": {
			"- &a {authentication: basic, username: a, password: p, id: x}\n- &b {authentication: none, username: b, id: y}\n- {<<: [*b, *a], authentication: basic}",
			`user "b" is left out: authentication is "none"`, []string{"a x", "b y"},
		},
		"an anchor on a key":   {"- {&k authentication: basic, username: a, ? password : p, !!str id: x}\n- {*k : basic, username: b, password: p, id: y}", "", []string{"a x", "b y"}},
		"binary":               {"- {authentication: basic, username: !!binary \"Y29s\\nbGVjdG9y\", password: p, id: x}", "", []string{"collector x"}},
		"several in a read":    {"- {authentication: basic, username: a, password: p, id: x|y}", "names several tenants", []string{"a x"}},
		"passthrough":          {"- {authentication: basic, username: a, password: p, passthrough: true}", "may name any", []string{"a a"}},
		"passthrough, several": {"- {authentication: basic, username: a, password: p, passthrough: true}", `A query for several, "a|b", needs enabled = true in [cortex.tenant_federation]`, []string{"a a"}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := AuthGateway(authGatewayWith(c.tenants))
			if err != nil {
				t.Fatal(err)
			}
			var clients []string
			for _, tenant := range accepted(t, text).Tenants {
				clients = append(clients, tenant.Username+" "+tenant.ID)
			}
			if !slices.Equal(clients, c.clients) || !strings.Contains(string(text), c.says) {
				t.Errorf("clients %q, want %q, and %q in\n%s", clients, c.clients, c.says, text)
			}
		})
	}
}

// auth-gateway's passthrough is a credential that serves many tenants.
func TestPassthroughNamesAnyTenant(t *testing.T) {
	text, err := AuthGateway(authGatewayWith("- {authentication: basic, username: collector, password: p, id: own, passthrough: true}"))
	if err != nil {
		t.Fatal(err)
	}
	tenant := accepted(t, text).Tenants[0]
	if tenant.ID != "own" || !slices.Equal(tenant.ReadTenants, []string{"*"}) || !slices.Equal(tenant.WriteTenants, []string{"*"}) {
		t.Errorf("%+v\n%s", tenant, text)
	}
}

// A static "a|b" reads both tenants and writes to none: Cortex never took such writes.
func TestSeveralTenantsInOneIDAreARead(t *testing.T) {
	text, err := AuthGateway(authGatewayWith("- {authentication: basic, username: a, password: p, id: x|y}"))
	if err != nil {
		t.Fatal(err)
	}
	c := accepted(t, text)
	tenant := c.Tenants[0]
	if !slices.Equal(tenant.Scopes, []string{"read"}) || !slices.Equal(tenant.ReadDefault, []string{"x", "y"}) || !c.Cortex.TenantFederation.Enabled {
		t.Errorf("%+v\n%s", tenant, text)
	}
}

// Tokens of the archived gateway have no exp, and its secret may be short.
func TestTokensOfCortexGatewayAreTaken(t *testing.T) {
	for secret, short := range map[string]bool{"0123456789012345678901234567890": true, "01234567890123456789012345678901": false} {
		text, err := CortexGateway(append(slices.Clone(upstreamFlags), "-gateway.auth.jwt-secret="+secret), nil)
		if err != nil {
			t.Fatal(err)
		}
		jwt := accepted(t, text).Auth.JWT
		if string(jwt.Secret) != secret || jwt.AllowShortSecret != short || jwt.RequireExpiry {
			t.Errorf("%d bytes: %+v", len(secret), jwt)
		}
	}
}

// Which tokens the original took and headgate does not is said, with a secret and with keys from a URL.
func TestTokensThatAreRefusedAreSaid(t *testing.T) {
	for _, flag := range []string{"-gateway.auth.jwt-secret=" + longSecret, "-gateway.auth.jwks-url=https://idp.example/jwks"} {
		text, err := CortexGateway(append(slices.Clone(upstreamFlags), flag), nil)
		if err != nil {
			t.Fatal(err)
		}
		accepted(t, text)
		for _, says := range []string{`a token without "Bearer " before it`, `a tenant_id of "a|b"`} {
			if strings.Count(string(text), says) != 1 {
				t.Errorf("%s: want %q in\n%s", flag, says, text)
			}
		}
	}
}

// Without authentication everybody is one tenant; who sends an Authorization all the same is refused here, and loses nothing.
func TestTheTenantNameOfAForkIsForEverybody(t *testing.T) {
	text, err := CortexGateway(append(slices.Clone(upstreamFlags), "-gateway.auth.tenant-name", "fake"), nil)
	if err != nil {
		t.Fatal(err)
	}
	made := accepted(t, text)
	if tenant := made.Tenants[0]; tenant.ID != "fake" || tenant.Authentication != "none" || len(tenant.AllowFrom) != 2 {
		t.Errorf("%+v\n%s", tenant, text)
	}
	if made.Auth.DeniedWriteStatus != 503 || !strings.Contains(string(text), "take it out of the senders that still have one") {
		t.Errorf("nothing is said of senders with a token:\n%s", text)
	}
}

// A byte order mark, as editors on Windows write it, is no part of a file.
func TestAByteOrderMarkIsPassedOver(t *testing.T) {
	const mark = "\ufeff"
	file := authGatewayWith("- {authentication: basic, username: a, password: p, id: x}")
	for name, do := range map[string]func([]byte) ([]byte, error){
		"auth-gateway": func(text []byte) ([]byte, error) { return AuthGateway(text) },
		"proposal": func(text []byte) ([]byte, error) {
			text = []byte(strings.Replace(string(text), string(file), "basic: {a: {password: p, tenant: x}}\nroutes: []\ntargets: {distributor: http://d}\n", 1))
			return Proposal(text)
		},
		"htpasswd": func(text []byte) ([]byte, error) {
			text = []byte(strings.Replace(string(text), string(file), "x:$2a$04$xHTrmMMJUy4T7.njmTHHieWdYqUKqWBbliLY.6rloOcibjMmtYCvy\n", 1))
			return Htpasswd(HtpasswdFile{Name: "users", Text: text})
		},
	} {
		with, err := do(append([]byte(mark), file...))
		without, errWithout := do(file)
		if err != nil || errWithout != nil || string(with) != string(without) || len(accepted(t, with).Tenants) != 1 {
			t.Errorf("%s: %v, %v\n%s", name, err, errWithout, with)
		}
	}
}

// An empty secret let in everybody; nobody is let in here.
func TestAnEmptySecretLetsInNobody(t *testing.T) {
	text, err := CortexGateway(upstreamFlags, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := accepted(t, text); c.Auth.JWT.Secret != "" || !strings.Contains(string(text), "# nobody is let in here") {
		t.Errorf("%s", text)
	}
}

// Where tracing went is a comment, from the flags or the environment.
func TestJaegerIsAComment(t *testing.T) {
	text, err := CortexGateway(upstreamFlags, []string{"JAEGER_AGENT_HOST=jaeger.example", "JAEGER_PASSWORD=secret", "HOME=/root"})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.Contains(s, "# JAEGER_AGENT_HOST=jaeger.example: ") || strings.Contains(s, "=secret") || strings.Contains(s, "HOME") {
		t.Errorf("%s", text)
	}
	accepted(t, text)
}

// Every flag with a counterpart becomes it.
func TestFlagsOfTheServer(t *testing.T) {
	text, err := CortexGateway(append(slices.Clone(upstreamFlags), "--server.http-listen-address=::1", "-server.http-listen-port=9", "-server.http-read-timeout=1m",
		"-server.http-write-timeout=3m", "-server.http-idle-timeout=7m", "-server.graceful-shutdown-timeout=3m", "-server.http-conn-limit=5",
		"-server.http-tls-cert-path=/c.pem", "-server.http-tls-key-path=/k.pem", "-server.http-tls-client-auth=RequireAndVerifyClientCert",
		"-server.http-tls-ca-path=/ca.pem", "-log.format=logfmt", "-server.register-instrumentation", "-gateway.auth.jwks-refresh-enabled",
		"-gateway.auth.jwks-url=https://idp.example/jwks", "-gateway.auth.jwks-refresh-interval=7"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`listen = "[::1]:9"`, `read_timeout = "1m"`, `write_timeout = "3m"`, `idle_timeout = "7m"`, `drain_timeout = "3m"`, `max_connections = 5`,
		`cert_file = "/c.pem"`, `key_file = "/k.pem"`, `client_auth = "required"`, `client_ca_file = "/ca.pem"`, `format = "logfmt"`,
		`jwks_url = "https://idp.example/jwks"`, `jwks_refresh_interval = "7m"`,
	} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	accepted(t, text)
}

const (
	bcryptHash = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC"
	apr1Hash   = "$apr1$x4nXqoAv$PmkYEMGGVk0KPY5UgpCFz1"
)

func TestHtpasswd(t *testing.T) {
	for name, c := range map[string]struct {
		text, tenant string
		clients      []string
		file         bool
		says         string
	}{
		"bcrypt":                {"a:" + bcryptHash + "\n# a comment\n\nb:" + bcryptHash + ":Mr B\r\n", "", []string{"a a", "b b"}, false, ""},
		"bcrypt for one tenant": {"a:" + bcryptHash + "\nb:" + bcryptHash, "team", []string{"a team", "b team"}, false, ""},
		"another hash":          {"a:" + apr1Hash + "\nb:" + bcryptHash, "", nil, true, `user "a" has another hash than bcrypt`},
		"another, one tenant":   {"a:" + apr1Hash + "\nb:" + bcryptHash, "team", []string{"b team"}, false, "1 user cannot be carried over"},
		"twice":                 {"a:" + bcryptHash + "\na:" + bcryptHash, "", []string{"a a"}, false, "the first one counts"},
		"twice, another hash":   {"a:" + apr1Hash + "\na:" + bcryptHash, "", nil, true, `line 2: line 1 is for user "a" too: each of the passwords is good here`},
		"twice, unknown":        {"a:" + apr1Hash + "\na:$6$x$y\nb:" + bcryptHash, "", []string{"b b"}, false, "# htpasswd_file = \"users\""},
		"an unknown hash":       {"a:{SSHA}x\nb:" + bcryptHash, "", []string{"b b"}, false, `user "a" has a hash that headgate does not know`},
		"not a tenant":          {"a/b:" + bcryptHash + "\nb:" + bcryptHash, "", []string{"b b"}, false, "would be a tenant that Cortex refuses"},
		"both":                  {"a:" + apr1Hash + "\nb:{SSHA}x\nc:" + bcryptHash, "", []string{"c c"}, false, "# htpasswd_file = \"users\""},
		"no hash":               {"a\nb:" + bcryptHash, "", []string{"b b"}, false, "line 1 is left out: it is not user:hash"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Htpasswd(HtpasswdFile{Name: "users", Text: []byte(c.text), Tenant: c.tenant})
			if err != nil {
				t.Fatal(err)
			}
			made := accepted(t, text)
			var clients []string
			for _, tenant := range made.Tenants {
				clients = append(clients, tenant.Username+" "+tenant.ID)
			}
			if _, problems := made.ParseHtpasswd("users", []byte(c.text), config.Options{NoFiles: true}); c.file && problems.Errors() > 0 {
				t.Errorf("headgate does not take the file as it is: %v", problems)
			}
			if !slices.Equal(clients, c.clients) || !strings.Contains(string(text), c.says) || (made.Auth.HtpasswdFile == "users") != c.file {
				t.Errorf("clients %q, want %q; file %q; want %q in\n%s", clients, c.clients, made.Auth.HtpasswdFile, c.says, text)
			}
		})
	}
}

// The first route that fits had the request; the others are dead, and would be alive by headgate's own order.
func TestRoutesThatNeverHadARequestStayWithout(t *testing.T) {
	text, err := Proposal([]byte(`
routes:
  - {path: /api, prefix: true, target: frontend}
  - {path: /api/v1/push, target: distributor}
  - {path: /ready, target: other}
  - {path: /ready, target: frontend}
targets: {frontend: "http://f", distributor: "http://d", other: "http://o"}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/api/* query-frontend", "/ready other"}
	if got := servedRoutes(accepted(t, text)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q\n%s", got, want, text)
	}
	for _, says := range []string{"line 4: the route of \"/api/v1/push\" to \"distributor\" is left out", "line 6: the route", "no route used this target"} {
		if !strings.Contains(string(text), "# "+says) {
			t.Errorf("no %q in\n%s", says, text)
		}
	}
}

// The secret of telemetrytower's gateway is for tokens.
func TestTheSecretBesideRoutes(t *testing.T) {
	text, err := Proposal([]byte("secret: xxxx\nroutes: [{path: /api/v1/push, target: distributor}]\ntargets: {distributor: 'http://d'}"))
	if err != nil {
		t.Fatal(err)
	}
	if jwt := accepted(t, text).Auth.JWT; jwt.Secret != "xxxx" || !jwt.AllowShortSecret || jwt.RequireExpiry {
		t.Errorf("%+v\n%s", jwt, text)
	}
}

// Every problem is an error that names the line, and none shows a secret.
func TestErrors(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, c := range []struct {
		name string
		do   func() ([]byte, error)
		want []string
	}{
		{"empty", func() ([]byte, error) { return AuthGateway(nil) }, []string{"is empty"}},
		{"not YAML", func() ([]byte, error) { return AuthGateway([]byte("tenants:\n  - password: \"" + secret + "\n")) }, []string{"line 2: is not YAML"}},
		{"not a table", func() ([]byte, error) { return AuthGateway([]byte("- " + secret)) }, []string{"line 1: the file is a list"}},
		{"two documents", func() ([]byte, error) { return AuthGateway([]byte("server: {}\n---\nserver: {}")) }, []string{"holds 2 YAML documents"}},
		{"unknown keys", func() ([]byte, error) {
			return AuthGateway([]byte("server:\n  adress: " + secret + "\n  port: x\nqueryfrontend: {}\n"))
		}, []string{`line 2: server: key "adress" is unknown; want one of address,`, "line 3: server.port is not a port", `line 4: the file: key "queryfrontend"`}},
		{"a bad duration", func() ([]byte, error) {
			return AuthGateway([]byte("distributor:\n  url: http://d\n  http_client_timeout: -5s\n"))
		}, []string{"line 3: distributor.http_client_timeout is not a duration"}},
		{"a key twice", func() ([]byte, error) { return AuthGateway([]byte("server: {}\nserver: {}\n")) }, []string{"line 2: is not YAML"}},
		{"admin and debug", func() ([]byte, error) { return AuthGateway([]byte("admin: {}\ndebug: {}\n")) }, []string{"line 2: debug is there beside admin"}},
		{"no scheme", func() ([]byte, error) { return AuthGateway([]byte("distributor: {url: 'd:9009'}")) }, []string{"upstreams.distributor.url:"}},
		{"one path twice", func() ([]byte, error) {
			return AuthGateway([]byte("distributor: {url: 'http://d', paths: [/x]}\nruler: {url: 'http://r', paths: [/x]}"))
		}, []string{`is already that of`}},
		{"an alias of nothing", func() ([]byte, error) { return AuthGateway([]byte("server: *x")) }, []string{"line 1: "}},
		{"a merged value", func() ([]byte, error) { return AuthGateway([]byte("server:\n  port: 1\n  <<: " + secret)) }, []string{`line 3: "<<" has a single value in it; want a table`}},
		{"merged values", func() ([]byte, error) { return AuthGateway([]byte("server:\n  port: 1\n  <<: [{}, " + secret + "]")) }, []string{`line 3: "<<" has a single value in it`}},
		{"merged nothing", func() ([]byte, error) { return AuthGateway([]byte("server:\n  port: 1\n  <<:\n")) }, []string{`line 3: "<<" has nothing in it`}},
		{"not base64", func() ([]byte, error) { return AuthGateway([]byte("tenants:\n- password: !!binary " + secret)) }, []string{`line 2: is not base64, as !!binary says`}},
		{"a table as a key", func() ([]byte, error) { return AuthGateway([]byte("server: &k {port: 1}\n*k : x\n")) }, []string{`line 2: has a key that is a table`}},
		{"nested too deep", func() ([]byte, error) {
			return AuthGateway([]byte("server: " + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)))
		}, []string{"line 1: is nested more than 50 deep"}},
		{"as deep as may be", func() ([]byte, error) {
			return AuthGateway([]byte("server: " + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)))
		}, []string{"line 1: server is a list"}},
		{"an unknown target", func() ([]byte, error) { return Proposal([]byte("routes:\n  - {path: /x, target: y}\n")) }, []string{`line 2: routes: target "y" is not among targets`}},
		{"one target twice", func() ([]byte, error) {
			return Proposal([]byte("targets:\n  frontend: 'http://f'\n  query-frontend: 'http://f'\n"))
		}, []string{`line 3: targets: "query-frontend" is Cortex's query-frontend, as another target is`}},
		{"not a name", func() ([]byte, error) {
			return Proposal(proposed("- {path: /x, target: 'a b'}\n", "ruler", "a b"))
		}, []string{`line 5: targets: "a b" cannot be the name of an upstream; want at most 64 letters`}},
		{"an unknown flag", func() ([]byte, error) { return CortexGateway([]string{"-gateway.x=" + secret}, nil) }, []string{"-gateway.x is not a flag"}},
		{"not a flag", func() ([]byte, error) { return CortexGateway([]string{secret}, nil) }, []string{"one of the arguments is not a flag"}},
		{"no value", func() ([]byte, error) { return CortexGateway([]string{"-gateway.auth.jwt-secret"}, nil) }, []string{"-gateway.auth.jwt-secret has no value"}},
		{"a variable for a secret", func() ([]byte, error) { return CortexGateway([]string{"-gateway.auth.jwt-secret=$(JWT_SECRET)"}, nil) }, []string{"holds the name of a variable"}},
		{"a variable of Helm", func() ([]byte, error) {
			return CortexGateway([]string{"-gateway.auth.jwt-secret={{ .Values.secret }}"}, nil)
		}, []string{"holds the name of a variable"}},
		{"no addresses", func() ([]byte, error) { return CortexGateway([]string{"-gateway.auth.jwt-secret=" + secret}, nil) }, []string{"-gateway.distributor.address or"}},
		{"no users", func() ([]byte, error) { return Htpasswd(HtpasswdFile{Text: []byte("# nobody\n")}) }, []string{"holds no user"}},
		{"no known hash", func() ([]byte, error) {
			return Htpasswd(HtpasswdFile{Text: []byte("a:$6$" + secret + "\n" + strings.Repeat(secret+"\n", 11))})
		}, []string{"holds no user", `line 1 is left out: user "a" has a hash that headgate does not know`, "line 10 is left out: it is not user:hash\n2 lines more"}},
		{"a bad tenant", func() ([]byte, error) { return Htpasswd(HtpasswdFile{Text: []byte("a:b"), Tenant: "a/b"}) }, []string{"--tenant: Cortex would refuse it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.do()
			if err == nil {
				t.Fatalf("no error, but\n%s", text)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q shows a secret", err)
			}
		})
	}
}

// Bare numbers are seconds, and units are those of auth-gateway's README.
func TestDurations(t *testing.T) {
	for text, want := range map[string]string{"20": "20s", "5s": "5s", "1m": "1m", "90s": "1m30s", "2d": "48h", "1w": "168h", "1y": "8760h", "1500ms": "1.5s", "60m": "1h"} {
		d, err := parseDuration(text)
		if err != nil || formatDuration(d) != want {
			t.Errorf("%q is %s (%v), want %s", text, formatDuration(d), err, want)
		}
		var again config.Duration
		if err := again.UnmarshalTOML(formatDuration(d)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "-1", "-5s", "x", "9223372036854775807", "99999999999999999y"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q is %s, want an error", text, d)
		}
	}
}

// The token that the README of telemetrytower/cortex-gateway shows, made with the secret "test", is good for its tenant
// under the converted configuration, in both forms in which that gateway was configured.
func TestADocumentedTokenStaysGood(t *testing.T) {
	const token = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnRfaWQiOiJkZW1vIiwidmVyc2lvbiI6MX0." +
		"UnM-5mDK24xDkNPes4VMLzC1xBQ9tx3GKoEjrbdd4beY510t9Oj1w2IIfNO10Fe9QEowFchceJ95X-j30mO1Iw"
	flags, err := CortexGateway(append(slices.Clone(upstreamFlags), "-gateway.auth.jwt-secret=test"), nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Proposal([]byte("secret: test\nroutes: [{path: /api/v1/push, target: distributor}]\ntargets: {distributor: 'http://d'}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{flags, file} {
		o := accepted(t, text).Auth.JWT.Options()
		tokens, err := verify.NewTokens(verify.TokenOptions{Default: &o})
		if err != nil {
			t.Fatal(err)
		}
		got, err := tokens.Verify([]byte(token))
		if err != nil || !slices.Equal(got.Tenants, []string{"demo"}) {
			t.Errorf("%+v, %v\n%s", got, err, text)
		}
	}
}
