package verify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// IssuerOptions is one kind of tokens: who signs them, and what they have to say.
type IssuerOptions struct {
	// Keys are the secrets and PEM keys; any of them verifies.
	Keys []*Key
	// KeySet is a JWK set, nil when there is none. Who made it closes it.
	KeySet *KeySet
	// Algorithms that are taken. Empty: all that fit the keys.
	Algorithms []string
	// Issuer that iss has to be. Empty: iss does not count.
	Issuer string
	// Audience that aud has to be or hold. Empty: aud does not count.
	Audience string
	// TenantClaim is the claim that names the tenant: tried literally, then as a dotted path. Its value is a string or
	// a list of strings. Empty: DefaultTenantClaim.
	TenantClaim string
	// TenantPattern, a regular expression with one group, picks the tenant out of the value; a value without a match
	// names none. nil: the value is the tenant.
	TenantPattern *regexp.Regexp
	// ScopesClaim is the claim that holds the scopes, found as TenantClaim is: a list of strings, or one string with
	// blanks between them. A token without it has none. Empty: tokens do not say.
	ScopesClaim string
	// Expiry says whether a token must have exp.
	Expiry ExpiryRule
	// MinVersion is the least integer that the claim version may have. 0: version does not count.
	MinVersion int64
	// TenantMinVersion is the same for the tokens of one tenant.
	TenantMinVersion map[string]int64
	// Revoked are the tokens that are not taken any more. nil: none.
	Revoked *Revocations
	// Leeway is how far the clocks of issuer and gateway may be apart.
	Leeway time.Duration
}

// ExpiryRule says whether a token must have exp. One that has it is refused when it has passed, whatever the rule.
type ExpiryRule uint8

// The rules.
const (
	RequireExpiry ExpiryRule = iota
	AllowEndless
)

// DefaultTenantClaim is the claim that cortex-gateway used.
const DefaultTenantClaim = "tenant_id"

// knownAlgorithms are all that a key can be for.
var knownAlgorithms = slices.Concat(hmacAlgorithms, rsaAlgorithms, []string{"ES256", "ES384", "ES512", "EdDSA"})

// issuer is IssuerOptions at work.
type issuer struct {
	options IssuerOptions // immutable
	parser  *jwt.Parser   // immutable, safe for concurrent use
	state   *issuers      // immutable; that it is of, nil for one alone
}

func newIssuer(o IssuerOptions) (*issuer, error) {
	if len(o.Keys) == 0 && o.KeySet == nil {
		return nil, errors.New("there is no key to check tokens with; want a secret, public_key_files, jwks_file, jwks_url or an issuer")
	}
	if o.TenantPattern != nil && o.TenantPattern.NumSubexp() < 1 {
		return nil, fmt.Errorf("tenant_pattern %q has no group; want one around the tenant, as in ^/metrics/(.+)$", o.TenantPattern)
	}
	if o.Leeway < 0 || o.MinVersion < 0 {
		return nil, errors.New("leeway and min_version must not be negative")
	}
	for _, algorithm := range o.Algorithms {
		if !slices.Contains(knownAlgorithms, algorithm) {
			return nil, fmt.Errorf("algorithms: %q is unknown or unsafe; want some of %v", algorithm, knownAlgorithms)
		}
	}
	algorithms := o.Algorithms
	if len(algorithms) == 0 {
		algorithms = knownAlgorithms // each key knows its own
	} else if o.KeySet == nil && !slices.ContainsFunc(o.Keys, func(k *Key) bool { return slices.ContainsFunc(algorithms, k.fits) }) {
		return nil, fmt.Errorf("algorithms: none of %v fits a key; want some that do, or none at all", algorithms)
	}
	if o.TenantClaim == "" {
		o.TenantClaim = DefaultTenantClaim
	}
	parsing := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithLeeway(o.Leeway), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
	}
	if o.Expiry == RequireExpiry {
		parsing = append(parsing, jwt.WithExpirationRequired())
	}
	if o.Issuer != "" {
		parsing = append(parsing, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		parsing = append(parsing, jwt.WithAudience(o.Audience))
	}
	return &issuer{options: o, parser: jwt.NewParser(parsing...)}, nil
}

// verify checks a token against this issuer alone. The library has the last word on every part of it.
func (i *issuer) verify(text string) (*Token, *Refusal) {
	revoked := i.revocations()
	var s selection
	claims := jwt.MapClaims{}
	parsed, err := i.parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		s = i.choose(t)
		if s.refusal != nil {
			return nil, s.refusal
		}
		return s.key.material, nil
	})
	if err != nil {
		r := refusalOf(err)
		switch {
		case r.Reason == BadSignature && s.key == nil && s.refusal == nil: // choose was not even asked
			r = refuse(BadAlgorithm, "the algorithm of the token is not taken (alg)")
		case s.missing && (r.Reason == BadSignature || r.Reason == UnknownKey):
			r.Again, r.Doubt = i.options.KeySet.missing(cmp.Or(s.id, text))
			r.Unread = !i.options.KeySet.state.Load().read
		}
		return nil, r
	}
	if !parsed.Valid || s.key == nil {
		panic("BUG: a token without a signature was found good")
	}
	t, r := i.read(claims)
	if r != nil {
		return nil, r
	}
	t.standing.Store(&standing{i, s.key})
	t.checked.Store(revoked)
	if t.listed(revoked) {
		return nil, refuse(Revoked, "the token was revoked (jti)")
	}
	return t, nil
}

