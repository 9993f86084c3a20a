package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// signedClaims is the Authorization of a token that says this, signed with a secret.
func signedClaims(t *testing.T, secret string, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return "Bearer " + text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestTheAuditLogHasTheIDsOfTokens, by which they can be taken back: of tokens that were verified, in changes and in
// refusals.
func TestTheAuditLogHasTheIDsOfTokens(t *testing.T) {
	t.Parallel()
	g := startLogged(t, testRoutes(testPool(t, startRecorder(t, nil).addr), nil), func(s *Settings) {
		tokens, err := verify.NewTokens(verify.TokenOptions{Default: tokenIssuer(t)})
		if err != nil {
			t.Fatal(err)
		}
		s.Credentials.UseTokens(authcache.TokenOptions{Tokens: tokens, DefaultScopes: authcache.Rules})
	})
	for _, test := range []struct {
		name   string
		secret string
		jti    any // nil: none
		want   any // nil: none
	}{
		{"usual", tokenSecret, "7d9f1a52-0c7e-4f0e-9e0b-2f5a3c1d4b6e", "7d9f1a52-0c7e-4f0e-9e0b-2f5a3c1d4b6e"},
		{"none", tokenSecret, nil, nil},
		{"empty", tokenSecret, "", nil},
		{"what a terminal could act on", tokenSecret, "a\u202eb\u009bc", `a\u202eb\u009bc`},
		{"long", tokenSecret, strings.Repeat("x", 1000), strings.Repeat("x", 128) + "…"},
		{"of a token that anybody may have made", strings.Repeat("x", 40), "made-up", nil},
	} {
		for _, ask := range []struct {
			name, line  string
			tenantAsked string
			reason      any // nil: it is passed on
		}{
			{"change", rulesLine, "", nil},
			{"without the scope", pushLine, "", "scope_missing"},
			{"for another tenant", rulesLine, "tenant-x", "tenant_denied"},
		} {
			t.Run(test.name+"/"+ask.name, func(t *testing.T) {
				claims := map[string]any{"tenant_id": "tenant-a", "sub": "jane"}
				if test.jti != nil {
					claims["jti"] = test.jti
				}
				fields := []string{}
				if ask.tenantAsked != "" {
					claims["tenant_id"] = []string{"tenant-a", "tenant-b"}
					fields = append(fields, "X-Scope-OrgID: "+ask.tenantAsked)
				}
				g.lines.reset()
				g.changes.reset()
				g.send(t, requestAs(ask.line, append(fields, "Authorization: "+signedClaims(t, test.secret, claims))...))
				lines := append(ended(t, g, g.lines, isAudit), ended(t, g, g.changes, isAudit)...)
				if len(lines) != 1 {
					t.Fatalf("%d lines: %v", len(lines), lines)
				}
				line, reason := lines[0], ask.reason
				if test.secret != tokenSecret {
					reason = "unauthorized"
				}
				if line["reason"] != reason {
					t.Errorf("the reason is %v, want %v", line["reason"], reason)
				}
				if line["jti"] != test.want {
					t.Errorf("jti is %v, want %v", line["jti"], test.want)
				}
				if sender, _ := line["sender"].(string); !strings.HasPrefix(sender, "sha256:") {
					t.Errorf("sender is %q", sender)
				}
			})
		}
	}
}
