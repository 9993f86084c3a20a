package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	got, want := mustParse(t, ""), Default()
	want.Server.WriteTimeout.Value = 30 * time.Second // the push paths, which are always there, and 5s
	want.Server.DrainTimeout.Value = 30 * time.Second
	got.table, got.path = nil, ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestAutomaticTimeoutsFollowTheLongestRoute(t *testing.T) {
	const frontend = "[upstreams.query-frontend]\nurl = \"http://frontend.example\"\n"
	for _, test := range []struct {
		text string
		want time.Duration
	}{
		{frontend, 130 * time.Second},
		{frontend + "timeout = \"10m\"", 605 * time.Second},
		{frontend + "timeout = \"0s\"", 0},
		{frontend + "[[routes]]\npath = \"/x\"\nupstream = \"query-frontend\"\ntimeout = \"1h\"", 3605 * time.Second},
		{frontend + "timeout = \"2562047h47m16s\"", 1<<63 - 1},
	} {
		c := mustParse(t, test.text)
		if c.Server.WriteTimeout.Value != test.want || c.Server.DrainTimeout.Value != test.want {
			t.Errorf("%q: write_timeout %v, drain_timeout %v, want %v", test.text, c.Server.WriteTimeout.Value, c.Server.DrainTimeout.Value, test.want)
		}
		if got := c.Derived(); got[0] != (Derivation{"server.write_timeout", `"` + formatDuration(test.want) + `"`}) {
			t.Errorf("%q: derived %v", test.text, got)
		}
	}
	c := mustParse(t, frontend+"[server]\nwrite_timeout = \"1h\"\ndrain_timeout = \"9s\"\nmax_connections = 5\n[limits]\nmax_buffered = 0")
	if c.Server.WriteTimeout.Value != time.Hour || c.Server.DrainTimeout.Value != 9*time.Second || c.Server.MaxConnections.Value != 5 || c.Derived() != nil {
		t.Errorf("given values: %v, %v, derived %v", c.Server.WriteTimeout, c.Server.DrainTimeout, c.Derived())
	}
}

func TestAFileThatCannotBeReadIsOneError(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing.toml"), dir} {
		c, problems := Load(path, Options{Env: noEnv})
		if c == nil || len(problems) != 1 || problems.Errors() != 1 || problems[0].Key != path {
			t.Errorf("%s: %v, want one error that names it", path, problems)
		}
		if text := problems[0].String(); strings.Count(text, dir) != 1 {
			t.Errorf("the file is named more than once: %s", text)
		}
	}
}

// What follows from a file that the configuration names is left out with NoFiles,
// and nothing else.
func TestNoFiles(t *testing.T) {
	const text = `
[server]
listen = "127.0.0.1:8080"
[upstreams.all]
url = "https://cortex.example"
[upstreams.all.tls]
ca_file = "missing.pem"
cert_file = "${CREDENTIALS_DIRECTORY}/missing.pem"
key_file = "/missing.pem"
[[tenants]]
id = "a"
username = "a"
password_file = "missing.secret"
`
	if _, problems := Parse("config.toml", []byte(text), Options{NoFiles: true, Env: noEnv}); len(problems) > 0 {
		t.Errorf("without files: %v", problems)
	}
	if _, problems := Parse("config.toml", []byte(text), Options{Env: noEnv}); problems.Errors() != 4 {
		t.Errorf("with files: %v, want 4 errors", problems)
	}
}

func TestFileNamesAndTheirContent(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "secrets", "plain"), "one")
	write(filepath.Join(dir, "secrets", "line"), "two\n")
	write(filepath.Join(dir, "secrets", "windows"), "three\r\n")
	write(filepath.Join(dir, "secrets", "blanks"), " four \n")
	write(filepath.Join(credentials, "systemd"), "five\n")
	names := []string{"secrets/plain", "secrets/line", "./secrets/../secrets/windows", filepath.Join(dir, "secrets/blanks"), "${CREDENTIALS_DIRECTORY}/systemd"}
	want := []string{"one", "two", "three", " four ", "five"}
	text := "[server]\nlisten = \"[::1]:8080\"\n[upstreams]\nall.url = \"http://cortex.example\"\n"
	for i, name := range names {
		text += fmt.Sprintf("[[tenants]]\nid = \"team-%d\"\nusername = \"user-%d\"\npassword_file = %q\n", i, i, name)
	}
	path := filepath.Join(dir, "config.toml")
	write(path, text)
	env := func(name string) string { return map[string]string{"CREDENTIALS_DIRECTORY": credentials}[name] }
	c, problems := Load(path, Options{Env: env})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for i, entry := range c.Entries() {
		if entry.Password != want[i] || entry.Hash != "" {
			t.Errorf("%s: password %q, want %q", names[i], entry.Password, want[i])
		}
	}
}

