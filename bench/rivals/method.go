package rivals

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/GehirnInc/crypt"
	_ "github.com/GehirnInc/crypt/apr1_crypt" // registers APR1
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/bench/payload"
)

// Method is one way in which a client proves who it is.
type Method struct {
	Name          string
	About         string
	Authorization string // the value of the header
}

// PlainMethod is the name of the method that the others are compared with.
const PlainMethod = "password"

// slowCost is the cost of the bcrypt hash: a quarter of a second of one core, once.
const slowCost = 12

// methodPassword is the password of those methods that have one.
const methodPassword = "3xKq9vTzPd7mWn2RfYb8"

// Methods makes a client for each method, the files that headgate needs for them in a folder, and the part of its
// configuration that knows them.
func Methods(dir string) ([]Method, string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(methodPassword), slowCost)
	if err != nil {
		return nil, "", fmt.Errorf("hash a password: %w", err)
	}
	apr1, err := crypt.APR1.New().Generate([]byte(methodPassword), []byte("$apr1$benchslt"))
	if err != nil {
		return nil, "", fmt.Errorf("hash a password: %w", err)
	}
	htpasswd := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(htpasswd, []byte("team-apr1:"+apr1+"\n"), 0o600); err != nil {
		return nil, "", fmt.Errorf("configure headgate: %w", err)
	}
	digest := sha256.Sum256([]byte(methodPassword))
	tokens, auth, err := signedTokens(dir)
	if err != nil {
		return nil, "", err
	}
	methods := append([]Method{
		{PlainMethod, "basic, password in plain text", payload.Basic("user-plain", methodPassword)},
		{"password_sha256", "basic, SHA-256 of the password", payload.Basic("user-sha256", methodPassword)},
		{"bcrypt", fmt.Sprintf("basic, bcrypt of cost %d", slowCost), payload.Basic("user-bcrypt", methodPassword)},
		{"apr1", "basic, htpasswd_file with apr1", payload.Basic("team-apr1", methodPassword)},
		{"token", "bearer, token in plain text", "Bearer " + methodPassword},
	}, tokens...)
	text := fmt.Sprintf(`
[[tenants]]
id = "team-plain"
username = "user-plain"
password = %[1]q

[[tenants]]
id = "team-sha256"
username = "user-sha256"
password_sha256 = %[2]q

[[tenants]]
id = "team-bcrypt"
username = "user-bcrypt"
password_hash = %[3]q

[[tenants]]
id = "team-token"
token = %[1]q

[auth]
htpasswd_file = %[4]q

%[5]s`, methodPassword, hex.EncodeToString(digest[:]), hash, htpasswd, auth)
	return methods, text, nil
}

// signedTokens makes a token of each kind of key.
func signedTokens(dir string) ([]Method, string, error) {
	secret := []byte("a secret of forty bytes, for HS256 tokens")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	var methods []Method
	var files []string
	for _, kind := range []struct {
		method jwt.SigningMethod
		key    any
	}{
		{jwt.SigningMethodHS256, secret}, {jwt.SigningMethodRS256, rsaKey}, {jwt.SigningMethodES256, ecKey}, {jwt.SigningMethodEdDSA, edKey},
	} {
		name := kind.method.Alg()
		token, err := jwt.NewWithClaims(kind.method, jwt.MapClaims{
			"tenant_id": "team-" + strings.ToLower(name), "sub": "prometheus", "exp": time.Now().Add(24 * time.Hour).Unix(),
		}).SignedString(kind.key)
		if err != nil {
			return nil, "", fmt.Errorf("sign a token with %s: %w", name, err)
		}
		methods = append(methods, Method{name, "bearer, a JWT signed with " + name, "Bearer " + token})
		if signer, ok := kind.key.(crypto.Signer); ok {
			file, err := writePublicKey(dir, name, signer.Public())
			if err != nil {
				return nil, "", err
			}
			files = append(files, fmt.Sprintf("%q", file))
		}
	}
	return methods, fmt.Sprintf("[auth.jwt]\nsecret = %q\npublic_key_files = [%s]\n", secret, strings.Join(files, ", ")), nil
}

func writePublicKey(dir, name string, key any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("write a public key: %w", err)
	}
	file := filepath.Join(dir, name+".pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		return "", fmt.Errorf("write a public key: %w", err)
	}
	return file, nil
}
