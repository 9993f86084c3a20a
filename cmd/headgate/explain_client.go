package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/sources"
)

// sender is the client that a request is explained for.
type sender struct {
	Name           string   `json:"name"`
	Authentication string   `json:"authentication"` // basic | bearer | mtls | none | token
	Where          string   `json:"where,omitempty"`
	Tenant         string   `json:"tenant"`           // its own; "" for a token of several
	Scopes         string   `json:"scopes,omitempty"` // "": as the token says
	ReadTenants    []string `json:"read_tenants,omitempty"`
	ReadDefault    []string `json:"read_default,omitempty"`
	WriteTenants   []string `json:"write_tenants,omitempty"`
	NotBefore      string   `json:"not_before,omitempty"`
	Expires        string   `json:"expires,omitempty"`
	AllowFrom      []string `json:"allow_from,omitempty"`

	identity *authcache.Identity
}

// signed is how a signed token is called, which no [[tenants]] has.
const signed = "token"

// findSender returns who a name stands for; nil for no name. Of several credentials it is one that is good now, if there is
// one; those that are have to have the same rights. Where signed tokens are taken, a name that is not in the configuration is
// that of a token: its tenant, or several with "|" between them, and a slash and its subject behind them, if that matters.
func findSender(cfg *config.Config, credentials *authcache.Cache, name string, now time.Time) (*sender, error) {
	if name == "" {
		return nil, nil
	}
	if err := readAll(cfg, credentials); err != nil {
		return nil, err
	}
	found := credentials.Named(name)
	if len(found) == 0 && cfg.Etcd.Enabled() {
		if err := readEtcd(context.Background(), cfg, credentials); err != nil {
			return nil, fmt.Errorf("--client: %q is in no file, and may be in etcd: %w", name, err)
		}
		found = credentials.Named(name)
	}
	if len(found) == 0 {
		return findToken(cfg, credentials, name)
	}
	for _, other := range found[1:] {
		if other.Identity.Tenant != found[0].Identity.Tenant {
			return nil, fmt.Errorf("--client: %q is at %s and at %s, for another tenant; want a user name, or the tenant, a slash and the name",
				name, found[0].Where, other.Where)
		}
	}
	good := slices.DeleteFunc(slices.Clone(found), func(c authcache.Named) bool { return c.Identity.Terms.At(now) != authcache.Accepted })
	if len(good) == 0 {
		good = found
	}
	best := good[0]
	for _, other := range good[1:] {
		if !sameRights(best.Identity, other.Identity) {
			return nil, fmt.Errorf("--client: %q is at %s and at %s, with other rights: it depends on which of them is sent; "+
				"want the same rights, or a name for each", name, best.Where, other.Where)
		}
	}
	return newSender(best.Identity, authenticationOf(best.Scheme), best.Where), nil
}

// sameRights reports whether two credentials of a tenant may do the same, from the same addresses.
func sameRights(a, b *authcache.Identity) bool {
	return a.Scopes == b.Scopes &&
		slices.Equal(a.Reach.ReadTenants(), b.Reach.ReadTenants()) &&
		slices.Equal(a.Reach.ReadDefault(), b.Reach.ReadDefault()) &&
		slices.Equal(a.Reach.WriteTenants(), b.Reach.WriteTenants()) &&
		slices.Equal(allowedFrom(a), allowedFrom(b))
}

// allowedFrom is where a credential is good, in the order of addresses; nothing is everywhere.
func allowedFrom(identity *authcache.Identity) []netip.Prefix {
	if identity.Terms == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(identity.Terms.AllowFrom), netip.Prefix.Compare)
}

// readAll puts all credentials of a configuration into a cache, those of its folder and its htpasswd file included. Keys
// of tokens are not fetched: nothing is verified.
func readAll(cfg *config.Config, credentials *authcache.Cache) error {
	if _, err := credentials.Replace(configurationFile, cfg.Entries()); err != nil {
		return err
	}
	var problems []error
	for _, f := range sources.ReadOnce(cfg, sources.Options{Cache: credentials, Log: slog.New(slog.DiscardHandler), Env: os.Getenv}) {
		if f.Level == config.Error {
			problems = append(problems, errors.New(f.Source+": "+f.Text))
		}
	}
	return errors.Join(problems...)
}

func authenticationOf(s authcache.Scheme) string {
	switch s {
	case authcache.Basic:
		return "basic"
	case authcache.Bearer:
		return "bearer"
	case authcache.Certificate:
		return "mtls"
	default:
		return "none"
	}
}

