package verify

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestEveryAlgorithmIsVerifiedByItsKeyOnly(t *testing.T) {
	kinds := map[string][]string{
		"rsa": rsaAlgorithms, "p256": {"ES256"}, "p384": {"ES384"}, "p521": {"ES512"}, "ed25519": {"EdDSA"},
	}
	for name, algorithms := range kinds {
		for _, algorithm := range algorithms {
			token := sign(t, algorithm, pairs()[name], nil, claims(nil))
			for other := range kinds {
				want := BadAlgorithm
				if other == name {
					want = ""
				}
				if got := reasonOf(t, tokensOf(t, IssuerOptions{Keys: []*Key{publicKeyOf(t, other)}}), token); got != want {
					t.Errorf("%s token with the %s key: %q, want %q", algorithm, other, got, want)
				}
			}
		}
	}
	for _, algorithm := range hmacAlgorithms {
		token := sign(t, algorithm, []byte(secretA), nil, claims(nil))
		for secret, want := range map[string]Reason{secretA: "", secretB: BadSignature} {
			if got := reasonOf(t, tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secret)}}), token); got != want {
				t.Errorf("%s: %q, want %q", algorithm, got, want)
			}
		}
	}
}

func TestAnyOfSeveralKeysVerifies(t *testing.T) {
	tokens := tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secretA), secretKey(t, secretB), publicKeyOf(t, "rsa2"), publicKeyOf(t, "rsa")}})
	for _, token := range [][]byte{
		sign(t, "HS256", []byte(secretA), nil, claims(nil)), sign(t, "HS512", []byte(secretB), header{"kid": "b"}, claims(nil)),
		sign(t, "RS256", pairs()["rsa"], nil, claims(nil)), sign(t, "PS384", pairs()["rsa2"], nil, claims(nil)),
	} {
		if reason := reasonOf(t, tokens, token); reason != "" {
			t.Errorf("refused: %s", reason)
		}
	}
	if reason := reasonOf(t, tokens, sign(t, "ES256", pairs()["p256"], nil, claims(nil))); reason != BadAlgorithm {
		t.Errorf("got %q", reason)
	}
	third := sign(t, "HS256", []byte("a secret that is nobody's at all"), nil, claims(nil))
	if reason := reasonOf(t, tokens, third); reason != BadSignature {
		t.Errorf("got %q", reason)
	}
}

