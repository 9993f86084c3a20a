package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// Snapshot is what requests run on: immutable, compiled from one configuration, loaded once by each request.
type Snapshot struct {
	routes       *routeTable
	rulePrefixes []string
	credentials  *authcache.Cache
	realm        string // of WWW-Authenticate, quoted
	healthPath   string
	healthPools  []*balancer.Pool
	writeTimeout time.Duration
	tenants      authcache.TenantRules
	keepDenied   bool
	limits       Limits
	access       AccessLog
	tracing      Tracing
	audit        bool

	maxTenantSeries int

	maxConnections int
	allowFrom      []netip.Prefix
	allowedOrigins []string
	trusted        []netip.Prefix
}

// Compile makes a Snapshot of settings. The error names every route that cannot be.
func Compile(s Settings) (*Snapshot, error) {
	if s.Credentials == nil {
		return nil, errors.New("compile: no credentials given")
	}
	routes, err := newRouteTable(s.Routes)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return &Snapshot{
		routes:       routes,
		rulePrefixes: s.RulePrefixes,
		credentials:  s.Credentials,
		realm:        `"` + quoted.Replace(s.Realm) + `"`,
		healthPath:   s.HealthPath,
		healthPools:  s.HealthPools,
		writeTimeout: s.WriteTimeout,
		tenants:      s.Tenants,
		keepDenied:   s.KeepDeniedWrites,
		limits:       s.Limits,
		access:       s.Access,
		tracing:      s.Tracing,
		audit:        s.Audit,

		maxTenantSeries: s.MaxTenantSeries,

		maxConnections: s.MaxConnections,
		allowFrom:      s.AllowFrom,
		allowedOrigins: s.AllowedOrigins,
		trusted:        s.TrustedProxies,
	}, nil
}

// quoted escapes for a quoted-string (RFC 9110 §5.6.4).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Routes are all routes of the snapshot, in the order they were given. The caller must not change them.
func (s *Snapshot) Routes() []Route { return s.routes.given }

// longestPushTimeout is the longest time for which an attempt at a push may hang on a host without a sign of life.
func (s *Snapshot) longestPushTimeout() (longest time.Duration) {
	for _, r := range s.routes.all {
		if r.Scope&authcache.Write != 0 {
			longest = max(longest, cmp.Or(r.ReadTimeout, r.Timeout))
		}
	}
	return longest
}
