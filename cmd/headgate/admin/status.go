package admin

import "time"

// Status is what /status answers as JSON and the page shows. Times are UTC.
type Status struct {
	Host          string    `json:"host"` // the machine's own name
	Version       string    `json:"version"`
	Commit        string    `json:"commit"`
	GoVersion     string    `json:"go_version"`
	BuildDate     string    `json:"build_date"`
	Started       time.Time `json:"started"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	State         string    `json:"state"`     // running or draining
	Health        string    `json:"health"`    // good, warn or bad: the worst of what there is to look at
	Attention     []Notice  `json:"attention"` // what somebody should look at, the worst first
	InFlight      int64     `json:"in_flight"`
	Connections   int64     `json:"connections"`    // of clients
	WindowSeconds float64   `json:"window_seconds"` // what every rate and latency here is measured over; 0: nothing was yet
	Traffic                 // all there was
	Refusals
	Listen       []string      `json:"listen"`     // the addresses bound without TLS, a port 0 already resolved
	ListenTLS    []string      `json:"listen_tls"` // and those with it
	Admin        []string      `json:"admin"`      // that for operators
	Certificates []Certificate `json:"certificates"`
	Clients      int           `json:"clients"`
	MemoryLimit  MemoryLimit   `json:"memory_limit"`
	Limits       []Limit       `json:"limits"` // of the process, and its memory
	Config       Config        `json:"config"`
	Upstreams    []Upstream    `json:"upstreams"`
	Uses         []Use         `json:"uses"`    // of routes, the busiest first
	Tenants      []Tenant      `json:"tenants"` // the busiest first, not all of them
	Sources      []Source      `json:"sources"`
	Credentials  Credentials   `json:"credentials"`
	Keys         []Key         `json:"keys"` // that tokens are verified with
	Routes       []Route       `json:"routes"`
}

// Notice is one thing that somebody should look at.
type Notice struct {
	Level string `json:"level"` // bad: something is not served as it should be; warn: it may come to that
	Text  string `json:"text"`
}

// Traffic is how much there was since the start, and how fast it is now.
type Traffic struct {
	Requests          uint64  `json:"requests"`
	Errors            uint64  `json:"errors"` // of ours and of upstreams; what was refused is apart
	RequestsPerSecond float64 `json:"requests_per_second"`
	ErrorsPerSecond   float64 `json:"errors_per_second"`
	LatencySeconds    float64 `json:"latency_seconds"` // on average; 0: there was nothing
}

// Refusals are requests that got a status of 400 to 499, from headgate or from an upstream; of tenants, of 500 and more
// as well.
type Refusals struct {
	Refused          uint64  `json:"refused"`
	RefusedPerSecond float64 `json:"refused_per_second"`
}

// Use is the requests of one scope to what Cortex calls one route.
type Use struct {
	Route string `json:"route"` // "api_v1_push"; "other": no route
	Scope string `json:"scope"`
	Traffic
	Refusals
}

// MemoryLimit is what the garbage collector keeps to, and who says so.
type MemoryLimit struct {
	Bytes  int64  `json:"bytes"`
	Origin string `json:"origin"`
}

// Limit is one limit of the configuration, or that of the memory, and what is in use of it.
type Limit struct {
	Key   string `json:"key"` // "limits.max_in_flight", "memory"
	Used  int64  `json:"used"`
	Limit int64  `json:"limit"` // 0: none
}

// High is from where on the use of a limit is worth a look: four fifths.
func (l Limit) High() int64 { return l.Limit / 5 * 4 }

// InBytes reports whether it is bytes that the limit counts.
func (l Limit) InBytes() bool { return l.Key == "memory" || l.Key == "limits.max_buffered" }

// Certificate is one of our own in use: that of the listeners, or the one that is shown to an upstream.
type Certificate struct {
	Key     string    `json:"key"` // the table that names it: "server.tls"
	Expires time.Time `json:"expires"`
	Problem string    `json:"problem,omitempty"` // why a newer one is not in use
}

// Config is the configuration in use and what became of the last attempt to replace it.
type Config struct {
	Path            string    `json:"path"`
	SHA256          string    `json:"sha256"` // of the file as it was read
	Loaded          time.Time `json:"loaded"`
	LastReload      Reload    `json:"last_reload"`
	RestartRequired []string  `json:"restart_required"` // keys whose new value waits for a restart
}

// Reload is one attempt to load the configuration; the start counts as the first.
type Reload struct {
	Time       time.Time `json:"time"`
	Successful bool      `json:"successful"`
	Problems   []string  `json:"problems"` // errors and warnings, as check prints them
	Changes    []string  `json:"changes"`  // what the configuration has other than the one before; empty at the start
}

// Route is one entry of the allow list. Durations are written as in the configuration.
type Route struct {
	Path        string   `json:"path"` // a prefix ends in /*
	Methods     []string `json:"methods"`
	Component   string   `json:"component"`
	Upstream    string   `json:"upstream"`
	Scope       string   `json:"scope"`
	Rewrite     string   `json:"rewrite,omitempty"`
	Timeout     string   `json:"timeout"`
	MaxBodySize int64    `json:"max_body_size"`
	MaxInFlight int      `json:"max_in_flight,omitempty"` // 0: no limit
}

// Upstream is a Cortex component and the hosts it is known to have.
type Upstream struct {
	Name       string     `json:"name"`
	Policy     string     `json:"policy"`
	Resolved   bool       `json:"resolved"`              // every name of it has been looked up at least once
	ResolvedAt *time.Time `json:"resolved_at,omitempty"` // when its names were last all answered; none where there is no name
	Problem    string     `json:"problem,omitempty"`     // why the last look-up was not answered
	Hosts      []Host     `json:"hosts"`
}

// Up is how many of the hosts are.
func (u *Upstream) Up() (n int) {
	for i := range u.Hosts {
		if u.Hosts[i].State == HostUp {
			n++
		}
	}
	return n
}

// The states of a host.
const (
	HostUp         = "up"
	HostPassedOver = "passed over"
	HostIll        = "ill" // and used all the same, for want of others
)

// Host is one address of an upstream.
type Host struct {
	Address   string     `json:"address"`
	Available bool       `json:"available"`
	State     string     `json:"state"`           // HostUp, HostPassedOver or HostIll
	Cause     string     `json:"cause,omitempty"` // why it is not up
	Since     *time.Time `json:"since,omitempty"` // since when
	InFlight  int64      `json:"in_flight"`
	Traffic
	ClockAheadSeconds float64 `json:"clock_ahead_seconds"` // of ours

	Connections    int `json:"connections"`     // of all its pools
	MaxConnections int `json:"max_connections"` // of each pool, added up; 0: no limit
}

// Tenant is what one tenant does.
type Tenant struct {
	Tenant            string  `json:"tenant"`
	Requests          uint64  `json:"requests"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	BytesPerSecond    float64 `json:"bytes_per_second"` // of request bodies
	Refusals
}

