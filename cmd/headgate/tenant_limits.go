package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/proxy"
)

// tenantLimits keeps what every source says of the limits of tenants, and has the proxy follow. Its methods may be called
// from any goroutine.
type tenantLimits struct {
	shares *proxy.Shares

	mu      sync.Mutex
	said    map[string]map[string]config.TenantLimits // by source, then tenant
	sources map[string][]string                       // by tenant: the sources that say something of it
}

func newTenantLimits(shares *proxy.Shares) *tenantLimits {
	return &tenantLimits{
		shares:  shares,
		said:    make(map[string]map[string]config.TenantLimits),
		sources: make(map[string][]string),
	}
}

// replace makes limits the whole of what a source says. With an error, which names the tenants that another source gives
// other limits, nothing changes. The map belongs to tenantLimits from then on.
func (l *tenantLimits) replace(source string, limits map[string]config.TenantLimits) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, tenant := range slices.Sorted(maps.Keys(limits)) {
		if err := l.contradicts(source, tenant, limits[tenant]); err != nil {
			return err
		}
	}
	before := l.said[source]
	l.said[source] = limits
	for tenant, now := range limits {
		if was, said := before[tenant]; said && was == now {
			continue
		}
		l.put(source, tenant, now)
	}
	for tenant := range before {
		if _, said := limits[tenant]; !said {
			l.drop(source, tenant)
		}
	}
	return nil
}

// amend changes what a source says of single tenants, nil for nothing. Of a tenant to whom another source gives other
// limits it says nothing then; the errors, by tenant, are of those.
func (l *tenantLimits) amend(source string, changes map[string]*config.TenantLimits) map[string]error {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := l.said[source]
	if said == nil {
		said = make(map[string]config.TenantLimits)
		l.said[source] = said
	}
	refused := map[string]error{}
	for tenant, now := range changes {
		was, before := said[tenant]
		if now != nil {
			err := l.contradicts(source, tenant, *now)
			if err == nil {
				said[tenant] = *now
				if !before || was != *now {
					l.put(source, tenant, *now)
				}
				continue
			}
			refused[tenant] = err
		}
		if before {
			delete(said, tenant)
			l.drop(source, tenant)
		}
	}
	return refused
}

// contradicts looks for another source that gives a tenant other limits. The caller holds mu.
func (l *tenantLimits) contradicts(source, tenant string, limits config.TenantLimits) error {
	for _, other := range l.sources[tenant] {
		if there := l.said[other][tenant]; other != source && there != limits {
			return fmt.Errorf("source %q: the limits of tenant %q are %s here and %s in source %q; want them once",
				source, tenant, limits, there, other)
		}
	}
	return nil
}

// put puts the limits of one tenant in force. The caller holds mu.
func (l *tenantLimits) put(source, tenant string, limits config.TenantLimits) {
	if !slices.Contains(l.sources[tenant], source) {
		l.sources[strings.Clone(tenant)] = append(l.sources[tenant], source)
	}
	inForce := limitsOf(limits)
	l.shares.Limit(tenant, &inForce)
}

// drop forgets what a source said of a tenant; what another says of it is the same and stays. The caller holds mu.
func (l *tenantLimits) drop(source, tenant string) {
	left := slices.DeleteFunc(l.sources[tenant], func(s string) bool { return s == source })
	if len(left) > 0 {
		l.sources[tenant] = left
		return
	}
	delete(l.sources, tenant)
	l.shares.Limit(tenant, nil)
}

// others puts the limits of all tenants in force that no source gives any.
func (l *tenantLimits) others(limits config.TenantLimits) {
	l.shares.LimitOthers(limitsOf(limits))
}

// limitsOf puts limits in the terms of the proxy.
func limitsOf(limits config.TenantLimits) proxy.TenantLimits {
	return proxy.TenantLimits{
		RequestsPerSecond: float64(limits.RequestsPerSecond),
		BytesPerSecond:    int64(limits.BytesPerSecond),
		MaxInFlight:       limits.MaxInFlight,
	}
}
