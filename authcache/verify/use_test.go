package verify

import (
	"regexp"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestAChangeKeepsWhatItLeavesAsItIs verifies tokens, puts other options in force, and asks which of them are still good
// without a look at their signatures: those whose issuer wants what it wanted and has the key it had.
func TestAChangeKeepsWhatItLeavesAsItIs(t *testing.T) {
	const a, b = "https://a.example", "https://b.example"
	set := NewKeySet("keys.json")
	if err := set.Set(jwkSet(t, jwkOf(t, "p256", "k1"))); err != nil {
		t.Fatal(err)
	}
	options := func(change func(*TokenOptions)) TokenOptions {
		o := TokenOptions{
			Default: &IssuerOptions{Keys: []*Key{secretKey(t, secretA), publicKeyOf(t, "rsa")}, KeySet: set, Leeway: time.Minute},
			Issuers: []IssuerOptions{{Issuer: a, Keys: []*Key{publicKeyOf(t, "ed25519")}}},
		}
		if change != nil {
			change(&o)
		}
		return o
	}
	of := func(issuer any) jwt.MapClaims { return claims(jwt.MapClaims{"iss": issuer}) }
	kinds := []struct {
		name  string
		token []byte
	}{
		{"secret", sign(t, "HS256", []byte(secretA), nil, of(nil))},
		{"file", sign(t, "RS256", pairs()["rsa"], nil, of(nil))},
		{"set", sign(t, "ES256", pairs()["p256"], header{"kid": "k1"}, of(nil))},
		{"of a", sign(t, "EdDSA", pairs()["ed25519"], nil, of(a))},
		{"says b", sign(t, "HS256", []byte(secretA), nil, of(b))},
	}
	for _, c := range []struct {
		name   string
		change func(*TokenOptions)
		stays  string // a letter for each kind: y or n
	}{
		{"nothing changes", nil, "yyyyy"},
		{"a second secret", func(o *TokenOptions) { o.Default.Keys = append([]*Key{secretKey(t, secretB)}, o.Default.Keys...) }, "yyyyy"},
		{"another issuer", func(o *TokenOptions) {
			o.Issuers = append(o.Issuers, IssuerOptions{Issuer: "https://c.example", Keys: []*Key{publicKeyOf(t, "p384")}})
		}, "yyyyy"},
		{"an issuer whose tokens were another's", func(o *TokenOptions) {
			o.Issuers = append(o.Issuers, IssuerOptions{Issuer: b, Keys: []*Key{publicKeyOf(t, "p384")}})
		}, "yyyyn"},
		{"the same, with the same key", func(o *TokenOptions) {
			o.Issuers = append(o.Issuers, IssuerOptions{Issuer: b, Keys: []*Key{secretKey(t, secretA)}, MinVersion: 1})
		}, "yyyyn"},
		{"another secret", func(o *TokenOptions) { o.Default.Keys[0] = secretKey(t, secretB) }, "nyyyn"},
		{"another file", func(o *TokenOptions) { o.Default.Keys[1] = publicKeyOf(t, "rsa2") }, "ynyyy"},
		{"no set", func(o *TokenOptions) { o.Default.KeySet = nil }, "yynyy"},
		{"another set with the key", func(o *TokenOptions) {
			o.Default.KeySet = NewKeySet("other.json")
			if err := o.Default.KeySet.Set(jwkSet(t, jwkOf(t, "p384", "k2"), jwkOf(t, "p256", "k1"))); err != nil {
				t.Fatal(err)
			}
		}, "yyyyy"},
		{"another set without it", func(o *TokenOptions) {
			o.Default.KeySet = NewKeySet("other.json")
			if err := o.Default.KeySet.Set(jwkSet(t, jwkOf(t, "p384", "k1"))); err != nil {
				t.Fatal(err)
			}
		}, "yynyy"},
		{"the first issuer is gone", func(o *TokenOptions) { o.Issuers = nil }, "yyyny"},
		{"a key of a for everybody", func(o *TokenOptions) {
			o.Default.Keys = append(o.Default.Keys, o.Issuers[0].Keys...)
			o.Issuers[0].Keys = []*Key{publicKeyOf(t, "p384")}
		}, "yyyny"},
		{"an audience", func(o *TokenOptions) { o.Default.Audience = "x" }, "nnnyn"},
		{"a version", func(o *TokenOptions) { o.Default.MinVersion = 1 }, "nnnyn"},
		{"a version of a tenant", func(o *TokenOptions) { o.Default.TenantMinVersion = map[string]int64{"x": 1} }, "nnnyn"},
		{"another claim", func(o *TokenOptions) { o.Issuers[0].TenantClaim = "x" }, "yyyny"},
		{"a pattern", func(o *TokenOptions) { o.Default.TenantPattern = regexp.MustCompile("^(.*)$") }, "nnnyn"},
		{"scopes", func(o *TokenOptions) { o.Default.ScopesClaim = "scope" }, "nnnyn"},
		{"an issuer", func(o *TokenOptions) { o.Default.Issuer = b }, "nnnyn"},
		{"algorithms", func(o *TokenOptions) { o.Default.Algorithms = []string{"HS256"} }, "nnnyn"},
		{"less leeway", func(o *TokenOptions) { o.Default.Leeway = time.Second }, "nnnyn"},
		{"no end wanted", func(o *TokenOptions) { o.Default.Expiry = AllowEndless }, "nnnyn"},
		{"a list of others", func(o *TokenOptions) { o.Default.Revoked = NewRevocations([]string{"other"}) }, "yyyyy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tokens, err := NewTokens(options(nil))
			if err != nil {
				t.Fatal(err)
			}
			var verified []*Token
			for _, k := range kinds {
				token, err := tokens.Verify(k.token)
				if err != nil || !token.Current() {
					t.Fatalf("%s: %v", k.name, err)
				}
				token.Key().Touch(7)
				verified = append(verified, token)
			}
			version := tokens.Version()
			if err := tokens.Use(options(c.change)); err != nil {
				t.Fatal(err)
			}
			if tokens.Version() <= version {
				t.Error("what was refused before is not asked again")
			}
			for n, token := range verified {
				for range 2 { // the second time from memory
					if got := token.Current(); got != (c.stays[n] == 'y') {
						t.Errorf("%s: good is %v", kinds[n].name, got)
					}
				}
				// A token is never good that would be refused now.
				if _, err := tokens.Verify(kinds[n].token); token.Current() && err != nil {
					t.Errorf("%s: good, but %v", kinds[n].name, err)
				}
			}
			for _, key := range tokens.Keys() {
				if kept := map[string]bool{"secret": c.stays[0] == 'y' && c.name != "a second secret", "rsa.pem": c.stays[1] == 'y'}[key.Name]; kept && key.Used != 7 {
					t.Errorf("key %s is forgotten to have been used", key.Name)
				}
			}
		})
	}
}