func newSender(identity *authcache.Identity, authentication, where string) *sender {
	s := &sender{
		Name: identity.Client, Authentication: authentication, Where: where, Tenant: identity.Tenant, Scopes: identity.Scopes.String(),
		ReadTenants: identity.Reach.ReadTenants(), ReadDefault: identity.Reach.ReadDefault(), WriteTenants: identity.Reach.WriteTenants(),
		identity: identity,
	}
	if terms := identity.Terms; terms != nil {
		const form = "2006-01-02T15:04:05Z07:00"
		if !terms.NotBefore.IsZero() {
			s.NotBefore = terms.NotBefore.Format(form)
		}
		if !terms.Expires.IsZero() {
			s.Expires = terms.Expires.Format(form)
		}
		for _, prefix := range terms.AllowFrom {
			s.AllowFrom = append(s.AllowFrom, prefix.String())
		}
	}
	return s
}

// findToken is findSender for a name that no credential of the configuration has.
func findToken(cfg *config.Config, credentials *authcache.Cache, name string) (*sender, error) {
	jwt := &cfg.Auth.JWT
	if !jwt.Enabled() && len(jwt.Issuers) == 0 {
		return nil, unknownClient(credentials, name)
	}
	list, subject, _ := strings.Cut(name, "/")
	tenants := strings.Split(list, "|")
	for _, tenant := range tenants {
		if authcache.ValidTenant(tenant) != nil {
			return nil, fmt.Errorf("%w; nor is %q the tenant of a token", unknownClient(credentials, name), tenant)
		}
	}
	identity := &authcache.Identity{Client: authcache.SafeClient(subject), Scopes: cfg.DefaultScopes()}
	if len(tenants) == 1 {
		identity.Tenant = tenants[0]
	} else {
		reach, err := authcache.NewReach(tenants, tenants, tenants)
		if err != nil {
			return nil, errors.New("--client: a token cannot be for these tenants")
		}
		identity.Reach = reach
	}
	s := newSender(identity, signed, "")
	if jwt.ScopesClaim != "" || slices.ContainsFunc(jwt.Issuers, func(i config.JWTIssuer) bool { return i.ScopesClaim != "" }) {
		s.Scopes = ""
	}
	return s, nil
}

func unknownClient(credentials *authcache.Cache, name string) error {
	var known []string
	for _, c := range credentials.Credentials() {
		known = append(known, c.Client)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	const most = 10
	if len(known) > most {
		known = append(known[:most], "…")
	}
	return fmt.Errorf("--client: %q is not in the configuration; it has %s", name, cmp.Or(strings.Join(known, ", "), "no clients"))
}

// verdict says why the credential is refused at a moment whatever it is used for, "" for nothing, also of nobody.
func (s *sender) verdict(now time.Time) string {
	if s == nil {
		return ""
	}
	switch s.identity.Terms.At(now) {
	case authcache.Early:
		return "the credential is not good before " + s.NotBefore
	case authcache.Expired:
		return "the credential has ended on " + s.Expires
	}
	return ""
}

// mayUse reports whether the client may send what this scope covers, as far as that is known.
func (s *sender) mayUse(scope authcache.Scope) bool {
	return s.Scopes == "" || s.identity.Scopes.Has(scope)
}

// named reports whether a tenant that goes upstream is what the client named, in another order.
func named(tenant, header string) bool {
	parts := strings.Split(header, "|")
	slices.Sort(parts)
	return tenant == strings.Join(slices.Compact(parts), "|")
}

// write prints what there is to say of the client.
func (s *sender) write(line func(name, value string)) {
	line("client", s.Name)
	how := s.Authentication
	if s.Where != "" {
		how += " (" + s.Where + ")"
	}
	line("authentication", how)
	line("scopes", cmp.Or(s.Scopes, "as the token says"))
	for _, list := range []struct {
		name  string
		items []string
	}{{"read tenants", s.ReadTenants}, {"read default", s.ReadDefault}, {"write tenants", s.WriteTenants}} {
		if len(list.items) > 0 {
			line(list.name, strings.Join(list.items, ", "))
		}
	}
	if len(s.AllowFrom) > 0 {
		line("allow from", strings.Join(s.AllowFrom, ", ")+"; refused as a wrong one from everywhere else")
	}
	if s.NotBefore != "" {
		line("not before", s.NotBefore)
	}
	if s.Expires != "" {
		line("expires", s.Expires)
	}
}
