package convert

import (
	"strings"

	"github.com/headgate/headgate/authcache"
)

// credential is a user name and a password of the original.
type credential struct {
	where              string // "line 7"
	username, password string
	id                 string // of the tenant
	passthrough        bool   // the client names the tenant itself
}

// credentials writes [[tenants]], each user name for one tenant.
type credentials struct {
	*document
	seen map[string]credential // the first of each user name
	all  map[credential]bool
}

func newCredentials(d *document) *credentials {
	return &credentials{d, make(map[string]credential), make(map[credential]bool)}
}

// write writes one entry, or says why it cannot be one.
func (w *credentials) write(c credential) {
	if why := c.wrong(); why != "" {
		w.blank()
		w.remark("%s: user %s is left out: %s", c.where, show(c.username), why)
		return
	}
	same := c
	same.where = ""
	first, taken := w.seen[c.username]
	switch {
	case w.all[same]:
		w.blank()
		w.remark("%s: user %s is there twice with the same password", c.where, show(c.username))
		return
	case taken && (first.id != c.id || first.passthrough != c.passthrough):
		w.blank()
		w.remark("%s: user %s is left out: %s has that user name for another tenant; here each tenant needs user names of its own",
			c.where, show(c.username), first.where)
		return
	case !taken:
		w.seen[c.username] = c
	}
	w.all[same] = true
	w.entry(c)
}

// wrong says what headgate, or Cortex behind it, would not take.
func (c credential) wrong() string {
	switch {
	case c.username == "" || c.password == "":
		return "without a user name or without a password it would let in everybody who sends none"
	case strings.Contains(c.username, ":"):
		return `no client can send a user name with ":" in it`
	case strings.ContainsFunc(c.username+c.password, control):
		return "no client can send the control character in it"
	case len(c.username)+1+len(c.password) > authcache.MaxBasicSize:
		return "user name and password are too long"
	case c.passthrough:
		return ""
	case c.id == "":
		return "it has no tenant id, without which Cortex refuses every request"
	}
	for _, id := range strings.Split(c.id, "|") {
		if err := authcache.ValidTenant(id); err != nil {
			return "Cortex refuses its tenant id: " + err.Error()
		}
	}
	return ""
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }

func (w *credentials) entry(c credential) {
	w.blank()
	ids := strings.Split(c.id, "|")
	switch {
	case c.passthrough:
		ids = []string{c.ownTenant()}
		w.remark("passthrough: this client names the tenant of each request in X-Scope-OrgID, and may name any.\n"+
			"A request that names none is for %s; the original sent it without a tenant, which Cortex refuses.\n"+
			"Name those that it needs in place of \"*\". A query for several, \"a|b\", needs enabled = true in [cortex.tenant_federation].",
			show(ids[0]))
	case len(ids) > 1:
		w.remark("%s names several tenants, which Cortex takes in queries only.", show(c.id))
	}
	w.table("[[tenants]]")
	w.set("id", ids[0], "")
	w.set("username", c.username, "")
	w.set("password", c.password, "")
	switch {
	case c.passthrough:
		w.set("read_tenants", []string{"*"}, "")
		w.set("write_tenants", []string{"*"}, "")
	case len(ids) > 1:
		w.set("scopes", []string{"read"}, "")
		w.set("read_tenants", ids, "")
		w.set("read_default", ids, "")
	}
}

// ownTenant is a tenant for requests that name none.
func (c credential) ownTenant() string {
	for _, id := range []string{c.id, c.username} {
		if id != "" && authcache.ValidTenant(id) == nil {
			return id
		}
	}
	return "unnamed"
}

// federated reports whether a credential reads several tenants at once.
func federated(all []credential) bool {
	for _, c := range all {
		if strings.Contains(c.id, "|") && c.wrong() == "" && !c.passthrough {
			return true
		}
	}
	return false
}