func TestOptionsThatCannotWorkChangeNothing(t *testing.T) {
	tokens := tokensOf(t, IssuerOptions{Keys: []*Key{secretKey(t, secretA)}})
	token, err := tokens.Verify(hs256(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.Use(TokenOptions{}); err == nil {
		t.Error("no issuer at all is taken")
	}
	if !token.Current() || reasonOf(t, tokens, hs256(t, nil)) != "" {
		t.Error("the options before are not in force")
	}
}

// TestNamesAreGivenOnce: what metrics and /status tell apart by name has one of its own.
func TestNamesAreGivenOnce(t *testing.T) {
	fetchedTwice := func(query string) *KeySet {
		set, err := FetchKeySet(FetchOptions{URL: "http://127.0.0.1:1/keys?" + query, Interval: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(set.Close)
		if err := set.Set(jwkSet(t, jwkOf(t, "p256", ""), jwkOf(t, "p384", ""))); err != nil {
			t.Fatal(err)
		}
		return set
	}
	shared, other := fetchedTwice("a=1"), fetchedTwice("a=2")
	tokens, err := NewTokens(TokenOptions{Issuers: []IssuerOptions{
		{Issuer: "a", KeySet: shared}, {Issuer: "b", KeySet: other}, {Issuer: "c", KeySet: shared},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, set := range tokens.KeySets() {
		names = append(names, set.Name)
	}
	for _, key := range tokens.Keys() {
		names = append(names, key.Name)
	}
	want := []string{
		"http://127.0.0.1:1/keys", "http://127.0.0.1:1/keys (2)",
		"http://127.0.0.1:1/keys", "http://127.0.0.1:1/keys (2)", "http://127.0.0.1:1/keys (3)", "http://127.0.0.1:1/keys (4)",
	}
	if len(names) != len(want) {
		t.Fatalf("names %q", names)
	}
	for n := range want {
		if names[n] != want[n] {
			t.Errorf("name %d is %q, want %q", n, names[n], want[n])
		}
	}
}
