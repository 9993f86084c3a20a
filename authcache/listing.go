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
	Until     time.Time // how long it is taken: Expires and the grace; zero: no end

	// Last says that its tenant has no other when it is taken no more; of one that has ended, that it has had none since.
	Last bool
	Next time.Time // of a last one: when its tenant has one again; zero: never
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
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.clients.now)
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
	for _, s := range c.sources {
		for _, r := range s.records {
			if r.owner.source != s {
				continue // it is told of where it was first
			}
			status := statusOf(r.identity.Load())
			status.Scheme, status.Source, status.Where = r.scheme, s.name, r.owner.where
			status.Used = timeOf(max(used[r], r.used.Load()))
			all = append(all, status)
		}
	}
	inOrder(all, time.Now())
	return all
}

// Listed tells of entries what Credentials would of a cache that has them alone. It looks at no secret, so entries may lack
// theirs. The slice is the caller's.
func Listed(source string, entries []Entry) []CredentialStatus {
	all := make([]CredentialStatus, 0, len(entries))
	for i := range entries {
		status := statusOf(entries[i].Identity)
		status.Scheme, status.Source, status.Where = entries[i].Scheme, source, entries[i].Where
		all = append(all, status)
	}
	inOrder(all, time.Now())
	return all
}

func statusOf(identity *Identity) CredentialStatus {
	status := CredentialStatus{Tenant: identity.Tenant, Client: identity.Client}
	if terms := identity.Terms; terms != nil {
		status.NotBefore, status.Expires = terms.NotBefore, terms.Expires
		if !terms.Expires.IsZero() {
			status.Until = terms.Expires.Add(terms.Grace)
		}
	}
	return status
}

// inOrder sorts credentials by tenant, client and place, and finds the last ones of each tenant.
func inOrder(all []CredentialStatus, now time.Time) {
	slices.SortFunc(all, func(a, b CredentialStatus) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Where, b.Where), cmp.Compare(a.Scheme, b.Scheme))
	})
	var ofTenant []*CredentialStatus
	for i := range all {
		ofTenant = append(ofTenant, &all[i])
		if i+1 == len(all) || all[i+1].Tenant != all[i].Tenant {
			findLast(ofTenant, now)
			ofTenant = ofTenant[:0]
		}
	}
}

// findLast finds those credentials of one tenant after which it has none, for a while or for good. A while that is over
// is nobody's concern any more.
func findLast(ofTenant []*CredentialStatus, now time.Time) {
	slices.SortFunc(ofTenant, func(a, b *CredentialStatus) int { return a.NotBefore.Compare(b.NotBefore) })
	for first := 0; first < len(ofTenant); {
		// Each of these begins before all of those before it have ended.
		end, past := endOf(ofTenant[first]), first+1
		for past < len(ofTenant) && !ofTenant[past].NotBefore.After(end) {
			end = later(end, endOf(ofTenant[past]))
			past++
		}
		var next time.Time
		if past < len(ofTenant) {
			next = ofTenant[past].NotBefore
		}
		for _, s := range ofTenant[first:past] {
			if !s.Until.IsZero() && s.Until.Equal(end) && (next.IsZero() || next.After(now)) {
				s.Last, s.Next = true, next
			}
		}
		first = past
	}
}

// endless is later than any credential ends.
var endless = time.Unix(1<<40, 0)

func endOf(s *CredentialStatus) time.Time {
	if s.Until.IsZero() {
		return endless
	}
	return s.Until
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
