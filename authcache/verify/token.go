package verify

import (
	"sync/atomic"
	"time"
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

// Tokens checks signed tokens (JSON Web Tokens in compact form, RFC 7519). It may be used by any number of goroutines; only
// one at a time may call Use.
type Tokens struct{ state atomic.Pointer[issuers] }

// NewTokens returns what checks these tokens. The errors say which key of the configuration to look at.
func NewTokens(o TokenOptions) (*Tokens, error) {
	t := &Tokens{}
	t.state.Store(&issuers{})
	if err := t.Use(o); err != nil {
		return nil, err
	}
	return t, nil
}

// Use puts other options in the place of those before. A token that was verified stays good if its issuer is still the one
// that it is for and wants what it wanted, and still has the key that verified it. With an error nothing changes.
func (t *Tokens) Use(o TokenOptions) error {
	next, err := newIssuers(o, t.state.Load())
	if err != nil {
		return err
	}
	t.state.Store(next)
	return nil
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

	until    time.Time // Expires and the leeway
	issued   claimedIssuer
	tokens   *Tokens
	standing atomic.Pointer[standing]
	checked  atomic.Pointer[map[string]struct{}] // the list of revoked tokens that does not hold it
}

// standing is what vouches for a token; it never changes.
type standing struct {
	issuer *issuer
	key    *Key
}

// Verify checks a token, which is borrowed. The error is a *Refusal.
func (t *Tokens) Verify(token []byte) (*Token, error) {
	if !LooksSigned(token) {
		return nil, refuse(Malformed, "the token is malformed; want three parts with dots between them, of %d bytes at most", MaxTokenSize)
	}
	text := string(token)
	i, refusal := t.state.Load().of(text)
	if refusal != nil {
		return nil, refusal
	}
	verified, refusal := i.verify(text)
	if refusal != nil {
		return nil, refusal
	}
	verified.tokens = t
	return verified, nil
}

// Settled reports whether all key sets were read, and their last reading was good: only then is a refusal final.
func (t *Tokens) Settled() bool {
	for _, i := range t.state.Load().all {
		if i.options.KeySet != nil && !i.options.KeySet.Settled() {
			return false
		}
	}
	return true
}

// Version grows whenever the options, a key set or a list of revoked tokens changes, so that a token which was refused may
// be good.
func (t *Tokens) Version() uint64 { return t.state.Load().version() }

// Current reports whether the token is still good, but for its time: the issuer and the key that vouch for it are in
// force, and it was not revoked.
func (t *Token) Current() bool {
	s := t.standing.Load()
	// Fast path: the options are those that it was verified with.
	if now := t.tokens.state.Load(); s.issuer.state != now {
		if s = now.standing(t.issued, s); s == nil {
			return false
		}
		t.standing.Store(s)
	}
	if s.key.retired.Load() {
		return false
	}
	// Fast path: the list is the one that the token was last looked up in.
	revoked := s.issuer.revocations()
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
func (t *Token) Key() *Key { return t.standing.Load().key }

func (t *Token) listed(revoked *map[string]struct{}) bool {
	if revoked == nil || t.ID == "" {
		return false
	}
	_, found := (*revoked)[t.ID]
	return found
}
