package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
)

// TestTenantsWhoseLastCredentialEnds are named from 14 days before on, and only those who then have none, for good or for a
// while.
func TestTenantsWhoseLastCredentialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now() // 2000-01-01 00:00 UTC
		const day = 24 * time.Hour
		const days14 = 14 * day
		var entries []authcache.Entry
		add := func(tenant string, terms ...*authcache.Terms) {
			for i, one := range terms {
				entries = append(entries, authcache.Entry{
					Identity: &authcache.Identity{Tenant: tenant, Client: tenant, Scopes: authcache.Read, Terms: one},
					User:     tenant, Password: tenant + strings.Repeat("x", i), Where: "tenants of " + tenant,
				})
			}
		}
		ends := func(in time.Duration) *authcache.Terms { return &authcache.Terms{Expires: now.Add(in)} }
		begins := func(in time.Duration) *authcache.Terms { return &authcache.Terms{NotBefore: now.Add(in)} }
		between := func(from, to time.Duration) *authcache.Terms {
			return &authcache.Terms{NotBefore: now.Add(from), Expires: now.Add(to)}
		}
		graced := func(in, grace time.Duration) *authcache.Terms {
			return &authcache.Terms{Expires: now.Add(in), Grace: grace}
		}
		add("ended", ends(-time.Second))
		add("soon", ends(days14-time.Second))
		add("later", ends(days14))
		add("endless", nil)
		add("rotating", ends(time.Hour), ends(days14))
		add("rotated", ends(time.Hour), nil)
		add("both-end", ends(time.Hour), ends(2*time.Hour))
		add("gap", ends(5*day), begins(10*day))
		add("gap-now", ends(-day), begins(day))
		add("gap-over", ends(-2*day), begins(-day))
		add("gap-bridged", ends(5*day), between(4*day, 11*day), begins(10*day))
		add("two-gaps", ends(day), between(2*day, 3*day), begins(4*day))
		add("on-time", ends(5*day), begins(5*day))
		add("coming", begins(10*day))
		add("grace", graced(-day, 2*day))
		add("grace-over", graced(-2*day, day))
		add("grace-covers", graced(5*day, 6*day), begins(10*day))
		want := []string{
			`warning: tenants: the last credential of tenant "both-end", tenants of both-end (client both-end), ends on 2000-01-01 02:00 UTC; want another one`,
			`warning: tenants: the last credential of tenant "ended", tenants of ended (client ended), ended on 1999-12-31 23:59 UTC; want another one`,
			`warning: tenants: the last credential of tenant "gap", tenants of gap (client gap), ends on 2000-01-06 00:00 UTC; the next one begins on 2000-01-11 00:00 UTC; want one for the time between`,
			`warning: tenants: the last credential of tenant "gap-now", tenants of gap-now (client gap-now), ended on 1999-12-31 00:00 UTC; the next one begins on 2000-01-02 00:00 UTC; want one for the time between`,
			`warning: tenants: the last credential of tenant "grace", tenants of grace (client grace), ended on 1999-12-31 00:00 UTC and is taken until 2000-01-02 00:00 UTC (auth.expiry_grace); want another one`,
			`warning: tenants: the last credential of tenant "grace-over", tenants of grace-over (client grace-over), ended on 1999-12-30 00:00 UTC; want another one`,
			`warning: tenants: the last credential of tenant "soon", tenants of soon (client soon), ends on 2000-01-14 23:59 UTC; want another one`,
			`warning: tenants: the last credential of tenant "two-gaps", tenants of two-gaps (client two-gaps), ends on 2000-01-02 00:00 UTC; the next one begins on 2000-01-03 00:00 UTC; want one for the time between`,
			`warning: tenants: the last credential of tenant "two-gaps", tenants of two-gaps (client two-gaps), ends on 2000-01-04 00:00 UTC; the next one begins on 2000-01-05 00:00 UTC; want one for the time between`,
		}
		cache := authcache.New(authcache.Options{Workers: 1})
		defer cache.Close()
		if _, err := cache.Replace("file", entries); err != nil {
			t.Fatal(err)
		}
		for name, all := range map[string][]authcache.CredentialStatus{"in use": cache.Credentials(), "listed": authcache.Listed("file", entries)} {
			got := endingTenants(all, now)
			slices.Sort(got) // those of one tenant are all at one place
			if !slices.Equal(got, want) {
				t.Errorf("%s: got\n%s", name, strings.Join(got, "\n"))
			}
		}
	})
}
