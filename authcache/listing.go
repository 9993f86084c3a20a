package authcache

import (
	"cmp"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// CredentialStatus tells of one configured credential, without its secret.
type CredentialStatus struct {
	Tenant string
	Client string
	Scheme Scheme
	Source string    // the first source that has it
	Where  string    // where in it
	Used   time.Time // the beginning of the minute of its last use in this process, give or take a quarter; zero: none

	NotBefore time.Time // zero: no beginning
	Expires   time.Time // zero: no end
	Last      bool      // its tenant has no other that is good for longer
}

// Left is how long the credential is good for, negative when it has expired, and reports whether it ends at all.
func (s *CredentialStatus) Left(now time.Time) (time.Duration, bool) {
	if s.Expires.IsZero() {
		return 0, false
	}
	return s.Expires.Sub(now), true
}

// Clients is how many clients have a configured credential: names, each of one tenant.
func (c *Cache) Clients() int {
	type client struct{ tenant, name string }
	c.mu.Lock()
	defer c.mu.Unlock()
	found := make(map[client]struct{}, c.length.Load())
	for _, s := range c.sources {
		for _, r := range s.records {
			identity := r.identity.Load()
			found[client{identity.Tenant, identity.Client}] = struct{}{}
		}
	}
	return len(found)
}

// Credentials tells of every configured credential, by tenant, client and place. Tokens are not among them. The slice is
// the caller's. It takes a moment when there are many, during which sources cannot be replaced; requests do not notice.
func (c *Cache) Credentials() []CredentialStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	used := make(map[*record]uint32)
	for i := range c.static.parts {
		c.static.parts[i].Load().each(func(s *slot) { used[s.record] = s.used.Load() })
	}
	all := make([]CredentialStatus, 0, c.length.Load())
	longest := map[string]time.Time{} // of each tenant, the last moment it has a credential for
	for _, s := range c.sources {
		for _, r := range s.records {
			if r.owner.source != s {
				continue // it is told of where it was first
			}
			identity := r.identity.Load()
			status := CredentialStatus{
				Tenant: identity.Tenant, Client: identity.Client, Scheme: r.scheme,
				Source: s.name, Where: r.owner.where, Used: timeOf(max(used[r], r.used.Load())),
			}
			if identity.Terms != nil {
				status.NotBefore, status.Expires = identity.Terms.NotBefore, identity.Terms.Expires
			}
			longest[identity.Tenant] = later(longest[identity.Tenant], endOf(&status))
			all = append(all, status)
		}
	}
	for i := range all {
		all[i].Last = !all[i].Expires.IsZero() && !longest[all[i].Tenant].After(all[i].Expires)
	}
	slices.SortFunc(all, func(a, b CredentialStatus) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Where, b.Where), cmp.Compare(a.Scheme, b.Scheme))
	})
	return all
}

// endless is later than any credential expires.
var endless = time.Unix(1<<40, 0)

func endOf(s *CredentialStatus) time.Time {
	if s.Expires.IsZero() {
		return endless
	}
	return s.Expires
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// KeyStatus tells of a key that tokens are verified with.
type KeyStatus struct {
	Name       string // where it comes from, and its key ID
	Algorithms []string
	Used       time.Time // as in CredentialStatus: when a token of it was last presented
}

// Keys tells of every key that tokens are verified with, in the order of the configuration.
func (c *Cache) Keys() []KeyStatus {
	tokens := c.tokens.Load().options.Tokens
	if tokens == nil {
		return nil
	}
	var all []KeyStatus
	for _, key := range tokens.Keys() {
		all = append(all, keyStatus(key))
	}
	return all
}

func keyStatus(k verify.KeyStatus) KeyStatus {
	return KeyStatus{Name: k.Name, Algorithms: slices.Clone(k.Algorithms), Used: timeOf(k.Used)}
}
