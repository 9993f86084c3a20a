package admin

import "time"

// Status is what /status answers as JSON and the page shows. Times are UTC.
type Status struct {
	Version       string        `json:"version"`
	Commit        string        `json:"commit"`
	GoVersion     string        `json:"go_version"`
	BuildDate     string        `json:"build_date"`
	Started       time.Time     `json:"started"`
	UptimeSeconds float64       `json:"uptime_seconds"`
	State         string        `json:"state"` // starting, running or draining
	InFlight      int64         `json:"in_flight"`
	Listen        []string      `json:"listen"`     // the addresses bound without TLS, a port 0 already resolved
	ListenTLS     []string      `json:"listen_tls"` // and those with it
	Certificates  []Certificate `json:"certificates"`
	Clients       int           `json:"clients"`
	MemoryLimit   MemoryLimit   `json:"memory_limit"`
	Limits        []Limit       `json:"limits"` // of the process
	Config        Config        `json:"config"`
	Routes        []Route       `json:"routes"`
	Upstreams     []Upstream    `json:"upstreams"`
}

// MemoryLimit is what the garbage collector keeps to, and who says so.
type MemoryLimit struct {
	Bytes  int64  `json:"bytes"`
	Origin string `json:"origin"`
}

// Limit is one limit of the configuration and what is in use of it.
type Limit struct {
	Key   string `json:"key"` // "limits.max_in_flight"
	Used  int64  `json:"used"`
	Limit int64  `json:"limit"` // 0: none
}

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
	Resolved   bool       `json:"resolved"` // every name of it has been looked up at least once
	ResolvedAt *time.Time `json:"resolved_at,omitempty"`
	Hosts      []Host     `json:"hosts"`
}

// Host is one address of an upstream.
type Host struct {
	Address   string `json:"address"`
	Available bool   `json:"available"`
	InFlight  int64  `json:"in_flight"`

	Connections    int `json:"connections"`     // those of routes with an idle_timeout of their own are apart
	MaxConnections int `json:"max_connections"` // 0: no limit
}
