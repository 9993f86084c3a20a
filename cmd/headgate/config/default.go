package config

import (
	"net/netip"
	"time"

	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/balancer"
)

// Default is the configuration of an empty file. Tables of many, [upstreams],
// [[routes]] and [[tenants]], have none.
func Default() *Config {
	return &Config{
		Server: Server{
			Listen:          Addresses{":8080"},
			HeaderTimeout:   Duration(10 * time.Second),
			ReadTimeout:     Duration(30 * time.Second),
			WriteTimeout:    AutoDuration{Auto: true},
			IdleTimeout:     Duration(6 * time.Minute),
			MaxHeaderSize:   16 * KiB,
			MaxConnections:  AutoInt{Auto: true},
			AllowFrom:       []CIDR{},
			AllowedOrigins:  []Origin{},
			HealthPath:      "/healthz",
			HealthUpstreams: []string{},
			DrainDelay:      Duration(5 * time.Second),
			DrainTimeout:    AutoDuration{Auto: true},
			TrustedProxies:  []CIDR{},
			TLS:             defaultServerTLS(),
		},
		Admin: Admin{
			Listen: "127.0.0.1:8081",
			Trusted: []CIDR{
				{netip.MustParsePrefix("127.0.0.0/8")},
				{netip.MustParsePrefix("::1/128")},
			},
		},
		Cortex: Cortex{
			HTTPPrefix:             "/api/prom",
			PrometheusHTTPPrefix:   "/prometheus",
			AlertmanagerHTTPPrefix: "/alertmanager",
		},
		DNS: DNS{Servers: []Nameserver{}},
		Auth: Auth{
			Realm:             "headgate",
			DefaultScopes:     []string{"write", "read", "rules", "alerts"},
			TenantHeader:      "ignore",
			DeniedWriteStatus: 401,
			Cache:             AuthCache{MaxEntries: 100000},
			JWT:               JWT{JWTIssuer: defaultIssuer()},
		},
		Etcd: Etcd{Endpoints: []URL{}, Prefix: "/headgate/tenants/", CacheFile: "auto"},
		Limits: Limits{
			MaxInFlight:        10000,
			MaxInFlightReads:   1000,
			QueueTimeout:       Duration(time.Second),
			MaxBuffered:        AutoSize{Auto: true},
			RejectStatusWrites: 503,
			RejectStatusReads:  429,
		},
		Metrics: Metrics{Tenants: 1000},
		Log: Log{
			Level: "info", Format: "json",
			Access: LogAccess{Sample: 1, MaxPerSecond: 1000},
			Audit:  LogAudit{Enabled: true},
		},
		Tracing: Tracing{Headers: SecretHeaders{}, SampleRatio: 0.01},
	}
}

func defaultServerTLS() ServerTLS {
	return ServerTLS{Listen: Addresses{}, ClientAuth: "none", MinVersion: "1.2"}
}

func defaultIssuer() JWTIssuer {
	return JWTIssuer{
		Secrets:             Secrets{},
		SecretFiles:         []string{},
		PublicKeyFiles:      []string{},
		JWKSRefreshInterval: Duration(verify.DefaultRefreshInterval),
		Algorithms:          []string{},
		TenantClaim:         verify.DefaultTenantClaim,
		RequireExpiry:       true,
		Leeway:              Duration(30 * time.Second),
	}
}

// setDefaults fills in what an [[auth.jwt.issuers]] table leaves out.
func (i *JWTIssuer) setDefaults() { *i = defaultIssuer() }

// setDefaults fills in what an [upstreams.NAME] table leaves out. The deadlines
// and retries that depend on the component stay unset: under [upstreams.all] they
// differ from route to route.
func (u *Upstream) setDefaults() {
	*u = Upstream{
		DNSRefreshInterval: Duration(5 * time.Second),
		Paths:              []string{},
		Policy:             balancer.RoundRobin.String(),
		ConnectTimeout:     Duration(2 * time.Second),
		WriteTimeout:       Duration(8 * time.Second),
		IdleTimeout:        Duration(90 * time.Second),
		MaxConnections:     512,
		RetryBodySize:      1 * MiB,
		MaxFails:           3,
		FailTimeout:        Duration(5 * time.Second),
		Health:             Health{Interval: Duration(5 * time.Second), Timeout: Duration(2 * time.Second), Rise: 2, Fall: 3},
	}
}

// Limits of a route that does not set its own.
const (
	defaultBodyOnWrite = 100 * MiB // Cortex's own limit of a push
	defaultBody        = 10 * MiB  // that of Cortex's query-frontend

	defaultRetriesOnWrite = 2
	defaultRetries        = 1
)

// autoMargin is how much longer than the longest route "auto" leaves for the
// answer of the gateway itself.
const autoMargin = 5 * time.Second
