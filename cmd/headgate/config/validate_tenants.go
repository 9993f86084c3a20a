package config

import (
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
)

func (c *Config) validateTenants(on *checks) {
	if len(c.Tenants) == 0 && !c.Etcd.Enabled() && c.Auth.TenantsDir == "" && c.Auth.HtpasswdFile == "" && !c.Auth.JWT.Enabled() && len(c.Auth.JWT.Issuers) == 0 {
		on.warnf("tenants", "there is none, so every request is refused; want [[tenants]]")
	}
	c.validateCredentials(on, c.Tenants)
}

// validateCredentials looks at the [[tenants]] of one file, each and beside the
// others.
func (c *Config) validateCredentials(on *checks, tenants []Tenant) {
	users := make(map[string]int, len(tenants)) // first entry of each user name
	same := make(map[claim]int)
	for i := range tenants {
		t := &tenants[i]
		key := indexKey("tenants", i)
		c.validateTenant(on, key, t)
		one := t.claim()
		if one.method == methodBasic && one.name != "" {
			first, taken := users[one.name]
			if !taken {
				users[one.name] = i
				continue
			}
			if id := tenants[first].ID; id != t.ID {
				on.errorf(key+".username", "%s is also that of %s, which has another id, %s; want a user name of its own for each tenant",
					show(t.Username), indexKey("tenants", first), show(id))
				continue
			}
			// Only users with several entries get here, and those are few.
			if before := tenants[first].claim(); before.whole() {
				if _, there := same[before]; !there {
					same[before] = first
				}
			}
		}
		if !one.whole() {
			continue // what is missing was reported, or not read
		}
		other, there := same[one]
		if !there {
			same[one] = i
		} else if !c.identity(&tenants[other]).Equal(c.identity(t)) {
			first := indexKey("tenants", other)
			on.errorAbout([]string{first, key}, key, "has the credential of %s, but another id or name, or other rights; want the same, or one entry", first)
		}
	}
	c.validateAgreement(on, tenants)
}

func (c *Config) validateTenant(on *checks, key string, t *Tenant) {
	t.validateID(on, key, c.Cortex.TenantFederation)
	t.validateMethod(on, key)
	if t.method() == methodMTLS && c.Server.TLS.ClientAuth == "none" {
		on.warnf(key, `is known by a certificate, but nobody is asked for one; want server.tls.client_auth = "optional" or "required"`)
	}
	if t.Scopes != nil {
		parseScopes(on, key+".scopes", t.Scopes)
	}
	t.validateTerms(on, key, time.Duration(c.Auth.ExpiryGrace))
	if t.ReadTenants != nil || t.ReadDefault != nil || t.WriteTenants != nil {
		t.validateReach(on, key, c.Cortex.TenantFederation)
	}
}

func (t *Tenant) validateID(on *checks, key string, federation TenantFederation) {
	err := authcache.ValidTenant(t.ID)
	switch {
	case t.ID == "":
		on.errorf(key+".id", "is missing; want the tenant that Cortex knows")
	case err != nil:
		on.errorf(key+".id", "Cortex would refuse it: %v", err)
	case federation.RegexMatcherEnabled:
		federation.checkPattern(on, key+".id", t.ID)
	}
}

// validateTenantName looks at a tenant that is named elsewhere than in an id.
func validateTenantName(on *checks, key, tenant string) {
	if err := authcache.ValidTenant(tenant); err != nil {
		on.errorf(key, "Cortex would refuse it: %v", err)
	}
}

// checkPattern refuses a tenant that Cortex would take for a pattern.
func (f TenantFederation) checkPattern(on *checks, key, tenant string) {
	if f.RegexMatcherEnabled && strings.ContainsAny(tenant, ".*()'") {
		on.errorf(key, "%s would be read as a pattern by Cortex with regex_matcher_enabled; want none of . * ( ) '", show(tenant))
	}
}

// validateTerms looks at when and from where the credential may be used.
func (t *Tenant) validateTerms(on *checks, key string, grace time.Duration) {
	begin, end := t.NotBefore.Time, t.Expires.Time
	if !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		on.errorf(key+".not_before", "%s is not before expires, %s; want it earlier", t.NotBefore, t.Expires)
	}
	switch {
	case end.IsZero():
	case !on.now.Before(end.Add(grace)):
		on.warnf(key+".expires", "the credential ended on %s and is refused; want a new one, or the entry out", day(end))
	case !on.now.Before(end):
		on.warnf(key+".expires", "the credential ended on %s and is taken until %s (auth.expiry_grace); want a new one beside it by then",
			day(end), day(end.Add(grace)))
	case end.Sub(on.now) < soon:
		on.warnf(key+".expires", "the credential ends on %s; want a new one beside it by then", day(end))
	}
	if on.now.Before(begin) {
		on.warnf(key+".not_before", "the credential is refused until %s", day(begin))
	}
	for i, network := range t.AllowFrom {
		if network.Bits() == 0 && t.method() == methodNone {
			on.warnf(indexKey(key+".allow_from", i), "%s is everybody, who then needs no credential for this tenant; want the addresses of its clients",
				show(network.String()))
		}
	}
}

// validateReach looks at the tenants that the credential may name.
func (t *Tenant) validateReach(on *checks, key string, federation TenantFederation) {
	check := func(key string, tenants []string, any string) {
		for i, tenant := range tenants {
			switch {
			case tenant != authcache.AnyTenant:
				validateTenantName(on, indexKey(key, i), tenant)
				federation.checkPattern(on, indexKey(key, i), tenant)
			case any != "":
				on.errorf(indexKey(key, i), "%s", any)
			case len(tenants) > 1:
				on.errorf(indexKey(key, i), `"*" stands for every tenant; want it alone`)
			}
		}
	}
	check(key+".read_tenants", t.ReadTenants, "")
	check(key+".read_default", t.ReadDefault, `"*" names nobody in particular; want the tenants of a read that names none`)
	check(key+".write_tenants", t.WriteTenants, "")
	someNamed := len(t.ReadTenants) > 0 && !slices.Contains(t.ReadTenants, authcache.AnyTenant)
	for i, tenant := range t.ReadDefault {
		if someNamed && tenant != authcache.AnyTenant && !slices.Contains(t.ReadTenants, tenant) {
			on.warnf(indexKey(key+".read_default", i), "%s is not in read_tenants: a read that names nobody gets it, and one that names it "+
				"is refused; want it in both", show(tenant))
		}
	}
	switch most := federation.MaxTenant; {
	case len(t.ReadDefault) > 1 && !federation.Enabled:
		on.errorf(key+".read_default", "has several tenants, which Cortex takes in one read only with tenant federation; want one, or "+
			"cortex.tenant_federation.enabled = true")
	case most > 0 && len(t.ReadDefault) > most:
		on.errorf(key+".read_default", "has %d tenants, more than cortex.tenant_federation.max_tenant, %d", len(t.ReadDefault), most)
	}
}
