package config

import (
	"cmp"

	"github.com/headgate/headgate/authcache"
)

// Entries are the credentials of [[tenants]], secrets of files included.
func (c *Config) Entries() []authcache.Entry {
	entries := make([]authcache.Entry, len(c.Tenants))
	for i := range c.Tenants {
		t := &c.Tenants[i]
		entries[i] = authcache.Entry{
			Identity: c.identity(t),
			Scheme:   authcache.Basic,
			User:     t.Username,
			Password: string(t.Password + t.FromFile), // one of them is empty
			Hash:     string(t.PasswordHash),
			Where:    indexKey("tenants", i),
		}
	}
	return entries
}

// identity is who an entry of [[tenants]] is. Each has one of its own, so that one
// that stays does not keep the others in memory.
func (c *Config) identity(t *Tenant) *authcache.Identity {
	scopes := t.Scopes
	if scopes == nil {
		scopes = c.Auth.DefaultScopes
	}
	identity := &authcache.Identity{Tenant: t.ID, Client: authcache.SafeClient(cmp.Or(t.Name, t.Username))}
	for _, name := range scopes {
		scope, _ := authcache.ParseScope(name)
		identity.Scopes |= scope
	}
	return identity
}
