package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/traces"
	"github.com/headgate/headgate/proxy"
)

// parts outlive every configuration; generations are assembled around them.
type parts struct {
	credentials *authcache.Cache
	balancing   *balancer.Metrics
	limits      *tenantLimits
	spans       *traces.Counters // nil: no spans are sent
	log         *slog.Logger
}

// generation is one configuration at work, with all that belongs to it alone.
type generation struct {
	config   *config.Config
	text     []byte          // of the file, so that the files it names can be read again without it
	digest   string          // SHA-256 of text, hexadecimal
	held     config.Problems // why files that it names are not used as they are
	loaded   time.Time
	clients  int
	restart  []string // keys whose new value waits for a restart
	pools    map[poolKey]*balancer.Pool
	tls      map[string]*tls.Config // by upstream
	traces   *traces.Sender         // nil: there is none
	snapshot *proxy.Snapshot
	servers  []*listener
	admin    []*listener // one or none
}

// poolKey tells pools apart: a route with an idle_timeout of its own has connections of its own.
type poolKey struct {
	upstream string
	idle     time.Duration
}

// poolOf is the pool of a route that has an upstream.
func poolOf(r *config.ResolvedRoute) poolKey {
	key := poolKey{upstream: r.Upstream}
	if r.OwnPool {
		key.idle = r.IdleTimeout
	}
	return key
}

// assemble makes the pools and the snapshot of a configuration. Hosts that from (nil: none) has as well are taken over
// with their connections; from goes on working, whatever becomes of the new generation.
func assemble(cfg *config.Config, p parts, from *generation) (*generation, error) {
	g := &generation{
		config: cfg,
		loaded: time.Now(),
		pools:  make(map[poolKey]*balancer.Pool),
		tls:    make(map[string]*tls.Config),
	}
	settings := proxy.Settings{
		RulePrefixes: rulePrefixes(cfg),
		Credentials:  p.credentials,
		Realm:        cfg.Auth.Realm,
		HealthPath:   cfg.Server.HealthPath,
		WriteTimeout: cfg.Server.WriteTimeout.Value,
		Tenants: authcache.TenantRules{
			Federation:   cfg.Cortex.TenantFederation.Enabled,
			MaxTenants:   cfg.Cortex.TenantFederation.MaxTenant,
			RegexMatcher: cfg.Cortex.TenantFederation.RegexMatcherEnabled,
			Check:        cfg.Auth.TenantHeader == "check",
		},
		Limits: proxy.Limits{
			MaxInFlight:      cfg.Limits.MaxInFlight,
			MaxInFlightReads: cfg.Limits.MaxInFlightReads,
			QueueTimeout:     time.Duration(cfg.Limits.QueueTimeout),
			MaxBuffered:      cfg.Limits.MaxBuffered.Value,
			RejectWrites:     cfg.Limits.RejectStatusWrites,
			RejectReads:      cfg.Limits.RejectStatusReads,
		},
		Access: proxy.AccessLog{
			Enabled:      cfg.Log.Access.Enabled,
			Sample:       float64(cfg.Log.Access.Sample),
			MaxPerSecond: cfg.Log.Access.MaxPerSecond,
			Query:        cfg.Log.Access.Query,
		},
		Audit:            cfg.Log.Audit.Enabled,
		KeepDeniedWrites: cfg.Auth.DeniedWriteStatus == 503,
		MaxTenantSeries:  cfg.Metrics.Tenants,

		MaxConnections: cfg.Server.MaxConnections.Value,
		AllowFrom:      prefixes(cfg.Server.AllowFrom),
		AllowedOrigins: origins(cfg),
		TrustedProxies: prefixes(cfg.Server.TrustedProxies),
	}
	resolver := balancer.NewResolver(nameservers(cfg))
	for _, r := range cfg.RouteTable() {
		var pool *balancer.Pool
		var host string
		if r.Upstream != "" {
			pool = g.pool(poolOf(&r), p, resolver, from)
			host = cfg.Upstreams[r.Upstream].HostHeader()
		}
		settings.Routes = append(settings.Routes, route(r, pool, host))
	}
	for _, name := range cfg.Server.HealthUpstreams {
		settings.HealthPools = append(settings.HealthPools, g.pool(poolKey{upstream: name}, p, resolver, from))
	}
	tracing, err := g.tracing(p, from)
	if err != nil {
		g.closePools()
		return nil, fmt.Errorf("tracing: %w", err)
	}
	settings.Tracing = tracing
	snapshot, err := proxy.Compile(settings)
	if err != nil {
		g.discard(from)
		return nil, fmt.Errorf("routes: %w", err)
	}
	g.snapshot = snapshot
	return g, nil
}

