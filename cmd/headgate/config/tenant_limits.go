package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/headgate/headgate/authcache"
)

// String is the limits in one line, as they are written in the file.
func (l TenantLimits) String() string {
	rate, _ := l.RequestsPerSecond.MarshalTOML()
	return fmt.Sprintf("requests_per_second = %s, bytes_per_second = %d, max_in_flight = %d", rate, l.BytesPerSecond, l.MaxInFlight)
}

// LimitsOf are the limits that the [[tenants]] of one file give, by tenant.
// Entries without a limits table say nothing.
func LimitsOf(tenants []Tenant) map[string]TenantLimits {
	found := map[string]TenantLimits{}
	for i := range tenants {
		if t := &tenants[i]; t.Limits != nil {
			found[t.ID] = *t.Limits
		}
	}
	return found
}

// TenantLimits are the limits that the configuration file gives, by tenant.
func (c *Config) TenantLimits() map[string]TenantLimits {
	found := LimitsOf(c.Tenants)
	for id, limits := range c.Limits.Tenants {
		found[id] = *limits
	}
	return found
}

// validateLimitedTenants looks for [limits.tenants.ID] that no request can have.
func (c *Config) validateLimitedTenants(on *checks) {
	for _, id := range slices.Sorted(maps.Keys(c.Limits.Tenants)) {
		if err := authcache.ValidTenant(id); err != nil {
			on.errorf(joinKey("limits.tenants", id), "Cortex would refuse the tenant: %v", err)
		}
	}
}

// validateAgreement looks for tenants that are given two different limits, by the
// [[tenants]] of one file or by [limits.tenants].
func (c *Config) validateAgreement(on *checks, tenants []Tenant) {
	where := map[string]string{}
	given := map[string]TenantLimits{}
	for id, limits := range c.Limits.Tenants {
		where[id], given[id] = joinKey("limits.tenants", id), *limits
	}
	for i := range tenants {
		t := &tenants[i]
		if t.Limits == nil {
			continue
		}
		key := indexKey("tenants", i) + ".limits"
		switch other, there := where[t.ID]; {
		case !there:
			where[t.ID], given[t.ID] = key, *t.Limits
		case given[t.ID] != *t.Limits:
			on.errorf(key, "differ from %s, which are for the same id, %s; want them once", other, show(t.ID))
		}
	}
}
