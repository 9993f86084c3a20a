package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenSecrets are the HMAC secrets of these tests: any verifies.
var tokenSecrets = []string{"a first secret of more than thirty-two bytes", "a second secret of more than thirty-two bytes"}

// tokenKeys are private keys for each family of algorithms; other is one that nobody knows.
type tokenKeys struct {
	rsa, other *rsa.PrivateKey
	ecdsa      *ecdsa.PrivateKey
	ed25519    ed25519.PrivateKey
}

func newTokenKeys(t *testing.T) *tokenKeys {
	t.Helper()
	k := &tokenKeys{}
	var errs [4]error
	k.rsa, errs[0] = rsa.GenerateKey(rand.Reader, 2048)
	k.other, errs[1] = rsa.GenerateKey(rand.Reader, 2048)
	k.ecdsa, errs[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed25519, errs[3] = ed25519.GenerateKey(rand.Reader)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// publicPEM is the public half of a private key.
func publicPEM(t *testing.T, private crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// signedBy is the header line of a token.
func signedBy(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// TestSignedTokens sends tokens of every family of algorithms through the program, good ones and those that must not be.
func TestSignedTokens(t *testing.T) {
	keys, files := newTokenKeys(t), newCertified(t)
	files.put("rsa.pem", publicPEM(t, keys.rsa))
	files.put("ecdsa.pem", publicPEM(t, keys.ecdsa))
	files.put("ed25519.pem", publicPEM(t, keys.ed25519))
	r := start(t, gate(everything(echoIdentity(t))+fmt.Sprintf(`
[cortex.tenant_federation]
enabled = true
[auth.jwt]
secrets = [%q, %q]
public_key_files = [%q, %q, %q]
scopes_claim = "scope"
audience = "metrics"
`, tokenSecrets[0], tokenSecrets[1], files.path("rsa.pem"), files.path("ecdsa.pem"), files.path("ed25519.pem"))))
	url, client := "http://"+r.Addrs()[0].String(), newClient(t)
	claims := func(more jwt.MapClaims) jwt.MapClaims {
		all := jwt.MapClaims{
			"tenant_id": "team-j", "sub": "jane", "aud": "metrics", "scope": "write read", "exp": time.Now().Add(time.Hour).Unix(),
		}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	secret := []byte(tokenSecrets[1])
	for _, c := range []struct {
		name   string
		line   string
		status int // of a push
	}{
		{"HS256", signedBy(t, jwt.SigningMethodHS256, []byte(tokenSecrets[0]), claims(nil)), 200},
		{"HS384", signedBy(t, jwt.SigningMethodHS384, secret, claims(nil)), 200},
		{"HS512", signedBy(t, jwt.SigningMethodHS512, secret, claims(nil)), 200},
		{"RS256", signedBy(t, jwt.SigningMethodRS256, keys.rsa, claims(nil)), 200},
		{"PS384", signedBy(t, jwt.SigningMethodPS384, keys.rsa, claims(nil)), 200},
		{"ES256", signedBy(t, jwt.SigningMethodES256, keys.ecdsa, claims(nil)), 200},
		{"EdDSA", signedBy(t, jwt.SigningMethodEdDSA, keys.ed25519, claims(nil)), 200},

		{"another key", signedBy(t, jwt.SigningMethodRS256, keys.other, claims(nil)), 401},
		{"another secret", signedBy(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 40)), claims(nil)), 401},
		{"no signature", signedBy(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil)), 401},
		{"a public key for a secret", signedBy(t, jwt.SigningMethodHS256, publicPEM(t, keys.rsa), claims(nil)), 401},
		{"expired", signedBy(t, jwt.SigningMethodHS256, secret, claims(jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()})), 401},
		{"not yet", signedBy(t, jwt.SigningMethodHS256, secret, claims(jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()})), 401},
		{"without an end", signedBy(t, jwt.SigningMethodHS256, secret, jwt.MapClaims{"tenant_id": "team-j", "aud": "metrics"}), 401},
		{"for somebody else", signedBy(t, jwt.SigningMethodHS256, secret, claims(jwt.MapClaims{"aud": "logs"})), 401},
		{"without a tenant", signedBy(t, jwt.SigningMethodHS256, secret, claims(jwt.MapClaims{"tenant_id": ""})), 403},
		{"of no tenant that can be", signedBy(t, jwt.SigningMethodHS256, secret, claims(jwt.MapClaims{"tenant_id": "a/b"})), 403},
		{"without the scope", signedBy(t, jwt.SigningMethodHS256, secret, claims(jwt.MapClaims{"scope": "read"})), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time from memory
				status, body := pushWith(t, client, url, c.line)
				if status != c.status || status == 200 && body != identified("team-j", "jane") {
					t.Errorf("%d %s, want %d", status, body, c.status)
				}
			}
		})
	}

	// A token of several tenants: reads get all of them or those they name, writes name one.
	several := signedBy(t, jwt.SigningMethodES256, keys.ecdsa, claims(jwt.MapClaims{"tenant_id": []string{"t2", "t1"}, "sub": "joé"}))
	query, push := url+"/prometheus/api/v1/query", url+"/api/v1/push"
	for _, c := range []struct {
		method, url string
		lines       []string
		status      int
		says        string
	}{
		{"GET", query, nil, 200, `["t1|t2"]`},
		{"GET", query, []string{"X-Scope-OrgID: t2"}, 200, `["t2"] ["sha256:`},
		{"GET", query, []string{"X-Scope-OrgID: t2|t3"}, 403, `"t3"`},
		{"POST", push, []string{"X-Scope-OrgID: t1"}, 200, `["t1"]`},
		{"POST", push, nil, 400, "tenant_malformed"},
		{"POST", push, []string{"X-Scope-OrgID: t1|t2"}, 400, "tenant_malformed"},
	} {
		if status, body := sendWith(t, client, c.method, c.url, append(c.lines, several)...); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s with %q: %d %s, want %d %s", c.method, c.url, c.lines, status, body, c.status, c.says)
		}
	}
}

