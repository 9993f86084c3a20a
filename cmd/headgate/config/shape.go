package config

import (
	"crypto/tls"
	"strings"

	"github.com/headgate/headgate/balancer"
)

// Config is a whole configuration file, with the defaults filled in. It is
// complete only when it comes from Load or Parse without an error; from then on
// it is not changed.
type Config struct {
	Server    Server    `toml:"server"`
	Admin     Admin     `toml:"admin"`
	Cortex    Cortex    `toml:"cortex"`
	DNS       DNS       `toml:"dns"`
	Auth      Auth      `toml:"auth"`
	Etcd      Etcd      `toml:"etcd"`
	Limits    Limits    `toml:"limits"`
	Metrics   Metrics   `toml:"metrics"`
	Log       Log       `toml:"log"`
	Tracing   Tracing   `toml:"tracing"`
	Upstreams Upstreams `toml:"upstreams"`
	Routes    []Route   `toml:"routes,omitempty"`
	Tenants   []Tenant  `toml:"tenants,omitempty"`

	table []ResolvedRoute
	named namings
	held  Problems // see Held
	path  string   // of the file
}

// Server is [server]: the listeners for tenants.
type Server struct {
	Listen          Addresses    `toml:"listen"`
	HeaderTimeout   Duration     `toml:"header_timeout"` // the request head
	ReadTimeout     Duration     `toml:"read_timeout"`   // the client's request body, unless a route says otherwise
	WriteTimeout    AutoDuration `toml:"write_timeout"`  // the answer to the client
	IdleTimeout     Duration     `toml:"idle_timeout"`   // between two requests of a connection
	MaxHeaderSize   Size         `toml:"max_header_size"`
	MaxConnections  AutoInt      `toml:"max_connections"`  // of clients; 0: no limit
	AllowFrom       []CIDR       `toml:"allow_from"`       // none: from everywhere
	AllowedOrigins  []Origin     `toml:"allowed_origins"`  // pages of other hosts that may change something
	HealthPath      string       `toml:"health_path"`      // "": off
	HealthUpstreams []string     `toml:"health_upstreams"` // without a healthy host of theirs, HealthPath says 503
	DrainDelay      Duration     `toml:"drain_delay"`      // 0: none
	DrainTimeout    AutoDuration `toml:"drain_timeout"`
	ProxyProtocol   bool         `toml:"proxy_protocol"`
	TrustedProxies  []CIDR       `toml:"trusted_proxies"` // who may say where a request comes from
	TLS             ServerTLS    `toml:"tls"`
}

// ServerTLS is [server.tls].
type ServerTLS struct {
	Listen       Addresses `toml:"listen"`         // none: TLS on Server.Listen
	CertFile     string    `toml:"cert_file"`      // the certificate, with its chain
	KeyFile      string    `toml:"key_file"`       // its key
	ClientCAFile string    `toml:"client_ca_file"` // "": with ClientAuth "none" only
	ClientAuth   string    `toml:"client_auth"`    // none | optional | required
	MinVersion   string    `toml:"min_version"`    // 1.2 | 1.3

	made *tls.Config
}

// Admin is [admin]: the listener for operators.
type Admin struct {
	Listen  Address `toml:"listen"`
	Trusted []CIDR  `toml:"trusted"` // who may use pprof, /config and reload
}

// Cortex is [cortex]: what the cluster itself is configured with.
type Cortex struct {
	HTTPPathPrefix         string           `toml:"http_path_prefix"`
	HTTPPrefix             string           `toml:"http_prefix"`
	PrometheusHTTPPrefix   string           `toml:"prometheus_http_prefix"`
	AlertmanagerHTTPPrefix string           `toml:"alertmanager_http_prefix"`
	TenantFederation       TenantFederation `toml:"tenant_federation"`
}

