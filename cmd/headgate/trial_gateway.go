package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
	"github.com/headgate/headgate/cmd/headgate/sources"
	"github.com/headgate/headgate/proxy"
)

// newTrialGateway finds out what a gateway of a configuration makes of values in etcd, beside what it has from its files.
// What is wrong with those is for check to say.
func newTrialGateway(cfg *config.Config, credentials *authcache.Cache) *sources.Trial {
	limits := newTenantLimits(proxy.NewShares())
	o := sources.Options{
		Cache: credentials, Log: slog.New(slog.DiscardHandler), Env: os.Getenv, Limits: limits.replace, AmendLimits: limits.amend,
	}
	_ = limits.replace(configurationFile, cfg.TenantLimits())
	_, _ = credentials.Replace(configurationFile, cfg.Entries())
	sources.ReadOnce(cfg, o)
	return sources.NewTrial(cfg, o)
}

// readEtcd has a gateway on trial take what is in etcd, so that the cache has it.
func readEtcd(ctx context.Context, cfg *config.Config, credentials *authcache.Cache) error {
	store, err := fleet.Open(ctx, sources.FleetOptions(&cfg.Etcd))
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.List(ctx)
	if err != nil {
		return err
	}
	values := make(map[string]string, len(all))
	for key, v := range all {
		if v.There() {
			values[key] = v.Text
		}
	}
	newTrialGateway(cfg, credentials).Put(values)
	return nil
}
