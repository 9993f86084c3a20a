package verify

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MintOptions are what a new token says.
type MintOptions struct {
	Tenant  string
	Subject string        // sub: the name of the client
	TTL     time.Duration // from now to exp. 0: no exp, an error where one is required
	Scopes  []string      // of the issuer's scopes claim
}

// Mint makes a token that an issuer of these options accepts, signed with its first secret. The error says what in the
// configuration makes that impossible. The token is a secret.
func Mint(o IssuerOptions, m MintOptions) (string, error) {
	i, err := newIssuer(o)
	if err != nil {
		return "", err
	}
	method, secret, err := i.signer()
	if err != nil {
		return "", err
	}
	claims, err := i.newClaims(m)
	if err != nil {
		return "", err
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("sign the token: %w", err)
	}
	if len(token) > MaxTokenSize {
		return "", fmt.Errorf("the token has %d bytes; want at most %d", len(token), MaxTokenSize)
	}
	verified, refusal := i.verify(token)
	if refusal != nil {
		return "", fmt.Errorf("this configuration would not accept the token: %w", refusal)
	}
	if !slices.Equal(verified.Tenants, []string{m.Tenant}) {
		return "", fmt.Errorf("this configuration would read tenants %q from the token, not %q", verified.Tenants, m.Tenant)
	}
	return token, nil
}

// signer is the first secret, and the first algorithm that it may be used with.
func (i *issuer) signer() (jwt.SigningMethod, []byte, error) {
	for _, key := range i.options.Keys {
		secret, ok := key.material.([]byte)
		if !ok {
			continue
		}
		for _, algorithm := range hmacAlgorithms {
			if len(i.options.Algorithms) == 0 || slices.Contains(i.options.Algorithms, algorithm) {
				return jwt.GetSigningMethod(algorithm), secret, nil
			}
		}
		return nil, nil, fmt.Errorf("algorithms: %v has none that signs with a secret; want one of %v", i.options.Algorithms, hmacAlgorithms)
	}
	return nil, nil, errors.New("there is no secret to sign with; want auth.jwt.secret, or a token from the issuer who has the private key")
}

func (i *issuer) newClaims(m MintOptions) (jwt.MapClaims, error) {
	now := time.Now()
	value, err := unpick(i.options.TenantPattern, m.Tenant)
	if err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{
		i.options.TenantClaim: value,
		"iat":                 now.Unix(),
		"jti":                 newID(),
	}
	switch {
	case m.TTL > 0:
		claims["exp"] = now.Add(m.TTL).Unix()
	case m.TTL < 0 || i.options.Expiry == RequireExpiry:
		return nil, errors.New("a token needs an end; want a time to live of a second or more, or require_expiry = false")
	}
	if m.Subject != "" {
		claims["sub"] = m.Subject
	}
	if i.options.Issuer != "" {
		claims["iss"] = i.options.Issuer
	}
	if i.options.Audience != "" {
		claims["aud"] = i.options.Audience
	}
	if version := max(i.options.MinVersion, i.options.TenantMinVersion[m.Tenant]); version > 0 {
		claims["version"] = version
	}
	if len(m.Scopes) > 0 {
		if i.options.ScopesClaim == "" {
			return nil, errors.New("tokens do not say their scopes here; want auth.jwt.scopes_claim, or no scopes")
		}
		claims[i.options.ScopesClaim] = m.Scopes
	}
	return claims, nil
}

// newID is a random jti, by which the token can be revoked.
func newID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}

// unpick returns a value from which the pattern picks the tenant. That can be done for fixed text around one group,
// which is what such patterns are.
func unpick(pattern *regexp.Regexp, tenant string) (string, error) {
	if pattern == nil {
		return tenant, nil
	}
	impossible := fmt.Errorf("tenant_pattern %q: no value can be made for it; want fixed text around one group, or a token from the issuer", pattern)
	parsed, err := syntax.Parse(pattern.String(), syntax.Perl)
	if err != nil {
		return "", impossible
	}
	parts := []*syntax.Regexp{parsed}
	if parsed.Op == syntax.OpConcat {
		parts = parsed.Sub
	}
	var value strings.Builder
	for _, part := range parts {
		switch part.Op {
		case syntax.OpLiteral:
			value.WriteString(string(part.Rune))
		case syntax.OpCapture:
			value.WriteString(tenant)
		case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine, syntax.OpEndText, syntax.OpEmptyMatch:
		default:
			return "", impossible
		}
	}
	if groups := pattern.FindStringSubmatch(value.String()); groups == nil || groups[1] != tenant {
		return "", fmt.Errorf("tenant_pattern %q does not take tenant %q", pattern, tenant)
	}
	return value.String(), nil
}
