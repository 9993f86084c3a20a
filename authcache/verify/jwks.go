package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// Bounds of a set of keys: no provider has as many, and each may be tried on a token.
const (
	maxKeys  = 128
	maxKeyID = 256 // bytes
)

// parseKeySet reads a JWK Set (RFC 7517). Keys that cannot verify a token here are passed over: of another use or kind,
// damaged, or a shared secret, which has no place in a document that anybody may read. One usable key there must be.
func parseKeySet(name string, text []byte) ([]*Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("it is no JWK set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("it has %d keys; want at most %d", len(set.Keys), maxKeys)
	}
	var keys []*Key
	var passed error
	for i, raw := range set.Keys {
		key, err := parseJWK(name, raw)
		if err != nil {
			passed = fmt.Errorf("keys[%d]: %w", i, err)
			continue
		}
		if !slices.ContainsFunc(keys, key.same) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		if passed == nil {
			passed = errors.New("it is empty")
		}
		return nil, fmt.Errorf("there is no key in it that verifies tokens: %w", passed)
	}
	return keys, nil
}

func parseJWK(name string, raw json.RawMessage) (*Key, error) {
	var written jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &written); err != nil {
		return nil, err
	}
	if written.USE != "" && written.USE != jwkset.UseSig {
		return nil, fmt.Errorf("its use is %q, not \"sig\"", written.USE)
	}
	if len(written.KEYOPS) > 0 && !slices.Contains(written.KEYOPS, jwkset.KeyOpsVerify) {
		return nil, errors.New("its key_ops have no \"verify\"")
	}
	if len(written.KID) > maxKeyID {
		return nil, fmt.Errorf("its kid has %d bytes; want at most %d", len(written.KID), maxKeyID)
	}
	// Certificates beside a key say nothing that the provider does not vouch for itself, and are not looked at.
	written.X5U, written.X5C, written.X5T, written.X5TS256 = "", nil, "", ""
	// Without Private no secret is read, and of a private key that was published only the public half.
	jwk, err := jwkset.NewJWKFromMarshal(written, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipUse: true, SkipKeyOps: true, SkipMetadata: true})
	if err != nil {
		return nil, err
	}
	title := name
	if written.KID != "" {
		title = fmt.Sprintf("%s kid %q", name, written.KID)
	}
	key, err := newPublicKey(title, jwk.Key())
	if err != nil {
		return nil, err
	}
	key.id = written.KID
	if algorithm := written.ALG.String(); algorithm != "" {
		if !key.fits(algorithm) {
			return nil, fmt.Errorf("its alg %q does not fit its kind", algorithm)
		}
		key.algorithms = []string{algorithm}
	}
	return key, nil
}