// The usual ways to have a token believed that nobody signed (RFC 8725).
func TestForgedTokensAreRefused(t *testing.T) {
	tokens := tokensOf(t, IssuerOptions{Keys: []*Key{publicKeyOf(t, "rsa"), publicKeyOf(t, "p256")}})
	b64 := base64.RawURLEncoding.EncodeToString
	raw := func(h, c, signature string) []byte {
		return []byte(b64([]byte(h)) + "." + b64([]byte(c)) + "." + signature)
	}
	good := string(sign(t, "RS256", pairs()["rsa"], nil, claims(nil)))
	body := `{"tenant_id":"team-a","exp":99999999999}`
	tests := []struct {
		name  string
		token []byte
		want  Reason
	}{
		{"none", raw(`{"alg":"none"}`, body, ""), BadAlgorithm},
		{"None", raw(`{"alg":"None"}`, body, ""), BadAlgorithm},
		{"nOnE", raw(`{"alg":"nOnE"}`, body, "AAAA"), BadAlgorithm},
		{"no algorithm", raw(`{"typ":"JWT"}`, body, "AAAA"), BadAlgorithm},
		{"algorithm is a number", raw(`{"alg":1}`, body, "AAAA"), BadAlgorithm},
		{"lower case", raw(`{"alg":"rs256"}`, body, "AAAA"), BadAlgorithm},
		{"public key as the secret", sign(t, "HS256", pemOf(t, "rsa"), nil, claims(nil)), BadAlgorithm},
		{"public key without its last line break", sign(t, "HS256", pemOf(t, "rsa")[:len(pemOf(t, "rsa"))-1], nil, claims(nil)), BadAlgorithm},
		{"key of its own", sign(t, "RS256", pairs()["rsa2"], header{"jwk": jwkOf(t, "rsa2", "")}, claims(nil)), BadHeader},
		{"address of its own keys", sign(t, "RS256", pairs()["rsa"], header{"jku": "https://example.org/keys"}, claims(nil)), BadHeader},
		{"address of its own certificate", sign(t, "RS256", pairs()["rsa"], header{"x5u": "https://example.org/keys"}, claims(nil)), BadHeader},
		{"certificate of its own", sign(t, "RS256", pairs()["rsa"], header{"x5c": []string{"AAAA"}}, claims(nil)), BadHeader},
		{"critical extension", sign(t, "RS256", pairs()["rsa"], header{"crit": []string{"b64"}, "b64": false}, claims(nil)), BadHeader},
		{"key ID is a number", sign(t, "RS256", pairs()["rsa"], header{"kid": 7}, claims(nil)), BadHeader},
		{"key ID is a book", sign(t, "RS256", pairs()["rsa"], header{"kid": strings.Repeat("k", maxKeyID+1)}, claims(nil)), BadHeader},
		{"another key", sign(t, "RS256", pairs()["rsa2"], nil, claims(nil)), BadSignature},
		{"no signature", []byte(good[:strings.LastIndexByte(good, '.')+1]), BadSignature},
		{"padding", []byte(good + "="), Malformed},
		{"line break", []byte(good + "\n"), Malformed},
		{"four parts", []byte(good + ".AAAA"), Malformed},
		{"many dots", []byte(strings.Repeat(".", 8000)), Malformed},
		{"five parts", []byte("a.b.c.d.e"), Malformed},
		{"two parts", []byte("a.b"), Malformed},
		{"empty", nil, Malformed},
		{"too long", []byte("a.b." + strings.Repeat("c", MaxTokenSize)), Malformed},
		{"header is a list", raw(`[]`, body, "AAAA"), Malformed},
		{"header with more behind it", raw(`{"alg":"RS256"}{}`, body, "AAAA"), Malformed},
		{"claims are a list", raw(`{"alg":"RS256"}`, `[]`, "AAAA"), Malformed},
		{"claims with more behind them", raw(`{"alg":"RS256"}`, body+`{}`, "AAAA"), Malformed},
		{"claims cut", raw(`{"alg":"RS256"}`, body[:20], "AAAA"), Malformed},
	}
	for _, test := range tests {
		if got := reasonOf(t, tokens, test.token); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	// One bit of a good token, anywhere.
	for i := range good {
		changed := []byte(good)
		changed[i] ^= 1
		if string(changed) != good && reasonOf(t, tokens, changed) == "" {
			t.Fatalf("a token with another byte %d is taken", i)
		}
	}
}

// A token has one spelling: the bits that are left over in its last character must be zero.
func TestATokenHasOneSpelling(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	tokens := tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secretA)}})
	token := hs256(t, nil)
	last := &token[len(token)-1]
	*last = alphabet[strings.IndexByte(alphabet, *last)^1]
	if reason := reasonOf(t, tokens, token); reason != Malformed {
		t.Errorf("got %q", reason)
	}
}

