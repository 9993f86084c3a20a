package authcache

import (
	"container/list"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// TokenOptions say how signed tokens are taken.
type TokenOptions struct {
	// Tokens checks them. Who made it closes its key sets, after the Cache has others.
	Tokens *verify.Tokens
	// DefaultScopes are for tokens of an issuer whose tokens do not say their scopes.
	DefaultScopes Scope
}

// tokenSource is TokenOptions in force, or nothing at all.
type tokenSource struct {
	options TokenOptions // immutable; Tokens is nil when there are none
	base    uint64       // immutable; added to the version of the tokens, so that it grows from one source to the next
}

// versionSpan is more than a source of tokens ever has versions.
const versionSpan = 1 << 32

// version grows whenever a token that was refused may be good.
func (s *tokenSource) version() uint64 {
	if s.options.Tokens == nil {
		return s.base
	}
	return s.base + s.options.Tokens.Version()
}

// settled reports whether a refusal is final.
func (s *tokenSource) settled() bool { return s.options.Tokens == nil || s.options.Tokens.Settled() }

// token is what a record has that stands for a verified token.
type token struct {
	verified *verify.Token // immutable
	source   *tokenSource  // immutable; who vouches for it, as long as it is in force
	at       time.Time     // immutable; when it was verified
	digest   digest        // immutable
	place    *list.Element // guarded by signedTokens.mu; nil when it was taken out
}

// good reports whether the token is still valid at this moment, at a time to live that may be 0 for no limit.
func (t *token) good(now time.Time, ttl time.Duration) bool {
	if until := t.verified.Until(); !until.IsZero() && !now.Before(until) {
		return false
	}
	return (ttl <= 0 || now.Sub(t.at) < ttl) && t.verified.Current()
}

// UseTokens puts another way of taking signed tokens in force; the zero options take none. Tokens that were verified
// before have to be verified again, unless nothing changed: then it does nothing. (What Tokens check may change by
// itself: verify.Tokens.Use.)
func (c *Cache) UseTokens(o TokenOptions) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.tokens.Load()
	if old.options == o {
		return
	}
	c.tokens.Store(&tokenSource{options: o, base: old.version() + versionSpan})
	c.signed.clear(c)
}

// matchToken checks the signature of a token.
func (c *Cache) matchToken(f *flight) (*record, verify.Work) {
	source := c.tokens.Load()
	if source.options.Tokens == nil {
		return nil, verify.Work{}
	}
	verified, err := source.options.Tokens.Verify(f.secret)
	if err != nil {
		if refusal, ok := errors.AsType[*verify.Refusal](err); ok {
			f.verdict, f.again = verdictOf(refusal), refusal.Again
			c.metrics.refusedToken(refusal.Reason)
		}
		return nil, verify.Work{}
	}
	identity := identityOf(verified, source.options.DefaultScopes)
	if identity == nil {
		f.verdict = Forbidden
		c.metrics.refusedToken(noTenant)
		return nil, verify.Work{}
	}
	r := &record{scheme: Bearer, token: &token{verified: verified, source: source, at: time.Now(), digest: f.digest}}
	r.identity.Store(identity)
	return r, verify.Work{}
}

// verdictOf is what a refusal means for the request.
func verdictOf(refusal *verify.Refusal) Verdict {
	switch {
	case refusal.Unread:
		return Busy
	case refusal.Doubt:
		return Unready
	case refusal.Reason == verify.Expired:
		return Expired
	case refusal.Reason == verify.NotYetValid:
		return Early
	}
	return Rejected
}

// identityOf is who presents a verified token, nil when it names no tenant, or one that Cortex would not take.
func identityOf(t *verify.Token, defaults Scope) *Identity {
	if len(t.Tenants) == 0 || slices.ContainsFunc(t.Tenants, func(tenant string) bool { return ValidTenant(tenant) != nil }) {
		return nil
	}
	identity := &Identity{Client: SafeClient(t.Subject), Scopes: defaults, token: t}
	if t.ScopesGiven {
		identity.Scopes = 0
		for _, name := range t.Scopes {
			scope, _ := ParseScope(name)
			identity.Scopes |= scope
		}
	}
	if len(t.Tenants) == 1 {
		identity.Tenant = t.Tenants[0]
		return identity
	}
	reach, err := NewReach(t.Tenants, t.Tenants, t.Tenants)
	if err != nil {
		return nil // "*" is a tenant to Cortex, but here it would be every tenant
	}
	identity.Reach = reach
	return identity
}

// signedTokens are the tokens in the verified table, oldest first.
type signedTokens struct {
	mu    sync.Mutex
	order list.List // of *record
}

// sparedTokens is how many tokens that were used lately are passed over when one has to go.
const sparedTokens = 16

// admit puts a verified token into the table, and takes out another one when there are more than may be.
func (s *signedTokens) admit(c *Cache, r *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.touch(r)
	if held, found := c.verified.Load(r.token.digest); found {
		s.remove(c, held) // it was verified once more, since it was not good any more
	}
	r.token.place = s.order.PushBack(r)
	c.verified.Store(r.token.digest, r)
	c.tokenCount.Store(int64(s.order.Len()))
	most := int(c.maxTokens.Load())
	for most > 0 && s.order.Len() > most {
		s.remove(c, s.victim(c, r))
		c.metrics.evicted.Inc()
	}
}

// victim is the oldest token but the newest, unless it was used in the last minutes: then it gets another round. It needs
// s.mu, and two tokens.
func (s *signedTokens) victim(c *Cache, newest *record) *record {
	lately := c.minute.now.Load() - 1
	for range sparedTokens {
		oldest := s.order.Front().Value.(*record)
		if oldest != newest && oldest.used.Load() < lately {
			return oldest
		}
		s.order.MoveToBack(oldest.token.place)
	}
	if front := s.order.Front(); front.Value.(*record) != newest {
		return front.Value.(*record)
	}
	return s.order.Front().Next().Value.(*record)
}

// remove needs s.mu.
func (s *signedTokens) remove(c *Cache, r *record) {
	if r.token == nil || r.token.place == nil {
		return
	}
	s.order.Remove(r.token.place)
	r.token.place = nil
	c.disprove(r, r.token.digest)
	c.tokenCount.Store(int64(s.order.Len()))
}

// sweep takes out what is not good any more.
func (s *signedTokens) sweep(c *Cache, now time.Time) {
	s.removeIf(c, func(r *record) bool { return !c.vouches(r, now) })
}

// clear takes out everything.
func (s *signedTokens) clear(c *Cache) { s.removeIf(c, func(*record) bool { return true }) }

func (s *signedTokens) removeIf(c *Cache, bad func(*record) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.order.Front(); e != nil; {
		r := e.Value.(*record)
		e = e.Next()
		if bad(r) {
			s.remove(c, r)
		}
	}
}
