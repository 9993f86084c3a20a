package config

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

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
	"password sha256":      "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword_sha256 = \"c4nary\"",
	"token":                "[[tenants]]\nid = \"a\"\ntoken = \"c4nary\"",
	"broken token":         "[[tenants]]\nid = \"a\"\ntoken = \"c4nary c4nary\"",
	"token sha256":         "[[tenants]]\nid = \"a\"\ntoken_sha256 = \"c4nary\"",
	"token number":         "[[tenants]]\nid = \"a\"\ntoken = 40044004",
	"token twice":          "[[tenants]]\nid = \"a\"\ntoken = \"c4nary\"\n[[tenants]]\nid = \"b\"\ntoken = \"c4nary\"",
	"jwt secret":           "[auth.jwt]\nsecret = \"c4nary-0123456789abcdef-0123456789\"",
	"short jwt secret":     "[auth.jwt]\nsecret = \"c4nary\"",
	"jwt secrets":          "[auth.jwt]\nsecrets = [\"c4nary\", \"c4nary-0123456789abcdef-0123456789\"]",
	"jwt secrets, one":     "[auth.jwt]\nsecrets = \"c4nary\"",
	"jwt secrets, number":  "[auth.jwt]\nsecrets = [40044004]",
	"jwt issuer":           "[[auth.jwt.issuers]]\nissuer = \"a\"\nsecret = \"c4nary\"",
	"jwks url":             "[auth.jwt]\njwks_url = \"https://c4nary:c4nary@login.example\"",
	"jwks of an issuer":    "[[auth.jwt.issuers]]\nissuer = \"a\"\njwks_url = \"https://a:c4nary@login.example\"",
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