func TestClaimsDecide(t *testing.T) {
	now := time.Now().Unix()
	base := func() IssuerOptions {
		return IssuerOptions{Keys: []*Key{secretKey(t, secretA)}, Leeway: 30 * time.Second}
	}
	with := func(change func(*IssuerOptions)) IssuerOptions { o := base(); change(&o); return o }
	endless := with(func(o *IssuerOptions) { o.Expiry = AllowEndless })
	issuer := with(func(o *IssuerOptions) { o.Issuer = "https://id.example" })
	audience := with(func(o *IssuerOptions) { o.Audience = "cortex" })
	version := with(func(o *IssuerOptions) {
		o.MinVersion, o.TenantMinVersion = 2, map[string]int64{"team-b": 5, "team-c": 1}
	})
	revoked := with(func(o *IssuerOptions) { o.Revoked = NewRevocations([]string{"stolen"}) })
	tests := []struct {
		name    string
		options IssuerOptions
		claims  jwt.MapClaims
		want    Reason
	}{
		{"good", base(), nil, ""},
		{"without exp", base(), jwt.MapClaims{"exp": nil}, Malformed},
		{"without exp, where that is fine", endless, jwt.MapClaims{"exp": nil}, ""},
		{"exp has passed, where none is needed", endless, jwt.MapClaims{"exp": now - 31}, Expired},
		{"exp is zero, where none is needed", endless, jwt.MapClaims{"exp": 0}, Expired},
		{"exp is negative", endless, jwt.MapClaims{"exp": -1}, Expired},
		{"exp is null", endless, jwt.MapClaims{"exp": jwtNull}, Malformed},
		{"exp is text", base(), jwt.MapClaims{"exp": "tomorrow"}, Malformed},
		{"exp within the leeway", base(), jwt.MapClaims{"exp": now - 20}, ""},
		{"exp has passed", base(), jwt.MapClaims{"exp": now - 31}, Expired},
		{"exp in milliseconds", base(), jwt.MapClaims{"exp": now * 1000}, ""},
		{"nbf within the leeway", base(), jwt.MapClaims{"nbf": now + 20}, ""},
		{"nbf to come", base(), jwt.MapClaims{"nbf": now + 40}, NotYetValid},
		{"iat within the leeway", base(), jwt.MapClaims{"iat": now + 20}, ""},
		{"iat to come", base(), jwt.MapClaims{"iat": now + 40}, NotYetValid},
		{"nbf of 2^63", base(), jwt.MapClaims{"nbf": 9223372036854775808.0}, NotYetValid},
		{"nbf of 2^70", base(), jwt.MapClaims{"nbf": 1180591620717411303424.0}, NotYetValid},
		{"nbf after the year 9999", base(), jwt.MapClaims{"nbf": farFuture + 1}, NotYetValid},
		{"nbf far in the past", base(), jwt.MapClaims{"nbf": -1e300}, ""},
		{"iat of 2^63", base(), jwt.MapClaims{"iat": 9223372036854775808.0}, NotYetValid},
		{"iat of 1e300", base(), jwt.MapClaims{"iat": 1e300}, NotYetValid},
		{"iss does not count", base(), jwt.MapClaims{"iss": "anybody"}, ""},
		{"iss", issuer, jwt.MapClaims{"iss": "https://id.example"}, ""},
		{"iss with a slash", issuer, jwt.MapClaims{"iss": "https://id.example/"}, BadIssuer},
		{"iss in capitals", issuer, jwt.MapClaims{"iss": "HTTPS://id.example"}, BadIssuer},
		{"iss is a list", issuer, jwt.MapClaims{"iss": []string{"https://id.example"}}, Malformed},
		{"without iss", issuer, nil, Malformed},
		{"aud does not count", base(), jwt.MapClaims{"aud": "anybody"}, ""},
		{"aud", audience, jwt.MapClaims{"aud": "cortex"}, ""},
		{"aud in a list", audience, jwt.MapClaims{"aud": []string{"grafana", "cortex"}}, ""},
		{"aud is another", audience, jwt.MapClaims{"aud": "grafana"}, BadAudience},
		{"aud is an empty list", audience, jwt.MapClaims{"aud": []string{}}, Malformed},
		{"aud is a number", audience, jwt.MapClaims{"aud": 7}, Malformed},
		{"without aud", audience, nil, Malformed},
		{"version", version, jwt.MapClaims{"version": 2}, ""},
		{"version is higher", version, jwt.MapClaims{"version": 3}, ""},
		{"version is lower", version, jwt.MapClaims{"version": 1}, BadVersion},
		{"version is negative", version, jwt.MapClaims{"version": -3}, BadVersion},
		{"version is a fraction", version, jwt.MapClaims{"version": 2.5}, BadVersion},
		{"version is text", version, jwt.MapClaims{"version": "2"}, BadVersion},
		{"without version", version, nil, BadVersion},
		{"version of a tenant", version, jwt.MapClaims{"tenant_id": "team-b", "version": 5}, ""},
		{"version of a tenant is lower", version, jwt.MapClaims{"tenant_id": "team-b", "version": 4}, BadVersion},
		{"version of a tenant never lowers", version, jwt.MapClaims{"tenant_id": "team-c", "version": 1}, BadVersion},
		{"version of one tenant of some", version, jwt.MapClaims{"tenant_id": []string{"team-a", "team-b"}, "version": 4}, BadVersion},
		{"version does not count", base(), jwt.MapClaims{"version": "two"}, ""},
		{"revoked", revoked, jwt.MapClaims{"jti": "stolen"}, Revoked},
		{"not revoked", revoked, jwt.MapClaims{"jti": "Stolen"}, ""},
		{"without jti", revoked, nil, ""},
		{"jti is a number", revoked, jwt.MapClaims{"jti": 7}, Malformed},
		{"sub is a number", base(), jwt.MapClaims{"sub": 7}, Malformed},
		{"cortex-gateway's", endless, jwt.MapClaims{"exp": nil, "sub": nil, "tenant_id": "team-a", "aud": "cortex", "version": 1}, ""},
	}
	for _, test := range tests {
		if got := reasonOf(t, tokensOf(t, test.options), hs256(t, test.claims)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// jwtNull is a claim that is there, and null. (nil takes a claim out.)
var jwtNull = (*int)(nil)

func TestTenantsAreReadFromTheClaim(t *testing.T) {
	tests := []struct {
		name, claim, pattern string
		claims               jwt.MapClaims
		want                 []string
	}{
		{"string", "", "", nil, []string{"team-a"}},
		{"missing", "", "", jwt.MapClaims{"tenant_id": nil}, nil},
		{"empty", "", "", jwt.MapClaims{"tenant_id": ""}, []string{""}},
		{"number", "", "", jwt.MapClaims{"tenant_id": 7}, nil},
		{"list", "", "", jwt.MapClaims{"tenant_id": []string{"b", "a", "b"}}, []string{"b", "a"}},
		{"list with a number", "", "", jwt.MapClaims{"tenant_id": []any{"a", 7}}, nil},
		{"empty list", "", "", jwt.MapClaims{"tenant_id": []string{}}, nil},
		{"URL", "https://example.com/tenant", "", jwt.MapClaims{"https://example.com/tenant": "x"}, []string{"x"}},
		{"path", "org.team.name", "", jwt.MapClaims{"org": map[string]any{"team": map[string]any{"name": "x"}}}, []string{"x"}},
		{"literally before the path", "org.name", "", jwt.MapClaims{"org.name": "literal", "org": map[string]any{"name": "path"}}, []string{"literal"}},
		{"path through a string", "org.name", "", jwt.MapClaims{"org": "x"}, nil},
		{"path that ends early", "org", "", jwt.MapClaims{"org": map[string]any{"name": "x"}}, nil},
		{"pattern", "groups", "^/metrics/(.+)$", jwt.MapClaims{"groups": []string{"/admin", "/metrics/a", "/metrics/b", "/metrics/a"}}, []string{"a", "b"}},
		{"pattern on a string", "", "^team-(.+)$", nil, []string{"a"}},
		{"pattern without a match", "", "^x-(.+)$", nil, nil},
		{"group that is not in the match", "", "^team-a(x)?$", nil, []string{""}},
	}
	for _, test := range tests {
		o := IssuerOptions{Keys: []*Key{secretKey(t, secretA)}, TenantClaim: test.claim}
		if test.pattern != "" {
			o.TenantPattern = regexp.MustCompile(test.pattern)
		}
		token, err := tokensOf(t, o).Verify(hs256(t, test.claims))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if !reflect.DeepEqual(token.Tenants, test.want) {
			t.Errorf("%s: tenants %q, want %q", test.name, token.Tenants, test.want)
		}
	}
}

func TestScopesAreReadFromTheClaim(t *testing.T) {
	for _, test := range []struct {
		claim  string
		claims jwt.MapClaims
		want   []string
	}{
		{"", jwt.MapClaims{"scope": "read"}, nil},
		{"scope", jwt.MapClaims{"scope": " write  read"}, []string{"write", "read"}},
		{"scope", jwt.MapClaims{"scope": []any{"write", 7, "read"}}, []string{"write", "read"}},
		{"realm.roles", jwt.MapClaims{"realm": map[string]any{"roles": []string{"read"}}}, []string{"read"}},
		{"scope", nil, nil},
		{"scope", jwt.MapClaims{"scope": 7}, nil},
	} {
		token, err := tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secretA)}, ScopesClaim: test.claim}).Verify(hs256(t, test.claims))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(token.Scopes, test.want) || token.ScopesGiven != (test.claim != "") {
			t.Errorf("%v: scopes %q, given %v; want %q", test.claims, token.Scopes, token.ScopesGiven, test.want)
		}
	}
}