// route puts a resolved route in the terms of the proxy.
func route(r config.ResolvedRoute, pool *balancer.Pool, host string) proxy.Route {
	return proxy.Route{
		Path:           r.Path,
		Prefix:         r.Prefix,
		Methods:        r.Methods,
		Component:      r.Component,
		Upstream:       r.Upstream,
		Pool:           pool,
		Host:           host,
		Scope:          r.Scope,
		Rewrite:        r.Rewrite,
		HasRewrite:     r.HasRewrite,
		Federated:      r.Federated,
		Timeout:        r.Timeout,
		ReadTimeout:    r.ReadTimeout,
		WriteTimeout:   r.WriteTimeout,
		ConnectTimeout: r.ConnectTimeout,
		BodyTimeout:    r.BodyTimeout,
		Retries:        r.Retries,
		RetryBodySize:  r.RetryBodySize,
		MaxBodySize:    r.MaxBodySize,
		MaxInFlight:    r.MaxInFlight,
	}
}

// pool returns a pool, made at its first use: an upstream that nobody asks for is never looked up.
func (g *generation) pool(key poolKey, p parts, resolver balancer.Resolver, from *generation) *balancer.Pool {
	if made, ok := g.pools[key]; ok {
		return made
	}
	var before *balancer.Pool
	if from != nil {
		before = from.pools[key]
	}
	u := g.config.Upstreams[key.upstream]
	idle, log := time.Duration(u.IdleTimeout), p.log
	if key.idle > 0 {
		idle, log = key.idle, log.With("idle_timeout", key.idle.String()) // tells it from the upstream's own
	}
	policy, _ := balancer.ParsePolicy(u.Policy)
	g.pools[key] = balancer.New(balancer.Options{
		Name:             key.upstream,
		Targets:          u.Targets(),
		TLS:              g.tlsOf(key.upstream, from),
		Resolver:         resolver,
		RefreshInterval:  time.Duration(u.DNSRefreshInterval),
		ConnectTimeout:   time.Duration(u.ConnectTimeout),
		IdleTimeout:      idle,
		MaxConnectionAge: time.Duration(u.MaxConnectionAge),
		UserTimeout:      unacknowledged(g.config.RouteTable(), key),
		MaxConnections:   u.MaxConnections,
		QueueTimeout:     time.Duration(g.config.Limits.QueueTimeout),
		Policy:           policy,
		MaxFails:         u.MaxFails,
		FailTimeout:      time.Duration(u.FailTimeout),
		Health: balancer.Health{
			Path:     u.Health.Path,
			Host:     u.HostHeader(),
			Interval: time.Duration(u.Health.Interval),
			Timeout:  time.Duration(u.Health.Timeout),
			Rise:     u.Health.Rise,
			Fall:     u.Health.Fall,
		},
		Metrics: p.balancing,
		Log:     log,
	}, before)
	return g.pools[key]
}

// tlsOf is the TLS configuration of an upstream: the very one of the generation before when nothing in it changed, since
// that is how the balancer knows that connections may be kept.
func (g *generation) tlsOf(upstream string, from *generation) *tls.Config {
	if made, ok := g.tls[upstream]; ok {
		return made
	}
	made := g.config.Upstreams[upstream].TLSConfig()
	if from != nil && config.SameTLS(made, from.tls[upstream]) {
		made = from.tls[upstream]
	}
	g.tls[upstream] = made
	return made
}

// rulePrefixes are the paths below which a rule namespace and a group stand, which may hold escapes.
func rulePrefixes(cfg *config.Config) []string {
	var prefixes []string
	for _, r := range cfg.RouteTable() {
		if prefix := r.Path + "/"; r.RuleNames && !slices.Contains(prefixes, prefix) {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// prefixes are networks without the config around them.
func prefixes(networks []config.CIDR) []netip.Prefix {
	found := make([]netip.Prefix, 0, len(networks))
	for _, network := range networks {
		found = append(found, network.Prefix)
	}
	return found
}

// origins are those of server.allowed_origins.
func origins(cfg *config.Config) []string {
	found := make([]string, 0, len(cfg.Server.AllowedOrigins))
	for _, origin := range cfg.Server.AllowedOrigins {
		found = append(found, string(origin))
	}
	return found
}

func nameservers(cfg *config.Config) []string {
	servers := make([]string, 0, len(cfg.DNS.Servers))
	for _, s := range cfg.DNS.Servers {
		servers = append(servers, string(s))
	}
	return servers
}

// discard ends a generation that was never used, in place of from.
func (g *generation) discard(from *generation) {
	g.closePools()
	g.closeTraces(from)
}

// closePools ends the look-ups of the generation and closes the connections that no other one took over.
func (g *generation) closePools() {
	for _, pool := range g.pools {
		pool.Close()
	}
}