// TenantFederation is [cortex.tenant_federation].
type TenantFederation struct {
	Enabled             bool `toml:"enabled"`               // -tenant-federation.enabled: a read may name several tenants
	MaxTenant           int  `toml:"max_tenant"`            // how many at most; 0: no limit
	RegexMatcherEnabled bool `toml:"regex_matcher_enabled"` // Cortex takes tenants for patterns; then IDs with . * ( ) or ' are refused
}

// DNS is [dns]. Without servers the system resolver is asked.
type DNS struct {
	Servers []Nameserver `toml:"servers"`
}

// Limits is [limits]: what all requests of the process together may take. 0 is no
// limit.
type Limits struct {
	MaxInFlight        int      `toml:"max_in_flight"`        // requests that are not reads
	MaxInFlightReads   int      `toml:"max_in_flight_reads"`  // reads
	QueueTimeout       Duration `toml:"queue_timeout"`        // waiting for a slot or an upstream connection; 0: not at all
	MaxBuffered        AutoSize `toml:"max_buffered"`         // bytes of bodies kept for further attempts
	RejectStatusWrites int      `toml:"reject_status_writes"` // 503 | 429
	RejectStatusReads  int      `toml:"reject_status_reads"`  // 429 | 503

	TenantDefault TenantLimits             `toml:"tenant_default"`    // of each tenant without limits of its own, those of tokens too
	Tenants       map[string]*TenantLimits `toml:"tenants,omitempty"` // by tenant
}

// TenantLimits are [limits.tenant_default], [limits.tenants.ID] and
// [tenants.limits]: what one tenant may take of the process with all its
// credentials together. 0 is no limit.
type TenantLimits struct {
	RequestsPerSecond Rate `toml:"requests_per_second"` // on average; 0: no limit
	BytesPerSecond    Size `toml:"bytes_per_second"`    // of request bodies as they are sent, on average; 0: no limit
	MaxInFlight       int  `toml:"max_in_flight"`       // requests at a time; 0: no limit
}

// Metrics is [metrics].
type Metrics struct {
	Tenants int `toml:"tenants"` // that have series of their own, first come; 0: none is shown
}

// Log is [log].
type Log struct {
	Level  string    `toml:"level"`  // debug | info | warn | error
	Format string    `toml:"format"` // json | logfmt
	Access LogAccess `toml:"access"`
	Audit  LogAudit  `toml:"audit"`
}

// LogAccess is [log.access]: lines of single requests. Those of failures are written
// without Enabled too.
type LogAccess struct {
	Enabled      bool  `toml:"enabled"`        // successes get a line too
	Sample       Ratio `toml:"sample"`         // of successes
	MaxPerSecond int   `toml:"max_per_second"` // of successes, and as many of failures; 0: no limit
	Query        bool  `toml:"query"`          // on reads: query, start, end, step, match[]
}

// LogAudit is [log.audit]: who was refused, and who changed what.
type LogAudit struct {
	Enabled bool `toml:"enabled"` // refusals and changes get a line
}

// Upstreams are the [upstreams.NAME] tables by name.
type Upstreams map[string]*Upstream

// Upstream is one [upstreams.NAME]: the hosts of one Cortex component.
type Upstream struct {
	URL                URL         `toml:"url,omitempty"`  // exactly one of URL and URLs
	URLs               []URL       `toml:"urls,omitempty"` // several, instead of URL
	Host               string      `toml:"host"`           // "": the URL's
	DNSRefreshInterval Duration    `toml:"dns_refresh_interval"`
	Paths              []string    `toml:"paths"`  // none: the component's default paths
	Policy             string      `toml:"policy"` // round_robin | least_conn
	Timeout            OptDuration `toml:"timeout"`
	ConnectTimeout     Duration    `toml:"connect_timeout"`
	WriteTimeout       Duration    `toml:"write_timeout"`
	ReadTimeout        OptDuration `toml:"read_timeout"`
	IdleTimeout        Duration    `toml:"idle_timeout"`
	MaxConnections     int         `toml:"max_connections"` // per host; 0: no limit
	MaxConnectionAge   Duration    `toml:"max_connection_age"`
	Retries            *int        `toml:"retries"`         // nil: 2 on write routes, 1 otherwise
	RetryBodySize      Size        `toml:"retry_body_size"` // 0: no body is kept
	MaxFails           int         `toml:"max_fails"`       // 0: a host is never passed over
	FailTimeout        Duration    `toml:"fail_timeout"`
	Health             Health      `toml:"health"`
	TLS                UpstreamTLS `toml:"tls"`

	targets []balancer.Target
	https   bool
	tls     *tls.Config
}

