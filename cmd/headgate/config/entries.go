package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
)

// Entries are the credentials of [[tenants]], secrets of files included.
func (c *Config) Entries() []authcache.Entry { return c.entries(filepath.Base(c.path), c.Tenants) }

// entries are the credentials of one file.
func (c *Config) entries(file string, tenants []Tenant) []authcache.Entry {
	entries := make([]authcache.Entry, len(tenants))
	for i := range tenants {
		entries[i] = c.entry(&tenants[i])
		entries[i].Where = file + ": " + indexKey("tenants", i)
	}
	return entries
}

func (c *Config) entry(t *Tenant) authcache.Entry {
	e := authcache.Entry{Identity: c.identity(t)}
	switch t.method() {
	case methodBasic:
		e.User = t.Username
		e.Password = string(t.Password + t.FromFile) // one of them is empty
		e.Hash, e.SHA256 = string(t.PasswordHash), string(t.PasswordSHA256)
	case methodBearer:
		e.Scheme = authcache.Bearer
		e.Password, e.SHA256 = string(t.Token+t.FromFile), string(t.TokenSHA256)
	case methodMTLS:
		e.Scheme = authcache.Certificate
		e.User = t.certificateName()
	case methodNone:
		e.Scheme = authcache.Anonymous
	}
	return e
}

// identity is who an entry of [[tenants]] is. Each has one of its own, so that one
// that stays does not keep the others in memory.
func (c *Config) identity(t *Tenant) *authcache.Identity {
	identity := &authcache.Identity{Tenant: t.ID, Client: t.client(), Scopes: c.scopes(t.Scopes), Terms: c.terms(t)}
	identity.Reach, _ = authcache.NewReach(t.ReadTenants, t.ReadDefault, t.WriteTenants) // validation has refused what is wrong
	return identity
}

// scopes are those of the names, nil for auth.default_scopes.
func (c *Config) scopes(names []string) authcache.Scope {
	if names == nil {
		names = c.Auth.DefaultScopes
	}
	var set authcache.Scope
	for _, name := range names {
		scope, _ := authcache.ParseScope(name)
		set |= scope
	}
	return set
}

// DefaultScopes are auth.default_scopes: those of credentials, and of tokens, that
// have none of their own.
func (c *Config) DefaultScopes() authcache.Scope { return c.scopes(nil) }

// terms are nil for a credential that may be used always and from everywhere.
func (c *Config) terms(t *Tenant) *authcache.Terms {
	if len(t.AllowFrom) == 0 && t.NotBefore.Time.IsZero() && t.Expires.Time.IsZero() {
		return nil
	}
	terms := &authcache.Terms{NotBefore: t.NotBefore.Time, Expires: t.Expires.Time}
	if !terms.Expires.IsZero() {
		terms.Grace = time.Duration(c.Auth.ExpiryGrace)
	}
	for _, network := range t.AllowFrom {
		terms.AllowFrom = append(terms.AllowFrom, network.Prefix)
	}
	return terms
}

// client is the name of who presents the entry.
func (t *Tenant) client() string {
	switch t.method() {
	case methodBearer:
		if t.Name == "" {
			return authcache.BearerClient(t.ID, t.tokenSum())
		}
		return authcache.SafeClient(t.Name)
	case methodMTLS:
		_, name, _ := strings.Cut(t.certificateName(), ":")
		return authcache.SafeClient(cmp.Or(t.Name, name))
	case methodNone:
		return authcache.SafeClient(cmp.Or(t.Name, t.ID))
	}
	return authcache.SafeClient(cmp.Or(t.Name, t.Username))
}

// tokenSum is the SHA-256 of the token, in hexadecimal digits.
func (t *Tenant) tokenSum() string {
	if isSHA256(t.TokenSHA256) { // else it may be anything, the token itself too
		return strings.ToLower(string(t.TokenSHA256))
	}
	sum := sha256.Sum256([]byte(t.Token + t.FromFile))
	return hex.EncodeToString(sum[:])
}
