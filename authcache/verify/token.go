package verify

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxTokenSize is the longest token, in bytes, that is looked at.
const MaxTokenSize = 8 << 10

// TokenOptions are all the tokens that are taken.
type TokenOptions struct {
	// Default is for tokens whose iss is none of Issuers, nil when there is no such issuer. When it names an issuer
	// itself, their iss must be that one.
	Default *IssuerOptions
	// Issuers are further ones, each chosen by its exact iss, with keys of its own: none of them verifies a token of
	// another issuer.
	Issuers []IssuerOptions
}

// Tokens checks signed tokens (JSON Web Tokens in compact form, RFC 7519). It is immutable but for the keys in its key
// sets and its lists of revoked tokens, and may be used by any number of goroutines.
type Tokens struct {
	fallback *issuer // nil: there is none
	named    map[string]*issuer
	all      []*issuer
}

// NewTokens returns what checks these tokens. The errors say which key of the configuration to look at.
func NewTokens(o TokenOptions) (*Tokens, error) {
	t := &Tokens{named: map[string]*issuer{}}
	if o.Default != nil {
		i, err := newIssuer(*o.Default)
		if err != nil {
			return nil, err
		}
		t.fallback = i
		t.all = append(t.all, i)
	}
	for n, options := range o.Issuers {
		if options.Issuer == "" {
			return nil, fmt.Errorf("issuers[%d]: issuer is empty; want the iss of its tokens", n)
		}
		if t.named[options.Issuer] != nil || o.Default != nil && o.Default.Issuer == options.Issuer {
			return nil, fmt.Errorf("issuers[%d]: issuer %q is there already; want each once", n, options.Issuer)
		}
		i, err := newIssuer(options)
		if err != nil {
			return nil, fmt.Errorf("issuers[%d]: %w", n, err)
		}
		t.named[options.Issuer] = i
		t.all = append(t.all, i)
	}
	if len(t.all) == 0 {
		return nil, errors.New("there is no issuer; want one at least")
	}
	return t, nil
}

// LooksSigned reports whether a bearer token has the shape of a signed one: three parts of base64url, the first two not
// empty, and no longer than MaxTokenSize. What has not is no business of Tokens.
func LooksSigned(token []byte) bool {
	if len(token) > MaxTokenSize {
		return false
	}
	dots, last := 0, -1
	for i, c := range token {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && dots < 2 && i > last+1:
			dots, last = dots+1, i
		default:
			return false // line breaks too, which the decoder would pass over
		}
	}
	return dots == 2
}

// Token is a token that was verified.
type Token struct {
	Tenants     []string  // what the tenant claim names, each once; none of them checked by Cortex's rules
	Subject     string    // sub, as it is
	ID          string    // jti, "" when there is none
	Scopes      []string  // as they are, also unknown ones
	ScopesGiven bool      // tokens of this issuer say their scopes; one that says none has none
	Expires     time.Time // exp; zero: never

	until   time.Time // Expires and the leeway
	issuer  *issuer
	key     *Key
	checked atomic.Pointer[map[string]struct{}] // the list of revoked tokens that does not hold it
}

// Verify checks a token, which is borrowed. The error is a *Refusal.
func (t *Tokens) Verify(token []byte) (*Token, error) {
	if !LooksSigned(token) {
		return nil, refuse(Malformed, "the token is malformed; want three parts with dots between them, of %d bytes at most", MaxTokenSize)
	}
	text := string(token)
	i, refusal := t.issuerOf(text)
	if refusal != nil {
		return nil, refusal
	}
	verified, refusal := i.verify(text)
	if refusal != nil {
		return nil, refusal
	}
	return verified, nil
}

// issuerOf chooses by the iss that the token claims. Nobody vouches for it yet, but a wrong one only leads to keys that
// do not verify the token.
func (t *Tokens) issuerOf(text string) (*issuer, *Refusal) {
	if len(t.named) == 0 {
		return t.fallback, nil
	}
	claims := jwt.MapClaims{}
	if _, _, err := t.all[0].parser.ParseUnverified(text, claims); err != nil {
		return nil, refusalOf(err)
	}
	name, ok := optionalString(claims, "iss")
	if !ok {
		return nil, refuse(Malformed, "the issuer of the token is no string (iss)")
	}
	if i := t.named[name]; i != nil {
		return i, nil
	}
	if t.fallback == nil {
		return nil, refuse(BadIssuer, "the token is of another issuer (iss)")
	}
	return t.fallback, nil
}

// Settled reports whether all key sets were read, and their last reading was good: only then is a refusal final.
func (t *Tokens) Settled() bool {
	for _, i := range t.all {
		if i.options.KeySet != nil && !i.options.KeySet.Settled() {
			return false
		}
	}
	return true
}

// Version grows whenever a key set or a list of revoked tokens changes, so that a token which was refused may be good.
func (t *Tokens) Version() uint64 {
	var sum uint64
	for _, i := range t.all {
		if i.options.KeySet != nil {
			sum += i.options.KeySet.version.Load()
		}
		if i.options.Revoked != nil {
			sum += i.options.Revoked.version.Load()
		}
	}
	return sum
}

// KeySets tells how the key sets stand, each once.
func (t *Tokens) KeySets() []KeySetStatus {
	var all []KeySetStatus
	seen := map[*KeySet]bool{}
	for _, i := range t.all {
		if set := i.options.KeySet; set != nil && !seen[set] {
			seen[set] = true
			all = append(all, set.Status())
		}
	}
	return all
}

// Keys tells of every key in force, in the order of the configuration.
func (t *Tokens) Keys() []KeyStatus {
	var all []KeyStatus
	for _, i := range t.all {
		for _, key := range i.options.Keys {
			all = append(all, key.Status())
		}
		if i.options.KeySet != nil {
			for _, key := range i.options.KeySet.state.Load().all {
				all = append(all, key.Status())
			}
		}
	}
	return all
}

// Current reports whether the token is still good, but for its time: its key is in force, and it was not revoked.
func (t *Token) Current() bool {
	if t.key.retired.Load() {
		return false
	}
	// Fast path: the list is the one that the token was last looked up in.
	revoked := t.issuer.revocations()
	if revoked == t.checked.Load() {
		return true
	}
	if t.listed(revoked) {
		return false
	}
	t.checked.Store(revoked)
	return true
}

// Until is when the token stops being good, exp and the leeway; zero: never.
func (t *Token) Until() time.Time { return t.until }

// Key is the key that verifies it.
func (t *Token) Key() *Key { return t.key }

func (t *Token) listed(revoked *map[string]struct{}) bool {
	if revoked == nil || t.ID == "" {
		return false
	}
	_, found := (*revoked)[t.ID]
	return found
}
