package config

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache"
)

// scopeNames are the scopes as a configuration has them.
var scopeNames = []string{"write", "read", "rules", "alerts", "operator"}

func (c *Config) validateAuth(on *checks) {
	realm := c.Auth.Realm
	if realm == "" || strings.ContainsFunc(realm, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
		on.errorf("auth.realm", `%s cannot stand in a WWW-Authenticate header; want visible ASCII without " and \, such as "headgate"`, show(realm))
	}
	parseScopes(on, "auth.default_scopes", c.Auth.DefaultScopes)
	if known := []string{"ignore", "check"}; !slices.Contains(known, c.Auth.TenantHeader) {
		on.errorf("auth.tenant_header", "%s", notOneOf("tenant_header", c.Auth.TenantHeader, known))
	}
	if status := c.Auth.DeniedWriteStatus; status != 401 && status != 503 {
		on.errorf("auth.denied_write_status", "%d is no status for a push that is refused; want 401, or 503 for senders to keep what they have", status)
	}
	c.Auth.paths = AuthPaths{
		Htpasswd:   on.place("auth.htpasswd_file", c.Auth.HtpasswdFile),
		TenantsDir: on.place("auth.tenants_dir", c.Auth.TenantsDir),
	}
	c.validateJWT(on)
}

// parseScopes is the set of the scopes in a list; what is not one is reported.
func parseScopes(on *checks, key string, names []string) authcache.Scope {
	if len(names) == 0 {
		on.errorf(key, "is empty, which would allow nothing; want some of %s", strings.Join(scopeNames, ", "))
	}
	var set authcache.Scope
	for i, name := range names {
		set |= parseScope(on, indexKey(key, i), name)
	}
	return set
}

// parseScope is a scope by its name, or 0 when there is none and that was
// reported.
func parseScope(on *checks, key, name string) authcache.Scope {
	if scope, ok := authcache.ParseScope(name); ok {
		return scope
	}
	on.errorf(key, "%s", notOneOf("scope", name, scopeNames))
	return 0
}

// notOneOf says that a value is none of those that a key takes.
func notOneOf(what, value string, known []string) string {
	text := show(value) + " is not a " + what
	if near, ok := nearestOrLonger(value, known); ok {
		return text + ", did you mean " + show(near) + "?"
	}
	return text + "; want one of " + strings.Join(known, ", ")
}
