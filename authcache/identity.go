package authcache

import (
	"net/netip"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// Identity is who a verified credential is. It never changes once it was given to a Cache; every request that presents
// the credential gets the same pointer. What most requests need fits one line of the processor's cache; Terms and Reach,
// which few credentials have, are behind pointers.
//
// The cache keeps the strings as they are. Who decodes them from a file with secrets in it should clone them, or they
// keep the whole text of the file in memory.
type Identity struct {
	// Tenant goes upstream as X-Scope-OrgID; ValidTenant. Empty only for a token of several tenants, which has a
	// Reach.
	Tenant string
	Client string // name for logs, metrics and X-Scope-ClientID; as SafeClient gives it
	Scopes Scope
	Terms  *Terms // when and from where it may be used; nil: always, from everywhere
	Reach  *Reach // the tenants it may name; nil: none, it always gets its own

	token *verify.Token // that says so; nil where a source does
}

// TokenID is the ID (jti) of the signed token that was verified, by which it can be taken back: as it is, of any length and
// with any characters. It is empty where the token has none, and for every other credential.
func (i *Identity) TokenID() string {
	if i.token == nil {
		return ""
	}
	return i.token.ID
}

// Equal reports whether both say the same.
func (i *Identity) Equal(other *Identity) bool {
	return i.Tenant == other.Tenant && i.Client == other.Client && i.Scopes == other.Scopes &&
		i.Terms.equal(other.Terms) && i.Reach.equal(other.Reach)
}

// judge says whether a client at this address may use a credential of the identity now.
func (i *Identity) judge(from netip.Addr) Verdict {
	if i.Terms == nil { // Fast path: without a clock
		return Accepted
	}
	return i.Terms.judge(from, time.Now())
}
