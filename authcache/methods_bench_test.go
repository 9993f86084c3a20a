package authcache

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/headgate/headgate/authcache/verify"
)

// signers are a key for each of the usual algorithms, and what verifies it.
func signers(b *testing.B) map[string]struct {
	private any
	public  *verify.Key
} {
	rsaKey, err1 := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPublic, edKey, err3 := ed25519.GenerateKey(rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		b.Fatal(err1, err2, err3)
	}
	public := func(key any) *verify.Key {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			b.Fatal(err)
		}
		keys, err := verify.ParsePublicKeys("key", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if err != nil {
			b.Fatal(err)
		}
		return keys[0]
	}
	return map[string]struct {
		private any
		public  *verify.Key
	}{
		"HS256": {[]byte(tokenSecret), newSecret(b, tokenSecret)},
		"RS256": {rsaKey, public(&rsaKey.PublicKey)},
		"ES256": {ecKey, public(&ecKey.PublicKey)},
		"EdDSA": {edKey, public(edPublic)},
	}
}

// BenchmarkMethods is a hit of every kind of credential, once seen.
func BenchmarkMethods(b *testing.B) {
	c := New(Options{})
	defer c.Close()
	terms := Terms{AllowFrom: prefixes("10.0.0.0/8"), Expires: time.Now().Add(time.Hour)}
	mustReplace(b, c, "file", plain("a", "plain", "correct-horse-battery"), generated("a", "sha256", "correct-horse-battery"),
		hashed("a", "apr1", "$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/"), hashed("a", "bcrypt", "$2b$04$8hDZrmKqn3jHMKnDYZ3ZIe4LXzxC0MQkSh9hAi1DnUHJyfMnsQyBO"),
		onTerms(plain("a", "terms", "correct-horse-battery"), terms), tokenEntry("b", "an-opaque-token-of-some-length"),
		Entry{Identity: &Identity{Tenant: "d", Client: "d"}, Scheme: Certificate, User: "dns:agent.example"},
		Entry{Identity: &Identity{Tenant: "e", Client: "e", Terms: &terms}, Scheme: Anonymous})
	type method struct {
		name string
		cred Credential
	}
	methods := []method{
		{"plain", basic("plain", "correct-horse-battery")}, {"sha256", basic("sha256", "correct-horse-battery")}, {"apr1", basic("apr1", "secret")},
		{"terms", from(basic("terms", "correct-horse-battery"), "10.0.0.1")}, {"bearer", bearer("an-opaque-token-of-some-length")},
		{"certificate", Credential{Scheme: Certificate, User: []byte("dns:agent.example")}}, {"nobody", from(Credential{Scheme: Anonymous}, "10.0.0.1")},
	}
	var keys []*verify.Key
	for algorithm, key := range signers(b) {
		keys = append(keys, key.public)
		claims := jwt.MapClaims{"tenant_id": "team-a", "sub": "agent", "exp": time.Now().Add(time.Hour).Unix()}
		text, err := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), claims).SignedString(key.private)
		if err != nil {
			b.Fatal(err)
		}
		methods = append(methods, method{algorithm, bearer(text)})
	}
	c.UseTokens(TokenOptions{Tokens: tokensOf(b, verify.IssuerOptions{Keys: keys})})
	for _, m := range methods {
		b.Run(m.name, func(b *testing.B) {
			if _, verdict := c.Authenticate(m.cred); verdict != Accepted {
				b.Fatal(verdict)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Authenticate(m.cred)
			}
		})
	}
}

// BenchmarkVerify is the first sight of a signed token.
func BenchmarkVerify(b *testing.B) {
	for algorithm, key := range signers(b) {
		b.Run(algorithm, func(b *testing.B) {
			tokens := tokensOf(b, verify.IssuerOptions{Keys: []*verify.Key{key.public}})
			claims := jwt.MapClaims{"tenant_id": "team-a", "sub": "agent", "exp": time.Now().Add(time.Hour).Unix()}
			text, err := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), claims).SignedString(key.private)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tokens.Verify([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTenant(b *testing.B) {
	lists := &Identity{Tenant: "own", Client: "c", Reach: reachOf(b, []string{"a", "b", "c"}, []string{"a", "b"}, []string{"a", "b"})}
	rules := TenantRules{Federation: true}
	for name, ask := range map[string]TenantAsk{
		"own": {Scope: Write}, "one": {Scope: Write, Sent: []byte("b"), Headers: 1}, "subset": {Scope: Read, Federated: true, Sent: []byte("c|a"), Headers: 1},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rules.Tenant(lists, ask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
