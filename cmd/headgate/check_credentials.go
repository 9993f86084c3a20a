package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/sources"
)

// checkCredentials puts all credentials of a configuration into the cache, and returns what is wrong with them, as check
// prints it, and how many of that are errors.
func checkCredentials(cfg *config.Config, credentials *authcache.Cache, o config.Options) (problems []string, errs int) {
	if _, err := credentials.Replace(configurationFile, cfg.Entries()); err != nil {
		return problemsOf(err), len(problemsOf(err))
	}
	for _, f := range sources.ReadOnce(cfg, sources.Options{Cache: credentials, Log: slog.New(slog.DiscardHandler), Env: o.Env}) {
		problems = append(problems, f.String())
		if f.Level == config.Error {
			errs++
		}
	}
	if !cfg.Etcd.Enabled() { // which may have those that follow
		problems = append(problems, endingTenants(credentials.Credentials(), time.Now())...)
	}
	return problems, errs
}

// checkOwnCredentials is checkCredentials without a look at files: it warns of tenants where the configuration file has
// all there is.
func checkOwnCredentials(cfg *config.Config) []string {
	if cfg.Etcd.Enabled() || cfg.Auth.TenantsDir != "" || cfg.Auth.HtpasswdFile != "" {
		return nil
	}
	return endingTenants(authcache.Listed(configurationFile, cfg.Entries()), time.Now())
}

// soonEnding is how long before its end the last credential of a tenant is worth a warning.
const soonEnding = 14 * 24 * time.Hour

// endingTenants names tenants that nobody can reach soon, or now already, for good or until their next credential begins.
func endingTenants(all []authcache.CredentialStatus, now time.Time) []string {
	const form = "2006-01-02 15:04 MST"
	var warnings []string
	for _, c := range all {
		left, ends := c.Left(now)
		if !c.Last || !ends || left >= soonEnding {
			continue
		}
		when := "ends on"
		if left <= 0 {
			when = "ended on"
		}
		when += " " + c.Expires.UTC().Format(form)
		if left <= 0 && now.Before(c.Until) {
			when += " and is taken until " + c.Until.UTC().Format(form) + " (auth.expiry_grace)"
		}
		want := "want another one"
		if !c.Next.IsZero() {
			want = "the next one begins on " + c.Next.UTC().Format(form) + "; want one for the time between"
		}
		warnings = append(warnings, fmt.Sprintf("warning: tenants: the last credential of tenant %q, %s (client %s), %s; %s",
			c.Tenant, c.Where, c.Client, when, want))
	}
	return warnings
}

// client is who presents credentials: several passwords of one client are those of one.
type client struct{ tenant, name string }

// countOwnClients counts whom the configuration file itself names.
func countOwnClients(cfg *config.Config) int {
	found := map[client]struct{}{}
	for _, e := range cfg.Entries() {
		found[client{e.Identity.Tenant, e.Identity.Client}] = struct{}{}
	}
	return len(found)
}
