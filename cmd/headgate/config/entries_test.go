package config

import (
	"strings"
	"testing"

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
		User:     "prometheus-a", Password: "one", Where: "tenants[0]",
	}, {
		Identity: &authcache.Identity{Tenant: "team-b", Client: "sha256:e36a1e9b0e3a8e3a", Scopes: authcache.Rules | authcache.Operator},
		User:     "b", Hash: string(c.Tenants[1].PasswordHash), Where: "tenants[1]",
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