// TestSettingsOfTokensCount sends tokens that every setting of [auth.jwt] has a say in, and of an issuer with others.
func TestSettingsOfTokensCount(t *testing.T) {
	r := start(t, gate(everything(echoIdentity(t))+fmt.Sprintf(`
[auth.jwt]
secret = %q
issuer = "https://login.example"
algorithms = ["HS512"]
tenant_claim = "m.groups"
tenant_pattern = "^/metrics/(.+)$"
leeway = "10m"
require_expiry = false
[[auth.jwt.issuers]]
issuer = "https://ci.example"
secret = %q
tenant_claim = "project"
`, tokenSecrets[0], tokenSecrets[1])))
	url, client := "http://"+r.Addrs()[0].String(), newClient(t)
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	login := func(change func(jwt.MapClaims)) jwt.MapClaims {
		claims := jwt.MapClaims{
			"iss": "https://login.example", "sub": "jane", "exp": time.Now().Add(time.Hour).Unix(),
			"m": map[string]any{"groups": []string{"/admin", "/metrics/team-j"}},
		}
		if change != nil {
			change(claims)
		}
		return claims
	}
	ci := func(change func(jwt.MapClaims)) jwt.MapClaims {
		claims := jwt.MapClaims{"iss": "https://ci.example", "sub": "jane", "exp": time.Now().Add(time.Hour).Unix(), "project": "team-j"}
		if change != nil {
			change(claims)
		}
		return claims
	}
	for _, c := range []struct {
		name   string
		method jwt.SigningMethod
		secret int
		claims jwt.MapClaims
		status int // of a push
	}{
		{"as it should be", jwt.SigningMethodHS512, 0, login(nil), 200},
		{"another algorithm", jwt.SigningMethodHS256, 0, login(nil), 401},
		{"another issuer", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { c["iss"] = "https://other.example" }), 401},
		{"without an issuer", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { delete(c, "iss") }), 401},
		{"another claim", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { c["tenant_id"] = "/metrics/team-j"; delete(c, "m") }), 403},
		{"another form", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { c["m"] = map[string]any{"groups": "team-j"} }), 403},
		{"ended a moment ago", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { c["exp"] = ago(5 * time.Minute) }), 200},
		{"ended long ago", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { c["exp"] = ago(15 * time.Minute) }), 401},
		{"without an end", jwt.SigningMethodHS512, 0, login(func(c jwt.MapClaims) { delete(c, "exp") }), 200},

		{"of the other issuer", jwt.SigningMethodHS256, 1, ci(nil), 200},
		{"with the first one's secret", jwt.SigningMethodHS512, 0, ci(nil), 401},
		{"with the other one's secret", jwt.SigningMethodHS512, 1, login(nil), 401},
		{"ended a moment ago, of the other issuer", jwt.SigningMethodHS256, 1, ci(func(c jwt.MapClaims) { c["exp"] = ago(5 * time.Minute) }), 401},
		{"without an end, of the other issuer", jwt.SigningMethodHS256, 1, ci(func(c jwt.MapClaims) { delete(c, "exp") }), 401},
	} {
		status, body := pushWith(t, client, url, signedBy(t, c.method, []byte(tokenSecrets[c.secret]), c.claims))
		if status != c.status || status == 200 && body != identified("team-j", "jane") {
			t.Errorf("%s: %d %s, want %d", c.name, status, body, c.status)
		}
	}
}
