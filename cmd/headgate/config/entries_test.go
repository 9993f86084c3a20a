package config

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
)

func TestEntries(t *testing.T) {
	c := mustParse(t, `
[auth]
default_scopes = ["write", "read"]
[[tenants]]
id = "team-a"
username = "prometheus-a"
password = "one"
[[tenants]]
id = "team-b"
name = "a name with blanks"
username = "b"
password_hash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"
scopes = ["rules", "operator", "rules"]
`)
	got := c.Entries()
	want := []authcache.Entry{{
		Identity: &authcache.Identity{Tenant: "team-a", Client: "prometheus-a", Scopes: authcache.Write | authcache.Read},
		User:     "prometheus-a", Password: "one", Where: "tenants[0]",
	}, {
		Identity: &authcache.Identity{Tenant: "team-b", Client: "sha256:e36a1e9b0e3a8e3a", Scopes: authcache.Rules | authcache.Operator},
		User:     "b", Hash: string(c.Tenants[1].PasswordHash), Where: "tenants[1]",
	}}
	want[1].Identity.Client = authcache.SafeClient("a name with blanks")
	for i := range want {
		g, w := got[i], want[i]
		if !g.Identity.Equal(w.Identity) || g.Scheme != authcache.Basic || g.User != w.User || g.Password != w.Password || g.Hash != w.Hash || g.Where != w.Where {
			t.Errorf("entry %d: %v %+v, want %v %+v", i, g, *g.Identity, w, *w.Identity)
		}
	}
	if !strings.HasPrefix(got[1].Identity.Client, "sha256:") {
		t.Errorf("a name with blanks is shown as %q", got[1].Identity.Client)
	}
}

// BenchmarkLoad reads files of many tenants. The time per tenant stays the same.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		text := manyTenants(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, problems := Parse("config.toml", text, Options{NoFiles: true, Env: noEnv})
				if problems.Errors() > 0 || len(c.Entries()) != n {
					b.Fatal(problems)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/tenant")
		})
	}
}

func manyTenants(n int) []byte {
	var b strings.Builder
	b.WriteString("[server]\nlisten = \"127.0.0.1:8080\"\n[upstreams.all]\nurl = \"http://cortex.example\"\n")
	for i := range n {
		fmt.Fprintf(&b, "[[tenants]]\nid = \"team-%d\"\nusername = \"prometheus-%d\"\npassword = \"password of number %d\"\nscopes = [\"write\", \"read\"]\n", i, i, i)
	}
	return []byte(b.String())
}

// Every one of many broken tenants is reported, with its own line.
func TestManyProblemsHaveTheirLines(t *testing.T) {
	const n = 2000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[[tenants]]\nid = \"team/%d\"\nusername = \"u%d\"\npassword = \"x\"\n", i, i)
	}
	_, problems := Parse("config.toml", []byte(b.String()), Options{NoFiles: true, Env: noEnv})
	if problems.Errors() != n {
		t.Fatalf("%d errors, want %d", problems.Errors(), n)
	}
	for i := range n {
		if p := problems[i]; p.Key != fmt.Sprintf("tenants[%d].id", i) || p.Line != 4*i+2 {
			t.Fatalf("problem %d is %v", i, p)
		}
	}
}

// Secrets that no text may show, one of them a number.
const (
	canary       = "c4nary"
	canaryNumber = "40044004"
)

