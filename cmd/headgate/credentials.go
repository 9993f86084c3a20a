package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// configurationFile is the source of what the configuration file itself says of tenants.
const configurationFile = "configuration file"

// useTenants puts the credentials of a configuration in force, and the limits of its tenants: both, or with an error
// neither. A client that moves from the file to another source, or back, is known at every moment.
func (a *App) useTenants(next, before *generation) error {
	cfg, doubt := next.config, a.doubt(next.held)
	if err := a.parts.limits.replace(configurationFile, cfg.TenantLimits()); err != nil {
		return err
	}
	entries := cfg.Entries()
	both := entries
	if before != nil && (elsewhere(cfg) || elsewhere(before.config)) {
		both = slices.Concat(entries, leaving(before.config.Entries(), entries))
	}
	meanwhile := doubt
	if before != nil && doubt == nil && (elsewhere(cfg) || elsewhere(before.config)) {
		meanwhile = errChangingHands
	}
	change, err := a.replaceOwn(both, meanwhile)
	if err != nil {
		if before != nil {
			_ = a.parts.limits.replace(configurationFile, before.config.TenantLimits()) // they agreed a moment ago
		}
		return err
	}
	a.sources.Expect(cfg) // only of what is used: one that is never read would leave a doubt for good
	a.sources.Use(cfg)
	if len(both) > len(entries) || meanwhile != doubt {
		left, err := a.replaceOwn(entries, doubt)
		if err != nil {
			a.log.Error("credentials that left the configuration file are still in use", "error", err)
		}
		change = change.Then(left)
	}
	if len(both) > len(entries) {
		a.sources.Reconsider()
	}
	a.logs.credentialsChanged(configurationFile, change)
	return nil
}

// errChangingHands is why a credential that is unknown during a reload may be good: the source that it is in may be another one
// now, and is read last.
var errChangingHands = errors.New("a reload is reading the other sources")

// replaceOwn replaces the credentials of the configuration file, which may leave a doubt (nil: none).
func (a *App) replaceOwn(entries []authcache.Entry, doubt error) (authcache.Change, error) {
	if doubt != nil {
		return a.parts.credentials.ReplacePart(configurationFile, entries, doubt)
	}
	return a.parts.credentials.Replace(configurationFile, entries)
}

// elsewhere reports whether a configuration has credentials beside its own.
func elsewhere(cfg *config.Config) bool {
	return cfg.Auth.TenantsDir != "" || cfg.Auth.HtpasswdFile != "" || cfg.Etcd.Enabled()
}

// leaving are the entries of before that now has not, and that can be in force together with it.
func leaving(before, now []authcache.Entry) []authcache.Entry {
	type credential struct {
		scheme                   authcache.Scheme
		user, password, hash, id string
	}
	of := func(e *authcache.Entry) credential { return credential{e.Scheme, e.User, e.Password, e.Hash, e.SHA256} }
	has := make(map[credential]bool, len(now)) // whose tenant, name or rights may be others now
	tenants, passwords := map[string]string{}, map[string]int{}
	for i := range now {
		e := &now[i]
		has[of(e)] = true
		if e.Scheme == authcache.Basic {
			tenants[e.User] = e.Identity.Tenant
			passwords[e.User]--
		}
	}
	for i := range before {
		if e := &before[i]; e.Scheme == authcache.Basic {
			passwords[e.User]++
		}
	}
	// stays reports whether a user name is here still. With as many passwords as before they are others now, and have not
	// moved; with another tenant they cannot be in force together.
	stays := func(e *authcache.Entry) bool {
		tenant, here := tenants[e.User]
		return here && (tenant != e.Identity.Tenant || passwords[e.User] <= 0)
	}
	var left []authcache.Entry
	for i := range before {
		e := &before[i]
		if e.Scheme == authcache.Anonymous || has[of(e)] || e.Scheme == authcache.Basic && stays(e) {
			continue
		}
		left = append(left, *e)
	}
	return left
}

// doubt is why a credential that is unknown may be good all the same: the configuration file was refused, or a file that it
// names and that says who may come in is not used as it is. nil is no doubt. The caller holds changing.
func (a *App) doubt(held config.Problems) error {
	problems := slices.Clone(a.refused)
	for _, p := range held {
		if strings.HasPrefix(p.Key, "tenants") || strings.HasPrefix(p.Key, "auth.") {
			problems = append(problems, p.String())
		}
	}
	return inOne(problems)
}

// inOne is the first of many problems and the number of the others, nil for none.
func inOne(problems []string) error {
	switch more := len(problems) - 1; {
	case more < 0:
		return nil
	case more > 0:
		return errors.New(problems[0] + " (and " + count(more, "more problem") + ")")
	}
	return errors.New(problems[0])
}

// doubtOwn notes that the configuration file, or one that it names, says something that is not in force: a credential
// that is unknown may stand there.
func (a *App) doubtOwn(problems []string) {
	a.parts.credentials.Failed(configurationFile, inOne(problems))
}
