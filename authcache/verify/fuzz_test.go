package verify

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Whatever comes, nothing panics, and nothing is taken that the library alone, with the same keys and the strictest
// settings, would refuse.
func FuzzVerify(f *testing.F) {
	secret := []byte(secretA)
	set := setOf(f, jwkOf(f, "p256", "e"), jwkOf(f, "ed25519", "d"))
	tokens, err := NewTokens(TokenOptions{
		Default: &IssuerOptions{Keys: []*Key{secretKey(f, secretA)}, KeySet: set, TenantClaim: "a.b", ScopesClaim: "scope", MinVersion: 1, Revoked: NewRevocations([]string{"x"})},
		Issuers: []IssuerOptions{{Issuer: "i", Keys: []*Key{publicKeyOf(f, "rsa")}, Expiry: AllowEndless}},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, token := range [][]byte{
		hs256(f, jwt.MapClaims{"version": 1}), hs256(f, jwt.MapClaims{"exp": 0}), sign(f, "RS256", pairs()["rsa"], nil, claims(jwt.MapClaims{"iss": "i"})),
		sign(f, "ES256", pairs()["p256"], header{"kid": "e"}, claims(jwt.MapClaims{"version": 1, "a": map[string]any{"b": []string{"x"}}})),
		sign(f, "EdDSA", pairs()["ed25519"], nil, claims(jwt.MapClaims{"version": 1})),
		[]byte("eyJhbGciOiJub25lIn0.e30."), []byte("bnVsbA.bnVsbA.AAAA"), []byte("a.b.c"), []byte("..."), {},
	} {
		f.Add(token, []byte(nil))
	}
	// The second argument is signed as claims with the right secret, so that the fuzzer gets behind the signature.
	f.Add([]byte(nil), []byte(`{"a":{"b":["x","y"]},"exp":9999999999,"version":2,"scope":"read write"}`))
	f.Add([]byte(nil), []byte(`{"a.b":"x","exp":1e300,"version":1e300}`))
	f.Add([]byte(nil), []byte(`null`))
	f.Fuzz(func(t *testing.T, token, body []byte) {
		if body != nil {
			text := jwt.New(jwt.SigningMethodHS256)
			unsigned := "eyJhbGciOiJIUzI1NiJ9." + text.EncodeSegment(body)
			signature, err := text.Method.Sign(unsigned, secret)
			if err != nil {
				t.Fatal(err)
			}
			token = []byte(unsigned + "." + text.EncodeSegment(signature))
		}
		verified, err := tokens.Verify(token)
		if err != nil {
			if verified != nil {
				t.Fatal("a token beside an error")
			}
			return
		}
		if !verified.Current() || !verified.Until().IsZero() && !time.Now().Before(verified.Until()) {
			t.Fatal("it was accepted, and is not good")
		}
		parsed, err := jwt.Parse(string(token), func(t *jwt.Token) (any, error) {
			if iss, _ := t.Claims.GetIssuer(); iss == "i" {
				return jwt.VerificationKeySet{Keys: []jwt.VerificationKey{pairs()["rsa"].Public()}}, nil
			}
			return jwt.VerificationKeySet{Keys: []jwt.VerificationKey{secret, pairs()["p256"].Public(), pairs()["ed25519"].Public()}}, nil
		}, jwt.WithStrictDecoding(), jwt.WithIssuedAt(), jwt.WithValidMethods(knownAlgorithms))
		if err != nil || !parsed.Valid {
			t.Fatalf("the library refuses it: %v", err)
		}
	})
}

// A JWK set comes from the network.
func FuzzKeySet(f *testing.F) {
	f.Add(jwkSet(f, jwkOf(f, "rsa", "r"), jwkOf(f, "p256", "e"), jwkOf(f, "ed25519", "")))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set := NewKeySet("fuzz")
		if err := set.Set(text); (err == nil) != set.Settled() {
			t.Fatalf("error %v, settled %v", err, set.Settled())
		}
		for _, key := range set.state.Load().all {
			for _, algorithm := range append([]string{"none"}, hmacAlgorithms...) {
				if key.fits(algorithm) {
					t.Fatalf("a public key is for %s", algorithm)
				}
			}
		}
	})
}