func TestAnIssuersKeysVerifyItsTokensOnly(t *testing.T) {
	a := IssuerOptions{Issuer: "https://a.example", Keys: []*Key{publicKeyOf(t, "rsa")}}
	b := IssuerOptions{Issuer: "https://b.example", Keys: []*Key{secretKey(t, secretB)}}
	open := IssuerOptions{Keys: []*Key{secretKey(t, secretA)}}
	closed := open
	closed.Issuer = "https://default.example"
	by := func(key any, issuer any) []byte {
		algorithm := "RS256"
		if _, ok := key.([]byte); ok {
			algorithm = "HS256"
		}
		return sign(t, algorithm, key, nil, claims(jwt.MapClaims{"iss": issuer}))
	}
	withDefault, withClosed := tokensOf(t, open, a, b), tokensOf(t, closed, a, b)
	only, err := NewTokens(TokenOptions{Issuers: []IssuerOptions{a, b}})
	if err != nil {
		t.Fatal(err)
	}
	rsa, theirs, ours := any(pairs()["rsa"]), any([]byte(secretB)), any([]byte(secretA))
	tests := []struct {
		name                string
		token               []byte
		open, closed, named Reason
	}{
		{"a's", by(rsa, a.Issuer), "", "", ""},
		{"b's", by(theirs, b.Issuer), "", "", ""},
		{"a's key for b", by(rsa, b.Issuer), BadAlgorithm, BadAlgorithm, BadAlgorithm},
		{"the default's key for b", by(ours, b.Issuer), BadSignature, BadSignature, BadSignature},
		{"b's key for the default", by(theirs, closed.Issuer), BadSignature, BadSignature, BadIssuer},
		{"no issuer", by(ours, nil), "", Malformed, BadIssuer},
		{"the default's", by(ours, closed.Issuer), "", "", BadIssuer},
		{"another issuer", by(ours, "https://c.example"), "", BadIssuer, BadIssuer},
		{"a's issuer with a slash", by(rsa, a.Issuer+"/"), BadAlgorithm, BadAlgorithm, BadIssuer},
		{"issuer is a list", by(ours, []string{a.Issuer}), Malformed, Malformed, Malformed},
		{"garbage", []byte("a.b.c"), Malformed, Malformed, Malformed},
	}
	for _, test := range tests {
		for name, c := range map[string]struct {
			tokens *Tokens
			want   Reason
		}{"open": {withDefault, test.open}, "closed": {withClosed, test.closed}, "named": {only, test.named}} {
			if got := reasonOf(t, c.tokens, test.token); got != c.want {
				t.Errorf("%s, %s: %q, want %q", test.name, name, got, c.want)
			}
		}
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	key := []*Key{secretKey(t, secretA)}
	tests := []struct {
		name    string
		options TokenOptions
		want    string
	}{
		{"nothing", TokenOptions{}, "no issuer"},
		{"no key", TokenOptions{Default: &IssuerOptions{}}, "no key"},
		{"algorithm none", TokenOptions{Default: &IssuerOptions{Keys: key, Algorithms: []string{"none"}}}, `"none" is unknown or unsafe`},
		{"algorithm without a key", TokenOptions{Default: &IssuerOptions{Keys: key, Algorithms: []string{"RS256"}}}, "fits a key"},
		{"pattern without a group", TokenOptions{Default: &IssuerOptions{Keys: key, TenantPattern: regexp.MustCompile("x")}}, "no group"},
		{"issuer without a name", TokenOptions{Issuers: []IssuerOptions{{Keys: key}}}, "issuers[0]: issuer is empty"},
		{"issuer twice", TokenOptions{Issuers: []IssuerOptions{{Issuer: "a", Keys: key}, {Issuer: "a", Keys: key}}}, `issuers[1]: issuer "a" is there already`},
		{"issuer is the default's", TokenOptions{Default: &IssuerOptions{Issuer: "a", Keys: key}, Issuers: []IssuerOptions{{Issuer: "a", Keys: key}}}, "there already"},
		{"negative leeway", TokenOptions{Default: &IssuerOptions{Keys: key, Leeway: -1}}, "negative"},
	}
	for _, test := range tests {
		if _, err := NewTokens(test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
	}
	restricted := tokensOf(t, IssuerOptions{Keys: key, Algorithms: []string{"HS512"}})
	if reason := reasonOf(t, restricted, hs256(t, nil)); reason != BadAlgorithm {
		t.Errorf("HS256 where HS512 is wanted: %q", reason)
	}
}

func TestKeysThatCannotBeUsedAreRefused(t *testing.T) {
	if _, err := NewSecret("auth.jwt.secret", []byte(secretA[:31]), WantLong); err == nil || !strings.Contains(err.Error(), "auth.jwt.secret: the secret has 31 bytes") {
		t.Errorf("a short secret: %v", err)
	}
	if _, err := NewSecret("s", []byte("short"), AllowShort); err != nil {
		t.Error(err)
	}
	if _, err := NewSecret("s", nil, AllowShort); err == nil {
		t.Error("an empty secret is taken")
	}
	private, err := x509.MarshalPKCS8PrivateKey(pairs()["p256"])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		text []byte
		want string
	}{
		{"empty", nil, "no public key"},
		{"no PEM", []byte("ssh-ed25519 AAAA"), "no public key"},
		{"private", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), "is a private key"},
		{"weak", pemOf(t, "weak"), "1024 bits; want 2048"},
		{"damaged", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "f: "},
		{"something else", pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: []byte("x")}), "of no use"},
		{"damaged beside a good one", append(pemOf(t, "ed25519"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})...), "f (key 2): "},
		{"cut short", append(pemOf(t, "ed25519")[:60], pemOf(t, "p256")...), "line 1 is damaged; want it whole"},
		{"cut short at the end", append(pemOf(t, "p256"), pemOf(t, "ed25519")[:60]...), "line 5 is damaged"},
		{"without its first line", append(pemOf(t, "p256"), bytes.TrimPrefix(pemOf(t, "ed25519"), []byte("-----BEGIN PUBLIC KEY-----\n"))...), "line 6 is damaged"},
		{"another character", append(append([]byte("two keys:\n"), bytes.Replace(pemOf(t, "ed25519"), []byte("M"), []byte("?"), 1)...), pemOf(t, "p256")...), "line 2 is damaged"},
		{"alone and damaged", bytes.Replace(pemOf(t, "ed25519"), []byte("M"), []byte("?"), 1), "line 1 is damaged"},
		{"moved to the right", append(pemOf(t, "ed25519"), bytes.ReplaceAll(pemOf(t, "p256"), []byte("-----B"), []byte("  -----B"))...), "line 4 is damaged"},
		{"behind a byte order mark", append([]byte("\ufeff"), append(pemOf(t, "ed25519"), pemOf(t, "p256")...)...), "line 1 is damaged"},
	} {
		if _, err := ParsePublicKeys("f", test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
	}
	between := []byte("\n-- of the new provider --\n-----\n")
	keys, err := ParsePublicKeys("f", slices.Concat(pemOf(t, "rsa"), between, pemOf(t, "ed25519"), between))
	if err != nil || len(keys) != 2 || keys[0].Name() != "f" || keys[1].Name() != "f (key 2)" {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestATokenIsCurrentUntilItIsRevoked(t *testing.T) {
	list := NewRevocations(nil)
	tokens := tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secretA)}, Revoked: list})
	before := tokens.Version()
	token, err := tokens.Verify(hs256(t, jwt.MapClaims{"jti": "one"}))
	if err != nil || !token.Current() {
		t.Fatal(token, err)
	}
	list.Set([]string{"another"})
	for range 2 { // the second time from memory
		if !token.Current() {
			t.Error("another one was revoked, and this one is not current")
		}
	}
	list.Set(ParseRevocations("# stolen\n one \n\nanother\r\n"))
	for range 2 {
		if token.Current() || list.Len() != 2 {
			t.Error("it was revoked, and is current")
		}
	}
	for _, text := range []string{"\ufeffone", "\ufeff# stolen\none", "\ufeff\r\none\r\n"} { // as editors of Windows write it
		if ids := ParseRevocations(text); !slices.Equal(ids, []string{"one"}) {
			t.Errorf("%q is read as %q", text, ids)
		}
	}
	list.Set(nil)
	if !token.Current() {
		t.Error("it is revoked no more, and not current")
	}
	if tokens.Version() != before+3 {
		t.Errorf("the version grew by %d, want 3", tokens.Version()-before)
	}
}

func TestATokenTellsHowLongItIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secretA)}, Leeway: 30 * time.Second, Expiry: AllowEndless})
		exp := time.Now().Add(time.Hour).Truncate(time.Second)
		raw := hs256(t, jwt.MapClaims{"exp": exp.Unix()})
		token, err := tokens.Verify(raw)
		if err != nil || !token.Expires.Equal(exp) || !token.Until().Equal(exp.Add(30*time.Second)) {
			t.Fatalf("%v %v", token, err)
		}
		time.Sleep(time.Until(token.Until()) - time.Nanosecond)
		if reason := reasonOf(t, tokens, raw); reason != "" {
			t.Errorf("before its end: %q", reason)
		}
		time.Sleep(time.Nanosecond)
		if reason := reasonOf(t, tokens, raw); reason != Expired {
			t.Errorf("at its end: %q", reason)
		}
		if token, err := tokens.Verify(hs256(t, jwt.MapClaims{"exp": nil})); err != nil || !token.Until().IsZero() {
			t.Errorf("endless: %v %v", token, err)
		}
	})
}

func TestNothingPrintsASecret(t *testing.T) {
	key := secretKey(t, secretA)
	tokens := tokensOf(t, IssuerOptions{Keys: []*Key{key}})
	if text := fmt.Sprintf("%v %s", key, key); strings.Contains(text, secretA) {
		t.Errorf("a key prints as %s", text)
	}
	token := hs256(t, jwt.MapClaims{"exp": 1, "sub": "canary"})
	if _, err := tokens.Verify(token); err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), string(token[:20])) {
		t.Errorf("the error is %v", err)
	}
}