// Source is one place that credentials or keys come from.
type Source struct {
	Name        string     `json:"name"`
	Credentials int        `json:"credentials"`
	Read        bool       `json:"read"`                // it was read completely once
	LastRead    *time.Time `json:"last_read,omitempty"` // after a change, or a reload; of etcd, when all that it held was last known
	Problem     string     `json:"problem,omitempty"`   // why what it holds now is not in use
	Held        []string   `json:"held"`                // clients whose removal waits for somebody's word

	Own bool `json:"-"` // it is the configuration file: Config.LastReload has more to say of a problem
}

// Credentials are those of the configuration, without their secrets.
type Credentials struct {
	Total int          `json:"total"`
	Shown []Credential `json:"shown"` // not all of them: those that end soon first, then those that are idle

	// Of an answer to a CredentialQuery, which shows all that match, page by page.
	Matching int    `json:"matching,omitempty"`
	Next     string `json:"next,omitempty"` // where the next page is; "" on the last one
}

// CredentialQuery asks for credentials by name.
type CredentialQuery struct {
	Text string // in the tenant, the client, the source or the place; "": all
	Page int    // from 1 on
}

// Credential is one credential of one client.
type Credential struct {
	Tenant    string     `json:"tenant"`
	Client    string     `json:"client"`
	Method    string     `json:"method"`
	Source    string     `json:"source"`
	Where     string     `json:"where"`
	LastUsed  *time.Time `json:"last_used,omitempty"` // by this process, to the minute
	NotBefore *time.Time `json:"not_before,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
	Until     *time.Time `json:"taken_until,omitempty"` // where that is later, by auth.expiry_grace
	Last      bool       `json:"last,omitempty"`        // its tenant has no other when it is taken no more
}

// Key is a key that tokens are verified with.
type Key struct {
	Name       string     `json:"name"`
	Algorithms []string   `json:"algorithms"`
	LastUsed   *time.Time `json:"last_used,omitempty"`
}
