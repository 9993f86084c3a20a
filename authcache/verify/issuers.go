package verify

import (
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// issuers are one state of Tokens: TokenOptions at work. It never changes, but for the keys in its key sets and its lists of
// revoked tokens.
type issuers struct {
	fallback *issuer // nil: there is none
	named    map[string]*issuer
	all      []*issuer
	base     uint64 // of the version, so that it grows from one state to the next
}

// versionSpan is more than one state ever has versions.
const versionSpan = 1 << 32

// newIssuers is the state that comes after another one, which may be empty.
func newIssuers(o TokenOptions, before *issuers) (*issuers, error) {
	s := &issuers{named: map[string]*issuer{}, base: before.version() + versionSpan}
	if o.Default != nil {
		i, err := s.add(*o.Default, before.fallback)
		if err != nil {
			return nil, err
		}
		s.fallback = i
	}
	for n, options := range o.Issuers {
		if options.Issuer == "" {
			return nil, fmt.Errorf("issuers[%d]: issuer is empty; want the iss of its tokens", n)
		}
		if s.named[options.Issuer] != nil || o.Default != nil && o.Default.Issuer == options.Issuer {
			return nil, fmt.Errorf("issuers[%d]: issuer %q is there already; want each once", n, options.Issuer)
		}
		i, err := s.add(options, before.named[options.Issuer])
		if err != nil {
			return nil, fmt.Errorf("issuers[%d]: %w", n, err)
		}
		s.named[options.Issuer] = i
	}
	if len(s.all) == 0 {
		return nil, errors.New("there is no issuer; want one at least")
	}
	return s, nil
}

// add makes an issuer. Keys that the one in its place had as well (nil: there was none) are known to have been used.
func (s *issuers) add(o IssuerOptions, before *issuer) (*issuer, error) {
	i, err := newIssuer(o)
	if err != nil {
		return nil, err
	}
	i.state = s
	if before != nil {
		for _, key := range i.options.Keys {
			if same := find(before.options.Keys, key); same != nil {
				key.Touch(same.used.Load())
			}
		}
	}
	s.all = append(s.all, i)
	return i, nil
}

// claimedIssuer is the iss of a token.
type claimedIssuer struct {
	name string // "" also when there is none
	text bool   // it is a string, or there is none
}

func issuerIn(claims jwt.MapClaims) claimedIssuer {
	name, ok := optionalString(claims, "iss")
	return claimedIssuer{name, ok}
}

// of chooses by the iss that a token claims. Nobody vouches for it yet, but a wrong one only leads to keys that do not
// verify the token.
func (s *issuers) of(text string) (*issuer, *Refusal) {
	if len(s.named) == 0 {
		return s.fallback, nil
	}
	claims := jwt.MapClaims{}
	if _, _, err := s.all[0].parser.ParseUnverified(text, claims); err != nil {
		return nil, refusalOf(err)
	}
	return s.choose(issuerIn(claims))
}

// choose finds the issuer of tokens with this iss.
func (s *issuers) choose(claimed claimedIssuer) (*issuer, *Refusal) {
	switch i := s.named[claimed.name]; {
	case len(s.named) == 0:
		return s.fallback, nil
	case !claimed.text:
		return nil, refuse(Malformed, "the issuer of the token is no string (iss)")
	case i != nil:
		return i, nil
	case s.fallback == nil:
		return nil, refuse(BadIssuer, "the token is of another issuer (iss)")
	}
	return s.fallback, nil
}

// standing is what vouches in this state for a token that something else vouched for in another one; nil when nothing does.
func (s *issuers) standing(claimed claimedIssuer, before *standing) *standing {
	i, refusal := s.choose(claimed)
	if refusal != nil || !i.wantsTheSame(before.issuer) {
		return nil
	}
	key := i.key(before.key)
	if key == nil {
		return nil
	}
	return &standing{i, key}
}

func (s *issuers) version() uint64 {
	sum := s.base
	for _, i := range s.all {
		if i.options.KeySet != nil {
			sum += i.options.KeySet.version.Load()
		}
		if i.options.Revoked != nil {
			sum += i.options.Revoked.version.Load()
		}
	}
	return sum
}
