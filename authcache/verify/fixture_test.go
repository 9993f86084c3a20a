package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secretA = "an example secret of 32 bytes..A"
	secretB = "an example secret of 32 bytes..B"
)

// pairs are one key of each kind, made once for all tests.
var pairs = sync.OnceValue(func() map[string]crypto.Signer {
	must := func(key crypto.Signer, err error) crypto.Signer {
		if err != nil {
			panic(err)
		}
		return key
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	made := map[string]crypto.Signer{"ed25519": must(ed, err)}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521(), "other": elliptic.P256()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		made[name] = must(key, err)
	}
	for name, bits := range map[string]int{"rsa": 2048, "rsa2": 2048, "weak": 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		made[name] = must(key, err)
	}
	return made
})

// pemOf is the public half of a pair, as a file has it.
func pemOf(t testing.TB, name string) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pairs()[name].Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func publicKeyOf(t testing.TB, name string) *Key {
	t.Helper()
	keys, err := ParsePublicKeys(name+".pem", pemOf(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

func secretKey(t testing.TB, secret string) *Key {
	t.Helper()
	key, err := NewSecret("secret", []byte(secret), WantLong)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// claims are those of a good token, with some of them changed; nil takes one out.
func claims(changed jwt.MapClaims) jwt.MapClaims {
	all := jwt.MapClaims{"tenant_id": "team-a", "sub": "agent", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, changed)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// header is what a token says beside alg.
type header map[string]any

// sign makes a token.
func sign(t testing.TB, algorithm string, key any, h header, c jwt.MapClaims) []byte {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), c)
	maps.Copy(token.Header, h)
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

// hs256 is a good token but for what is changed.
func hs256(t testing.TB, changed jwt.MapClaims) []byte {
	return sign(t, "HS256", []byte(secretA), nil, claims(changed))
}

func tokensOf(t testing.TB, o IssuerOptions, further ...IssuerOptions) *Tokens {
	t.Helper()
	tokens, err := NewTokens(TokenOptions{Default: &o, Issuers: further})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// reasonOf is why a token is refused, "" when it is not.
func reasonOf(t testing.TB, tokens *Tokens, token []byte) Reason {
	t.Helper()
	_, err := tokens.Verify(token)
	if err == nil {
		return ""
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("the error is a %T", err)
	}
	return refusal.Reason
}

// jwkOf is a public key as a JWK set has it.
func jwkOf(t testing.TB, name, kid string) map[string]any {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := map[string]any{"use": "sig"}
	if kid != "" {
		jwk["kid"] = kid
	}
	switch public := pairs()[name].Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", b64(public.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", public.Curve.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", b64(public)
	}
	return jwk
}

func jwkSet(t testing.TB, keys ...map[string]any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
