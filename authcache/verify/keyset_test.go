package verify

import (
	"errors"
	"strings"
	"testing"
)

func setOf(t testing.TB, keys ...map[string]any) *KeySet {
	t.Helper()
	s := NewKeySet("keys.json")
	if err := s.Set(jwkSet(t, keys...)); err != nil {
		t.Fatal(err)
	}
	return s
}

func changedJWK(jwk map[string]any, changes ...any) map[string]any {
	for i := 0; i < len(changes); i += 2 {
		jwk[changes[i].(string)] = changes[i+1]
	}
	return jwk
}

func TestKeySetsOfAFileVerify(t *testing.T) {
	set := setOf(t, jwkOf(t, "rsa", "r"), jwkOf(t, "p256", "e"), jwkOf(t, "p521", "f"), jwkOf(t, "ed25519", ""), changedJWK(jwkOf(t, "rsa2", "pinned"), "alg", "PS256"))
	tokens := tokensOf(t, IssuerOptions{KeySet: set})
	tests := []struct {
		name      string
		algorithm string
		key       string
		kid       any
		want      Reason
	}{
		{"key ID", "RS256", "rsa", "r", ""},
		{"key ID, another algorithm of the key", "PS512", "rsa", "r", ""},
		{"no key ID", "ES256", "p256", nil, ""},
		{"empty key ID", "ES256", "p256", "", ""},
		{"key without an ID", "EdDSA", "ed25519", "any", ""},
		{"key ID of another key", "RS256", "rsa", "e", BadAlgorithm},
		{"key ID of another key of this kind", "PS256", "rsa", "pinned", BadSignature},
		{"pinned algorithm", "PS256", "rsa2", "pinned", ""},
		{"pinned to another algorithm", "RS256", "rsa2", "pinned", BadAlgorithm},
		{"unknown key ID", "RS256", "rsa", "x", UnknownKey},
		{"no key ID, wrong key", "RS256", "rsa2", nil, BadSignature},
	}
	for _, test := range tests {
		h := header{}
		if test.kid != nil {
			h["kid"] = test.kid
		}
		if got := reasonOf(t, tokens, sign(t, test.algorithm, pairs()[test.key], h, claims(nil))); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestKeysThatVerifyNothingArePassedOver(t *testing.T) {
	for name, jwk := range map[string]map[string]any{
		"for encryption":         changedJWK(jwkOf(t, "rsa", "x"), "use", "enc"),
		"for signing alone":      changedJWK(jwkOf(t, "rsa", "x"), "key_ops", []string{"sign"}),
		"shared secret":          {"kty": "oct", "kid": "x", "k": "YW4gZXhhbXBsZSBzZWNyZXQgb2YgMzIgYnl0ZXMuLkE"},
		"weak":                   jwkOf(t, "weak", "x"),
		"unknown curve":          changedJWK(jwkOf(t, "p256", "x"), "crv", "secp256k1"),
		"algorithm of a secret":  changedJWK(jwkOf(t, "rsa", "x"), "alg", "HS256"),
		"algorithm none":         changedJWK(jwkOf(t, "rsa", "x"), "alg", "none"),
		"long key ID":            jwkOf(t, "rsa", strings.Repeat("k", maxKeyID+1)),
		"kind nobody ever heard": {"kty": "X", "kid": 7},
		"another kind of curve":  {"kty": "OKP", "crv": "X25519", "x": "A"},
		"damaged and unwanted":   {"kty": "RSA", "alg": "RSA-OAEP", "n": "?"},
	} {
		set := NewKeySet("keys.json")
		if err := set.Set(jwkSet(t, jwk)); err == nil || !strings.HasPrefix(err.Error(), "keys.json: there is no key in it that verifies tokens") || set.Settled() {
			t.Errorf("%s alone: %v", name, err)
		}
		// Beside a good one it does no harm.
		tokens := tokensOf(t, IssuerOptions{KeySet: setOf(t, jwk, jwkOf(t, "p384", "good"))})
		if reason := reasonOf(t, tokens, sign(t, "ES384", pairs()["p384"], header{"kid": "good"}, claims(nil))); reason != "" {
			t.Errorf("%s beside a good one: %s", name, reason)
		}
		if got := len(tokens.Keys()); got != 1 {
			t.Errorf("%s: %d keys", name, got)
		}
		if reason := reasonOf(t, tokens, hs256(t, nil)); reason != BadAlgorithm {
			t.Errorf("%s: a token of the secret: %q", name, reason)
		}
	}
}

// TestADamagedKeyTakesNoneOutOfForce: what is in its place in a document may be the key of every client.
func TestADamagedKeyTakesNoneOutOfForce(t *testing.T) {
	for name, jwk := range map[string]map[string]any{
		"not on the curve":    changedJWK(jwkOf(t, "p256", "x"), "x", "AAAA"),
		"no base64":           changedJWK(jwkOf(t, "rsa", "x"), "n", "?"),
		"even exponent":       changedJWK(jwkOf(t, "rsa", "x"), "e", "AA"),
		"short":               changedJWK(jwkOf(t, "ed25519", "x"), "x", "AAAA"),
		"key ID is no string": changedJWK(jwkOf(t, "rsa", "x"), "kid", 7),
		"no key at all":       {"kty": "RSA"},
	} {
		set := NewKeySet("keys.json")
		fails := func(keys ...map[string]any) {
			t.Helper()
			if err := set.Set(jwkSet(t, keys...)); err == nil || !strings.HasPrefix(err.Error(), "keys.json: keys[0] is damaged: ") || set.Settled() {
				t.Errorf("%s: %v", name, err)
			}
		}
		tokens := tokensOf(t, IssuerOptions{KeySet: set})
		are := func(want map[string]Reason) {
			t.Helper()
			for _, signer := range []string{"rsa", "rsa2", "p384"} {
				algorithm := map[string]string{"rsa": "RS256", "rsa2": "RS256", "p384": "ES384"}[signer]
				if reason := reasonOf(t, tokens, sign(t, algorithm, pairs()[signer], header{"kid": signer}, claims(nil))); reason != want[signer] {
					t.Errorf("%s: a token of %s gets %q, want %q", name, signer, reason, want[signer])
				}
			}
		}
		fails(jwk)
		are(map[string]Reason{"rsa": UnknownKey, "rsa2": UnknownKey, "p384": UnknownKey})
		fails(jwk, jwkOf(t, "rsa", "rsa"))
		if set.Status().Read || set.Status().Keys != 1 {
			t.Errorf("%s: %+v", name, set.Status())
		}
		are(map[string]Reason{"rsa2": UnknownKey, "p384": UnknownKey})
		if err := set.Set(jwkSet(t, jwkOf(t, "rsa", "rsa"), jwkOf(t, "rsa2", "rsa2"))); err != nil {
			t.Fatal(err)
		}
		token, err := tokens.Verify(sign(t, "RS256", pairs()["rsa"], header{"kid": "rsa"}, claims(nil)))
		if err != nil {
			t.Fatal(err)
		}
		version := tokens.Version()
		for range 2 { // the second time nothing is new
			fails(jwk, jwkOf(t, "p384", "p384"), jwkOf(t, "rsa2", "rsa2"))
			are(nil)
			if !token.Current() || tokens.Version() != version+1 {
				t.Errorf("%s: the token is current: %v; version %d after %d", name, token.Current(), tokens.Version(), version)
			}
		}
		if err := set.Set(jwkSet(t, jwkOf(t, "p384", "p384"))); err != nil || token.Current() || !set.Settled() {
			t.Errorf("%s: a good reading takes nothing back: %v", name, err)
		}
		are(map[string]Reason{"rsa": UnknownKey, "rsa2": UnknownKey})
	}
}

// TestAPrivateKeyIsSaid: it is taken for what it verifies, and everybody is told that it is there.
func TestAPrivateKeyIsSaid(t *testing.T) {
	for _, name := range []string{"rsa", "p256", "ed25519"} {
		set := NewKeySet("keys.json")
		private := changedJWK(jwkOf(t, name, "x"), "d", "Y2FuYXJ5")
		err := set.Set(jwkSet(t, private, jwkOf(t, "p384", "good")))
		if err == nil || !strings.HasPrefix(err.Error(), "keys.json: keys[0] is a private key (d)") || strings.Contains(err.Error(), "Y2FuYXJ5") || set.Settled() {
			t.Errorf("%s: %v", name, err)
		}
		algorithm := map[string]string{"rsa": "RS256", "p256": "ES256", "ed25519": "EdDSA"}[name]
		tokens := tokensOf(t, IssuerOptions{KeySet: set})
		for _, token := range [][]byte{
			sign(t, algorithm, pairs()[name], header{"kid": "x"}, claims(nil)), sign(t, "ES384", pairs()["p384"], header{"kid": "good"}, claims(nil)),
		} {
			if reason := reasonOf(t, tokens, token); reason != "" {
				t.Errorf("%s: %s", name, reason)
			}
		}
		if err := set.Set(jwkSet(t, jwkOf(t, name, "x"))); err != nil || !set.Settled() || set.Status().Keys != 1 {
			t.Errorf("%s: the public half: %v, %+v", name, err, set.Status())
		}
	}
	if err := setOf(t, changedJWK(jwkOf(t, "rsa", "x"), "use", "enc", "d", "Y2FuYXJ5"), jwkOf(t, "p384", "good")).Status().Err; err != nil {
		t.Errorf("one for encryption: %v", err)
	}
}

// What is wrong with the certificates beside a key is wrong with nothing that counts.
func TestCertificatesBesideAKeyAreNotLookedAt(t *testing.T) {
	set := setOf(t, changedJWK(jwkOf(t, "rsa", "x"), "x5c", "no list", "x5t", 7, "x5t#S256", []int{}, "x5u", true))
	if !set.Settled() {
		t.Fatal(set.Status().Err)
	}
	token := sign(t, "RS256", pairs()["rsa"], header{"kid": "x"}, claims(nil))
	if reason := reasonOf(t, tokensOf(t, IssuerOptions{KeySet: set}), token); reason != "" {
		t.Error(reason)
	}
}

func TestAKeySetIsReplacedNotAppended(t *testing.T) {
	set := setOf(t, jwkOf(t, "rsa", "old"), jwkOf(t, "p256", "stays"))
	tokens := tokensOf(t, IssuerOptions{KeySet: set})
	byOld := sign(t, "RS256", pairs()["rsa"], header{"kid": "old"}, claims(nil))
	byStaying := sign(t, "ES256", pairs()["p256"], header{"kid": "stays"}, claims(nil))
	oldToken, err := tokens.Verify(byOld)
	if err != nil {
		t.Fatal(err)
	}
	staying, err := tokens.Verify(byStaying)
	if err != nil {
		t.Fatal(err)
	}
	staying.Key().Touch(7)
	version := tokens.Version()

	// The same once more changes nothing; nor does what cannot be read.
	if err := set.Set(jwkSet(t, jwkOf(t, "rsa", "old"), jwkOf(t, "p256", "stays"))); err != nil || tokens.Version() != version {
		t.Errorf("the same set again: %v, version %d", err, tokens.Version())
	}
	for _, bad := range []string{"", "{", `{"keys":[]}`, `{"keys":{}}`, "[]", "<html>", `{}`} {
		if err := set.Set([]byte(bad)); err == nil || set.Settled() || set.Status().Err == nil || !set.Status().Read {
			t.Errorf("%q is taken: %v", bad, err)
		}
	}
	if err := set.Failed(errors.New("is away")); err.Error() != "keys.json: is away" {
		t.Error(err)
	}
	if !oldToken.Current() || reasonOf(t, tokens, byOld) != "" || tokens.Settled() || tokens.Version() != version {
		t.Error("the old keys did not stay in force")
	}

	if err := set.Set(jwkSet(t, jwkOf(t, "p256", "stays"), jwkOf(t, "rsa2", "new"))); err != nil {
		t.Fatal(err)
	}
	if oldToken.Current() || reasonOf(t, tokens, byOld) != UnknownKey {
		t.Error("a key that is gone still verifies")
	}
	if !staying.Current() || reasonOf(t, tokens, byStaying) != "" {
		t.Error("a key that stayed verifies no more")
	}
	if tokens.Version() == version || !tokens.Settled() {
		t.Error("the version did not grow, or the set is in error")
	}
	if keys := tokens.Keys(); len(keys) != 2 || keys[0].Used != 7 || keys[1].Used != 0 {
		t.Errorf("the last use of a key that stayed is lost: %v", keys)
	}
	// One ID for another key.
	if err := set.Set(jwkSet(t, jwkOf(t, "other", "stays"))); err != nil {
		t.Fatal(err)
	}
	if staying.Current() || reasonOf(t, tokens, byStaying) != BadSignature {
		t.Error("another key under the same ID, and the old one still verifies")
	}
}

func TestAKeySetHasABound(t *testing.T) {
	keys := make([]map[string]any, maxKeys+1)
	for i := range keys {
		keys[i] = map[string]any{"kty": "X"}
	}
	if err := NewKeySet("keys.json").Set(jwkSet(t, keys...)); err == nil || !strings.Contains(err.Error(), "129 keys; want at most 128") {
		t.Error(err)
	}
}