// Health is [upstreams.NAME.health]: requests of headgate's own that find out how
// the hosts are.
type Health struct {
	Path     string   `toml:"path"`     // what is asked for, such as "/ready"; "": nothing is
	Interval Duration `toml:"interval"` // between two of them to one host
	Timeout  Duration `toml:"timeout"`  // for the whole answer
	Rise     int      `toml:"rise"`     // good answers in a row, and an ill host is well again
	Fall     int      `toml:"fall"`     // bad answers in a row, and a host is ill
}

// ClientTLS is how https URLs are spoken to.
type ClientTLS struct {
	CAFile     string `toml:"ca_file"`     // whose certificates are believed; "": those the system believes
	CertFile   string `toml:"cert_file"`   // the certificate that is shown; "": none
	KeyFile    string `toml:"key_file"`    // its key
	ServerName string `toml:"server_name"` // that the certificate must have; "": the host name of the URL
}

// UpstreamTLS is [upstreams.NAME.tls].
type UpstreamTLS struct {
	ClientTLS
	InsecureSkipVerify bool `toml:"insecure_skip_verify"` // believe any certificate: whoever stands between reads and changes everything
}

// Route is one [[routes]] as written. RouteTable has what it amounts to.
type Route struct {
	Path           string      `toml:"path"`
	Prefix         bool        `toml:"prefix"`            // the same as a trailing "/*" of Path
	Methods        []string    `toml:"methods,omitempty"` // none: the component's for this path, else any
	Upstream       string      `toml:"upstream"`
	Scope          string      `toml:"scope"`   // "": the component's for this path, else operator
	Rewrite        string      `toml:"rewrite"` // "": the path stays
	Timeout        OptDuration `toml:"timeout"`
	ReadTimeout    OptDuration `toml:"read_timeout"`
	WriteTimeout   OptDuration `toml:"write_timeout"`
	ConnectTimeout OptDuration `toml:"connect_timeout"`
	BodyTimeout    OptDuration `toml:"body_timeout"`
	IdleTimeout    OptDuration `toml:"idle_timeout"` // given: a pool of connections of its own
	Retries        *int        `toml:"retries"`
	MaxBodySize    OptSize     `toml:"max_body_size"` // unset: 100MiB on write, 10MiB elsewhere
	MaxInFlight    int         `toml:"max_in_flight"` // 0: no limit
}

// Targets are the URLs of the upstream, parsed. The slice belongs to the
// configuration.
func (u *Upstream) Targets() []balancer.Target { return u.targets }

// HostHeader is the Host that requests to the upstream carry: the configured one,
// or else that of the first URL, without a port that its scheme implies.
func (u *Upstream) HostHeader() string {
	if u.Host != "" {
		return u.Host
	}
	target := u.targets[0]
	if target.Kind == balancer.SRV {
		return target.Name()
	}
	usual := uint16(80)
	if u.https {
		usual = 443
	}
	if target.Port != usual {
		return target.String()
	}
	host := strings.TrimSuffix(target.Host, ".")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host
}

// TLSConfig is how connections to the upstream are secured: nil for plain HTTP.
// Its ServerName is empty unless one is configured. With Options.NoFiles the
// certificates are not in it.
func (u *Upstream) TLSConfig() *tls.Config { return u.tls }