// A secret that every user of the machine can read is one that is not secret.
func TestReadableSecretsAreWarnings(t *testing.T) {
	dir := t.TempDir()
	path, secret := filepath.Join(dir, "config.toml"), filepath.Join(dir, "secret")
	const head = "[server]\nlisten = \"[::1]:8080\"\n[upstreams]\nall.url = \"http://cortex.example\"\n[[tenants]]\nid = \"a\"\nusername = \"a\"\n"
	for _, test := range []struct {
		tenant           string
		config, secret   os.FileMode
		want             string
		noFiles, noPaths bool
	}{
		{tenant: `password = "x"`, config: 0o644, want: path},
		{tenant: `password = "x"`, config: 0o640},
		{tenant: `password = "x"`, config: 0o644, noFiles: true},
		{tenant: `password_hash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"`, config: 0o644, want: path},
		{tenant: `password_file = "secret"`, config: 0o644, secret: 0o640},
		{tenant: `password_file = "secret"`, config: 0o644, secret: 0o644, want: "tenants[0].password_file"},
		{tenant: `password_file = "secret"`, config: 0o644, secret: 0o644, noFiles: true},
	} {
		for name, file := range map[string]struct {
			text string
			mode os.FileMode
		}{path: {head + test.tenant, test.config}, secret: {"secret", test.secret}} {
			if err := os.WriteFile(name, []byte(file.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(name, file.mode|0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, problems := Load(path, Options{Env: noEnv, NoFiles: test.noFiles})
		got := ""
		for _, p := range problems {
			got += p.Key
		}
		if got != test.want || problems.Errors() > 0 {
			t.Errorf("%+v: %v, want a warning for %q", test, problems, test.want)
		}
	}
}

func TestTLSToUpstreams(t *testing.T) {
	dir := t.TempDir()
	writeCertificates(t, dir)
	c, problems := Parse(filepath.Join(dir, "config.toml"), []byte(`
[upstreams.all]
url = "https://cortex.example"
[upstreams.all.tls]
ca_file = "gate.crt"
cert_file = "gate.crt"
key_file = "gate.key"
server_name = "inner.example"
[upstreams.ruler]
url = "http://ruler.example"
[upstreams.querier]
urls = ["https://querier.example"]
`), Options{Env: noEnv})
	if problems.Errors() > 0 {
		t.Fatal(problems)
	}
	all := c.Upstreams[All].TLSConfig()
	if all.RootCAs == nil || len(all.Certificates) != 1 || all.ServerName != "inner.example" || all.InsecureSkipVerify {
		t.Errorf("all: %+v", all)
	}
	if c.Upstreams[Ruler].TLSConfig() != nil {
		t.Error("ruler: TLS for plain HTTP")
	}
	if q := c.Upstreams[Querier].TLSConfig(); q == nil || q.RootCAs != nil || q.ServerName != "" {
		t.Errorf("querier: %+v, want the system's CAs and the name of the target", q)
	}
}

func TestHostHeader(t *testing.T) {
	for _, test := range []struct{ keys, want string }{
		{`url = "http://cortex.example"`, "cortex.example"},
		{`url = "http://cortex.example:80"`, "cortex.example"},
		{`url = "http://cortex.example:9009/"`, "cortex.example:9009"},
		{`url = "https://cortex.example:443"`, "cortex.example"},
		{`url = "https://cortex.example:80"`, "cortex.example:80"},
		{`url = "dnssrv+http://_http._tcp.cortex.example"`, "cortex.example"},
		{`url = "dns+http://cortex.example.:9009"`, "cortex.example.:9009"},
		{`urls = ["http://10.0.0.2:9009", "http://10.0.0.1:9009"]`, "10.0.0.2:9009"},
		{`url = "http://[::1]"`, "[::1]"},
		{`url = "http://[::1]:9009"`, "[::1]:9009"},
		{"url = \"http://cortex.example\"\nhost = \"api.example:8443\"", "api.example:8443"},
	} {
		if got := mustParse(t, "[upstreams.all]\n"+test.keys).Upstreams[All].HostHeader(); got != test.want {
			t.Errorf("%s: %q, want %q", test.keys, got, test.want)
		}
	}
}

func TestRulePrefixes(t *testing.T) {
	c := mustParse(t, everyComponent)
	want := []string{"/prometheus/config/v1/rules/", "/prometheus/rules/", "/api/prom/rules/", "/api/v1/rules/"}
	if got := c.RulePrefixes(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
