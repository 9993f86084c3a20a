package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

// TestTenantsWhoseLastCredentialEnds are named from 14 days before on, and only those who then have none.
func TestTenantsWhoseLastCredentialEnds(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	const days14 = 14 * 24 * time.Hour
	var entries []authcache.Entry
	add := func(tenant string, ends ...time.Duration) {
		for i, in := range ends {
			e := authcache.Entry{
				Identity: &authcache.Identity{Tenant: tenant, Client: tenant, Scopes: authcache.Read},
				User:     tenant, Password: tenant + strings.Repeat("x", i), Where: "tenants of " + tenant,
			}
			if in != 0 {
				e.Identity.Terms = &authcache.Terms{Expires: now.Add(in)}
			}
			entries = append(entries, e)
		}
	}
	add("ended", -time.Second)
	add("soon", days14-time.Second)
	add("later", days14)
	add("endless", 0)
	add("rotating", time.Hour, days14)
	add("rotated", time.Hour, 0)
	add("both-end", time.Hour, 2*time.Hour)
	cache := authcache.New(authcache.Options{Workers: 1})
	defer cache.Close()
	if _, err := cache.Replace("file", entries); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`warning: tenants: the last credential of tenant "both-end", tenants of both-end (client both-end), ends on 2026-12-01 14:00 UTC; want another one`,
		`warning: tenants: the last credential of tenant "ended", tenants of ended (client ended), ended on 2026-12-01 11:59 UTC; want another one`,
		`warning: tenants: the last credential of tenant "soon", tenants of soon (client soon), ends on 2026-12-15 11:59 UTC; want another one`,
	}
	if got := endingTenants(cache, now); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
