package proxy

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// Options is what a Proxy is for as long as its process lives; changing any of it needs a restart.
type Options struct {
	HeaderTimeout time.Duration // from the first byte of a head to its last
	IdleTimeout   time.Duration // between two requests of a connection
	MaxHeaderSize int           // bytes of a request head, request line included
	MemoryLimit   int64         // bytes that the process may take; above 80 % of it requests wait; 0: not known
	Pipes         int           // of the kernel, for large bodies, that may be open at a time; each is two open files
	Shares        *Shares       // what each tenant may take; nil: no limits
	Metrics       *metrics.Set  // where the request metrics are registered; nil: nowhere
	Log           *slog.Logger  // nil: nowhere
	Requests      *slog.Logger  // gets the lines of single requests, which are many; nil: Log
	Changes       *slog.Logger  // gets the lines of the audit log that must not be lost; nil: Log
}

// Settings is what one configuration says about requests. Compile turns it into a Snapshot; the caller must not change
// it afterwards.
type Settings struct {
	Routes       []Route
	RulePrefixes []string // paths below which namespace and group may be escaped, each ending in "/"
	Credentials  *authcache.Cache
	Realm        string                // of WWW-Authenticate
	HealthPath   string                // answered without credentials; "": none
	HealthPools  []*balancer.Pool      // HealthPath says 503 while one of them has had no healthy host for 10 s
	WriteTimeout time.Duration         // the answer to the client, between two writes; 0: no limit
	Tenants      authcache.TenantRules // which tenants a client may name, beside its own
	Limits       Limits
	Access       AccessLog
	Tracing      Tracing
	Audit        bool // a line for each refusal, and for each change of rules, alerts and the cluster

	KeepDeniedWrites bool // 401 and 403 are 503 on write routes, so that senders keep what they sent

	MaxTenantSeries int // tenants that are counted apart in the metrics; 0: none is shown

	MaxConnections int            // of clients; 0: no limit
	AllowFrom      []netip.Prefix // who may connect; empty: everybody
	AllowedOrigins []string       // "https://grafana.example": other origins than the gateway's own that browsers may send changes from
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and X-Request-ID are believed
}

// Limits is what all requests of the process together may take. Beyond a limit requests wait, and are then refused.
type Limits struct {
	MaxInFlight      int           // requests that are not reads; 0: no limit
	MaxInFlightReads int           // reads; 0: no limit
	QueueTimeout     time.Duration // how long a request waits for a slot; 0: not at all
	MaxBuffered      int64         // bytes of bodies kept for a further attempt; beyond it they stream; 0: no limit
	RejectWrites     int           // status of what is refused on write routes; 0: 503
	RejectReads      int           // status elsewhere; 0: 429
}

// Route is one entry of the allow list: which requests it takes, who may send them, and where they go.
type Route struct {
	Path       string         // raw and clean; a prefix without its "/*"
	Prefix     bool           // Path itself and all below it, at a slash
	Methods    []string       // empty: any
	Component  string         // Cortex's component, for logs and metrics
	Upstream   string         // its name in the configuration; "": none configured, answered 503
	Pool       *balancer.Pool // nil exactly when Upstream is ""
	Host       string         // the Host header sent upstream
	Scope      authcache.Scope
	Rewrite    string // replaces Path when HasRewrite
	HasRewrite bool
	Federated  bool // a read of several tenants may go here

	Timeout        time.Duration // the whole request from the moment its head was read; 0: no limit
	ReadTimeout    time.Duration // per attempt: to the answer's first byte, then between two reads; 0: no limit
	WriteTimeout   time.Duration // per attempt: between two writes of the request; 0: no limit
	ConnectTimeout time.Duration // waiting for a connection of the host
	BodyTimeout    time.Duration // the client's request body; 0: no limit
	Retries        int           // further attempts
	RetryBodySize  int64         // bytes of a body that is kept for a further attempt
	MaxBodySize    int64         // bytes; 0: no limit
	MaxInFlight    int           // requests at a time; 0: no limit
}
