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

// parseKeySet reads a JWK Set (RFC 7517). Keys that are not meant for tokens here are passed over: of another use or kind, too
// weak, or a shared secret, which has no place in a document that anybody may read. One that is left there must be. When one
// that is meant for them cannot be read, the error says so, and the keys are the others: they may not be all. A private key is
// an error as well, with its public half among the keys.
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
	var passed, wrong error
	for i, raw := range set.Keys {
		key, err := parseJWK(name, raw)
		if _, other := errors.AsType[*passedOver](err); other {
			passed = fmt.Errorf("keys[%d]: %w", i, err)
			continue
		}
		switch {
		case err == nil:
		case key != nil:
			wrong = fmt.Errorf("keys[%d] %w", i, err)
		default:
			wrong = fmt.Errorf("keys[%d] is damaged: %w", i, err)
			continue
		}
		if !slices.ContainsFunc(keys, key.same) {
			keys = append(keys, key)
		}
	}
	if wrong != nil {
		return keys, wrong
	}
	if len(keys) == 0 {
		if passed == nil {
			passed = errors.New("it is empty")
		}
		return nil, fmt.Errorf("there is no key in it that verifies tokens: %w", passed)
	}
	return keys, nil
}

// passedOver is why a key is not meant for tokens here.
type passedOver struct{ error }

func pass(format string, args ...any) error { return &passedOver{fmt.Errorf(format, args...)} }

var errPrivate = errors.New("is a private key (d), and whoever reads it can sign; want the public half alone, of a new key if others saw this one")

// parseJWK reads one key. The error is a *passedOver for one that is not meant for tokens here, and of a private one, of which
// the public half is read, errPrivate.
func parseJWK(name string, raw json.RawMessage) (*Key, error) {
	raw, err := withoutCertificates(raw)
	if err != nil {
		return nil, &passedOver{err} // it is no key at all
	}
	var written jwkset.JWKMarshal
	mistyped := json.Unmarshal(raw, &written) // what is of the right type is read all the same
	if err := purpose(&written); err != nil {
		return nil, err
	}
	if mistyped != nil {
		return nil, mistyped
	}
	// Without Private no secret is read.
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
		return nil, &passedOver{err} // it is whole, and will never be strong enough
	}
	key.id = written.KID
	if algorithm := written.ALG.String(); algorithm != "" {
		key.algorithms = []string{algorithm}
	}
	if written.D != "" {
		return key, errPrivate
	}
	return key, nil
}

// withoutCertificates takes out the certificates beside a key: they say nothing that the provider does not vouch for itself,
// and what is wrong with them is wrong with nothing that counts.
func withoutCertificates(raw json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	for _, name := range []string{"x5u", "x5c", "x5t", "x5t#S256"} {
		delete(members, name)
	}
	return json.Marshal(members)
}

// purpose is nil for a key that tokens are to be verified with, and a *passedOver for any other.
func purpose(written *jwkset.JWKMarshal) error {
	if written.USE != "" && written.USE != jwkset.UseSig {
		return pass("its use is %q, not \"sig\"", written.USE)
	}
	if len(written.KEYOPS) > 0 && !slices.Contains(written.KEYOPS, jwkset.KeyOpsVerify) {
		return pass("its key_ops have no \"verify\"")
	}
	if len(written.KID) > maxKeyID {
		return pass("its kid has %d bytes; want at most %d", len(written.KID), maxKeyID)
	}
	var algorithms []string
	switch written.KTY {
	case jwkset.KtyRSA:
		algorithms = rsaAlgorithms
	case jwkset.KtyEC, jwkset.KtyOKP:
		algorithms = curveAlgorithms[written.CRV]
	}
	if len(algorithms) == 0 {
		return pass("a key of type %q and curve %q verifies no tokens here", written.KTY, written.CRV)
	}
	if algorithm := written.ALG.String(); algorithm != "" && !slices.Contains(algorithms, algorithm) {
		return pass("its alg %q does not fit its kind", algorithm)
	}
	return nil
}

// curveAlgorithms are what the keys of a curve are for.
var curveAlgorithms = map[jwkset.CRV][]string{
	jwkset.CrvP256: {"ES256"}, jwkset.CrvP384: {"ES384"}, jwkset.CrvP521: {"ES512"}, jwkset.CrvEd25519: {"EdDSA"},
}