// selection is the key that a token says it was signed with, or why there is none.
type selection struct {
	key     *Key
	refusal *Refusal
	id      string // of the key, "" when the token does not say
	missing bool   // the key set does not have it: its next reading may
}

// choose finds the key of a token. It looks at nothing but the header, which nobody vouches for yet: the ID is only
// compared, and the algorithm has to be one that the key is for.
func (i *issuer) choose(t *jwt.Token) selection {
	for _, name := range []string{"jku", "jwk", "x5u", "x5c"} {
		if _, found := t.Header[name]; found {
			return selection{refusal: refuse(BadHeader, "the token brings its own key (%s); keys are what the configuration says", name)}
		}
	}
	if _, found := t.Header["crit"]; found {
		return selection{refusal: refuse(BadHeader, "the token wants an extension that is unknown here (crit)")}
	}
	id, ok := "", true
	if value, found := t.Header["kid"]; found {
		id, ok = value.(string)
	}
	if !ok || len(id) > maxKeyID {
		return selection{refusal: refuse(BadHeader, "the key ID of the token is no string of up to %d bytes (kid)", maxKeyID)}
	}
	algorithm := t.Method.Alg()
	candidates, missing := i.candidates(id, algorithm)
	s := selection{id: id, missing: missing}
	switch {
	case len(candidates) == 1:
		s.key = candidates[0]
		return s
	case len(candidates) == 0 && missing && id != "":
		s.refusal = refuse(UnknownKey, "the issuer has no key with this ID (kid)")
		return s
	case len(candidates) == 0 && missing: // it names none, so the next reading may have it
		s.refusal = refuse(UnknownKey, "the issuer has no key for algorithm %s (alg)", algorithm)
		return s
	case len(candidates) == 0:
		s.refusal = refuse(BadAlgorithm, "no key is for algorithm %s (alg)", algorithm)
		return s
	}
	signed := t.Raw[:strings.LastIndexByte(t.Raw, '.')]
	for _, key := range candidates {
		if t.Method.Verify(signed, t.Signature, key.material) == nil {
			s.key = key
			return s
		}
	}
	s.refusal = refuse(BadSignature, "no key verifies the signature of the token")
	return s
}

// candidates are the keys that a token of this key ID (which may be empty) and algorithm can be signed with, and whether
// the key set lacks the ID. It lacks none for a secret, which it never has.
func (i *issuer) candidates(id, algorithm string) (found []*Key, missing bool) {
	for _, key := range i.options.Keys {
		if key.fits(algorithm) {
			found = append(found, key)
		}
	}
	if i.options.KeySet == nil {
		return found, false
	}
	missing = !slices.Contains(hmacAlgorithms, algorithm)
	for _, key := range i.options.KeySet.state.Load().all {
		if id != "" && key.id != "" && key.id != id {
			continue
		}
		missing = missing && (id == "" || key.id != id)
		if key.fits(algorithm) {
			found = append(found, key)
		}
	}
	return found, missing
}

// wantsTheSame reports whether a token that one of the two finds good is good for the other one too, if it has the key.
func (i *issuer) wantsTheSame(other *issuer) bool {
	a, b := &i.options, &other.options
	return slices.Equal(a.Algorithms, b.Algorithms) && a.Issuer == b.Issuer && a.Audience == b.Audience &&
		a.TenantClaim == b.TenantClaim && patternText(a.TenantPattern) == patternText(b.TenantPattern) &&
		a.ScopesClaim == b.ScopesClaim && a.Expiry == b.Expiry && a.Leeway == b.Leeway &&
		a.MinVersion == b.MinVersion && maps.Equal(a.TenantMinVersion, b.TenantMinVersion)
}

func patternText(pattern *regexp.Regexp) string {
	if pattern == nil {
		return ""
	}
	return pattern.String()
}

// key is the issuer's own key that is the same as this one, nil if it has none.
func (i *issuer) key(like *Key) *Key {
	if key := find(i.options.Keys, like); key != nil || i.options.KeySet == nil {
		return key
	}
	return find(i.options.KeySet.state.Load().all, like)
}

func (i *issuer) revocations() *map[string]struct{} {
	if i.options.Revoked == nil {
		return nil
	}
	return i.options.Revoked.ids.Load()
}