// Secrets of every kind, in the right place and in the wrong one.
var canaries = map[string]string{
	"password":             "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword = \"c4nary\"",
	"number":               "[[tenants]]\npassword = 40044004",
	"number with zero":     "[[tenants]]\npassword = 040044004",
	"number with line":     "[[tenants]]\npassword = 40044004__0",
	"number with point":    "[[tenants]]\npassword = 40044004.",
	"large number":         "[[tenants]]\npassword = 4004400440044004400440044004",
	"date":                 "[[tenants]]\npassword = 40044004-40044004",
	"list":                 "[[tenants]]\npassword = [\"c4nary\"]",
	"table":                "[[tenants]]\npassword = { c4 = \"c4nary\" }",
	"control":              "[[tenants]]\npassword = \"c4nary\\u0001\"",
	"long":                 "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword = \"" + strings.Repeat("c4nary", 200) + "\"",
	"hash":                 "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword_hash = \"c4nary\"",
	"good hash":            "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword_hash = \"$2a$04$c4nary6NnGr0jclUXgLVeOOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6\"",
	"both":                 "[[tenants]]\npassword = \"c4nary\"\npassword_hash = \"c4nary\"",
	"same user":            "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword = \"c4nary\"\n[[tenants]]\nid = \"b\"\nusername = \"a\"\npassword = \"c4nary\"",
	"same credential":      "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword = \"c4nary\"\n[[tenants]]\nid = \"a\"\nname = \"b\"\nusername = \"a\"\npassword = \"c4nary\"",
	"wrong key":            "[[tenants]]\npasword = \"c4nary\"",
	"wrong table":          "[auth]\npassword = \"c4nary\"",
	"upstream url":         "[upstreams.all]\nurl = \"http://user:c4nary@cortex.example\"",
	"upstream urls":        "[upstreams.all]\nurls = [\"https://c4nary@cortex.example\", \"http://a:c4nary/@b/c\"]",
	"upstream host":        "[upstreams.all]\nurl = \"http:/a:c4nary@b\"",
	"url without scheme":   "[upstreams.all]\nurl = \"a:c4nary@b\"",
	"url twice":            "[upstreams.all]\nurl = \"http://a:c4nary@b\"\nurls = [\"http://a:c4nary@b\"]",
	"no quotes":            "[[tenants]]\npassword = c4nary",
	"no quotes, a number":  "[[tenants]]\npassword = 1_c4nary",
	"no quotes, a boolean": "[[tenants]]\npassword = truec4nary",
	"no quotes, a date":    "[[tenants]]\npassword = 2020-c4nary",
	"open quote":           "[[tenants]]\npassword = \"c4nary\nid = \"a\"",
	"wrong quote":          "[[tenants]]\npassword = \"c4nary'",
	"wrong escape":         "[[tenants]]\npassword = \"c4nary\\q\"",
	"wrong unicode escape": "[[tenants]]\npassword = \"c4nary\\uD800\"",
	"after the quote":      "[[tenants]]\npassword = \"a\"c4nary",
	"control in the quote": "[[tenants]]\npassword = \"c4nary\x01\"",
}

func TestSecretsNeverPrint(t *testing.T) {
	for name, text := range canaries {
		t.Run(name, func(t *testing.T) {
			c, problems := Parse("config.toml", []byte(text), Options{NoFiles: true, Env: noEnv})
			texts := []string{problemText(problems, ""), string(c.Redacted())}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				texts = append(texts, fmt.Sprintf(verb, *c), fmt.Sprintf(verb, c.Tenants), fmt.Sprintf(verb, c.Upstreams), fmt.Sprintf(verb, c.Entries()))
				for _, u := range c.Upstreams {
					texts = append(texts, fmt.Sprintf(verb, *u))
				}
			}
			var log strings.Builder
			for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				slog.New(handler).Info("loaded", "config", c, "tenants", c.Tenants, "entries", c.Entries())
			}
			texts = append(texts, log.String())
			for _, text := range texts {
				for _, shape := range []string{canary, canaryNumber, fmt.Sprintf("%x", canary), fmt.Sprintf("% x", canary)} {
					if strings.Contains(text, shape) {
						t.Errorf("the secret is in %s", text)
					}
				}
			}
		})
	}
}

// The secret of a file is one too.
func TestSecretOfAFileNeverPrints(t *testing.T) {
	tenant := Tenant{PasswordFile: "x", FromFile: canary}
	c := &Config{Tenants: []Tenant{tenant}}
	if text := fmt.Sprintf("%+v %#v %s", c, tenant, c.Redacted()); strings.Contains(text, canary) {
		t.Errorf("the secret is in %s", text)
	}
	if c.Entries()[0].Password != canary {
		t.Error("the entry has lost its password")
	}
}

// What /config shows is a configuration that means the same, but for its secrets.
func TestRedactedLoadsAgain(t *testing.T) {
	dir := copyTestdata(t)
	for _, name := range []string{"minimal.good.toml", "all.good.toml", "full.good.toml", "warnings.good.toml"} {
		t.Run(name, func(t *testing.T) {
			c, _ := Load(dir+"/"+name, Options{Env: noEnv})
			shown := c.Redacted()
			if name == "full.good.toml" {
				golden(t, "full.redacted.txt", string(shown))
			}
			again, problems := Parse(dir+"/again.toml", withHash(shown), Options{Env: noEnv})
			if problems.Errors() > 0 {
				t.Fatalf("%v in:\n%s", problems, shown)
			}
			if tableText(again.RouteTable()) != tableText(c.RouteTable()) {
				t.Errorf("another route table:\n%s", tableText(again.RouteTable()))
			}
			if second := again.Redacted(); !strings.HasSuffix(string(shown), string(second)) {
				t.Errorf("shown again it differs:\n%s\nfirst:\n%s", second, shown)
			}
		})
	}
}

// withHash puts a hash in the place of each redacted one.
func withHash(shown []byte) []byte {
	return []byte(strings.ReplaceAll(string(shown), `password_hash = "<secret>"`,
		`password_hash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"`))
}
