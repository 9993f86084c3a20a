package verify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// MinSecretSize is the least length of a secret, in bytes: as much as HS256 can use (RFC 7518, section 3.2).
const MinSecretSize = 32

// minRSABits is the least modulus (RFC 7518, section 3.3).
const minRSABits = 2048

// Key is one key that signatures are checked with. The algorithms it may be used with are part of it: a public key is
// never taken for a secret, nor an algorithm from the word of a token.
type Key struct {
	name       string   // immutable; for people
	id         string   // immutable; "kid" of a JWK, "" when it has none
	algorithms []string // immutable
	material   any      // immutable; []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey

	retired atomic.Bool   // set once, when its set does not have it any more
	used    atomic.Uint32 // minutes since 1970, 0: never
}

// KeyStatus tells of a key.
type KeyStatus struct {
	Name       string // where it comes from, and its key ID
	Algorithms []string
	Used       uint32 // the minute, counted from 1970, in which a token of it was last presented; 0: never
}

// NewSecret makes a key of a shared secret, for HS256, HS384 and HS512. The secret is copied. Under MinSecretSize bytes
// it is an error unless allowed short; an empty one always is.
func NewSecret(name string, secret []byte, length SecretLength) (*Key, error) {
	switch {
	case len(secret) == 0:
		return nil, fmt.Errorf("%s: the secret is empty", name)
	case len(secret) < MinSecretSize && length != AllowShort:
		return nil, fmt.Errorf("%s: the secret has %d bytes, which can be guessed from one token; want %d or more, or allow_short_secret = true",
			name, len(secret), MinSecretSize)
	}
	return &Key{name: name, algorithms: hmacAlgorithms, material: bytes.Clone(secret)}, nil
}

// SecretLength says which secrets NewSecret takes.
type SecretLength uint8

// The lengths.
const (
	WantLong   SecretLength = iota // MinSecretSize or more
	AllowShort                     // any but none
)

var (
	hmacAlgorithms = []string{"HS256", "HS384", "HS512"}
	rsaAlgorithms  = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
)

// ParsePublicKeys reads the public keys of a PEM text: "PUBLIC KEY", "RSA PUBLIC KEY" and "CERTIFICATE". All it holds
// verify, so one that is damaged is an error. A private key is one too, since it has no business here.
func ParsePublicKeys(name string, text []byte) ([]*Key, error) {
	blocks, err := DecodePEM(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var keys []*Key
	for _, block := range blocks {
		title := name
		if len(keys) > 0 {
			title = fmt.Sprintf("%s (key %d)", name, len(keys)+1)
		}
		public, err := publicKey(block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		key, err := newPublicKey(title, public)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf(`%s: there is no public key in it; want PEM with "-----BEGIN PUBLIC KEY-----"`, name)
	}
	return keys, nil
}

func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("it is a private key; want the public one, and keep that one with the issuer")
	}
	return nil, fmt.Errorf("PEM block %q is of no use here; want PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE", block.Type)
}

// newPublicKey pins the algorithms to the kind of key. The key gets no ID.
func newPublicKey(name string, public any) (*Key, error) {
	k := &Key{name: name, material: public}
	switch p := public.(type) {
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSABits {
			return nil, fmt.Errorf("the RSA key has %d bits; want %d or more", bits, minRSABits)
		}
		k.algorithms = rsaAlgorithms
	case *ecdsa.PublicKey:
		algorithm := map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[p.Curve.Params().BitSize]
		if algorithm == "" {
			return nil, fmt.Errorf("the elliptic curve %s signs no tokens; want P-256, P-384 or P-521", p.Curve.Params().Name)
		}
		k.algorithms = []string{algorithm}
	case ed25519.PublicKey:
		k.algorithms = []string{"EdDSA"}
	default:
		return nil, fmt.Errorf("a key of type %T signs no tokens; want RSA, ECDSA or Ed25519", public)
	}
	return k, nil
}

// Name tells where the key comes from.
func (k *Key) Name() string { return k.name }

// Touch notes that a token of the key was presented in this minute, counted from 1970.
func (k *Key) Touch(minute uint32) {
	if k.used.Load() != minute {
		k.used.Store(minute)
	}
}

// Status tells of the key. The slice is shared.
func (k *Key) Status() KeyStatus {
	return KeyStatus{Name: k.name, Algorithms: k.algorithms, Used: k.used.Load()}
}

// String is the name; the key itself may be a secret.
func (k *Key) String() string { return k.name }

func (k *Key) fits(algorithm string) bool { return slices.Contains(k.algorithms, algorithm) }

// same reports whether both are one key, of the same ID and for the same algorithms.
func (k *Key) same(other *Key) bool {
	if k.id != other.id || !slices.Equal(k.algorithms, other.algorithms) {
		return false
	}
	if secret, ok := k.material.([]byte); ok {
		theirs, ok := other.material.([]byte)
		return ok && bytes.Equal(secret, theirs)
	}
	public, ok := k.material.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(other.material)
}
