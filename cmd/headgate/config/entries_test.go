package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

func TestEntries(t *testing.T) {
	c := mustParse(t, `
[auth]
default_scopes = ["write", "read"]
[[tenants]]
id = "team-a"
username = "prometheus-a"
password = "one"
[[tenants]]
id = "team-b"
name = "a name with blanks"
username = "b"
password_hash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"
scopes = ["rules", "operator", "rules"]
`)
	got := c.Entries()
	want := []authcache.Entry{{
		Identity: &authcache.Identity{Tenant: "team-a", Client: "prometheus-a", Scopes: authcache.Write | authcache.Read},
		User:     "prometheus-a", Password: "one", Where: "config.toml: tenants[0]",
	}, {
		Identity: &authcache.Identity{Tenant: "team-b", Client: "sha256:e36a1e9b0e3a8e3a", Scopes: authcache.Rules | authcache.Operator},
		User:     "b", Hash: string(c.Tenants[1].PasswordHash), Where: "config.toml: tenants[1]",
	}}
	want[1].Identity.Client = authcache.SafeClient("a name with blanks")
	for i := range want {
		g, w := got[i], want[i]
		if !g.Identity.Equal(w.Identity) || g.Scheme != authcache.Basic || g.User != w.User || g.Password != w.Password || g.Hash != w.Hash || g.Where != w.Where {
			t.Errorf("entry %d: %v %+v, want %v %+v", i, g, *g.Identity, w, *w.Identity)
		}
	}
	if !strings.HasPrefix(got[1].Identity.Client, "sha256:") {
		t.Errorf("a name with blanks is shown as %q", got[1].Identity.Client)
	}
}

// Each method becomes the kind of credential that package authcache knows.
func TestEntriesOfEveryMethod(t *testing.T) {
	dir := copyTestdata(t)
	c, problems := Load(dir+"/methods.good.toml", goldenOptions())
	if problems.Errors() > 0 {
		t.Fatal(problemText(problems, dir))
	}
	const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	all := authcache.Write | authcache.Read | authcache.Rules | authcache.Alerts
	reach, err := authcache.NewReach([]string{"team-a", "team-b"}, []string{"team-a", "team-b"}, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	want := []authcache.Entry{
		{Scheme: authcache.Basic, User: "a", SHA256: strings.ToUpper(sum), Identity: &authcache.Identity{
			Tenant: "team-a", Client: "a", Scopes: all, Reach: reach, Terms: &authcache.Terms{
				NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
				Expires:   time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC),
				Grace:     time.Hour,
				AllowFrom: []netip.Prefix{
					netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.1/32"),
				},
			}}},
		{Scheme: authcache.Bearer, Password: "a-token-that-nobody-guesses=", Identity: &authcache.Identity{
			Tenant: "team-a", Client: "team-a/d8268df2", Scopes: all}},
		{Scheme: authcache.Bearer, Password: "token-of-a-file_1", Identity: &authcache.Identity{
			Tenant: "team-b", Client: "collector", Scopes: all}},
		{Scheme: authcache.Bearer, SHA256: sum, Identity: &authcache.Identity{
			Tenant: "team-b", Client: "team-b/e3b0c442", Scopes: authcache.Write}},
		{Scheme: authcache.Certificate, User: "cn:Prometheus of team C", Identity: &authcache.Identity{
			Tenant: "team-c", Client: authcache.SafeClient("Prometheus of team C"), Scopes: all}},
		{Scheme: authcache.Certificate, User: "uri:spiffe://example/c", Identity: &authcache.Identity{
			Tenant: "team-c", Client: "spiffe://example/c", Scopes: all}},
		{Scheme: authcache.Anonymous, Identity: &authcache.Identity{
			Tenant: "team-d", Client: "team-d", Scopes: all, Terms: &authcache.Terms{
				AllowFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25")},
			}}},
	}
	got := c.Entries()
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if !g.Identity.Equal(w.Identity) || g.Scheme != w.Scheme || g.User != w.User || g.Password != w.Password || g.Hash != w.Hash || g.SHA256 != w.SHA256 {
			t.Errorf("entry %d: %v %+v %+v, want %v %+v %+v", i, g, *g.Identity, g.Identity.Terms, w, *w.Identity, w.Identity.Terms)
		}
	}
	cache := authcache.New(authcache.Options{})
	defer cache.Close()
	if _, err := cache.Replace("configuration file", got); err != nil {
		t.Error(err)
	}
}
