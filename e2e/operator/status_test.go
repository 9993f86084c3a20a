package operator

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// traffic is what /status says of whatever has requests.
type traffic struct {
	Requests          uint64  `json:"requests"`
	Errors            uint64  `json:"errors"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	ErrorsPerSecond   float64 `json:"errors_per_second"`
	LatencySeconds    float64 `json:"latency_seconds"`
	Refused           uint64  `json:"refused"`
	RefusedPerSecond  float64 `json:"refused_per_second"`
	BytesPerSecond    float64 `json:"bytes_per_second"`
}

// status is what of /status the tests look at.
type status struct {
	traffic
	Version       string  `json:"version"`
	State         string  `json:"state"`
	Health        string  `json:"health"`
	UptimeSeconds float64 `json:"uptime_seconds"`
	WindowSeconds float64 `json:"window_seconds"`
	InFlight      int64   `json:"in_flight"`
	Connections   int64   `json:"connections"`
	Clients       int     `json:"clients"`

	Attention []struct {
		Text string `json:"text"`
	} `json:"attention"`
	Listen    []string `json:"listen"`
	ListenTLS []string `json:"listen_tls"`
	Admin     []string `json:"admin"`
	Config    struct {
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
	} `json:"config"`
	Certificates []struct {
		Key     string    `json:"key"`
		Expires time.Time `json:"expires"`
	} `json:"certificates"`
	Limits []struct {
		Key   string `json:"key"`
		Used  int64  `json:"used"`
		Limit int64  `json:"limit"`
	} `json:"limits"`
	Upstreams []struct {
		Name  string `json:"name"`
		Hosts []struct {
			traffic
			Address        string `json:"address"`
			State          string `json:"state"`
			InFlight       int64  `json:"in_flight"`
			Connections    int    `json:"connections"`
			MaxConnections int    `json:"max_connections"`
		} `json:"hosts"`
	} `json:"upstreams"`
	Uses []struct {
		traffic
		Route string `json:"route"`
		Scope string `json:"scope"`
	} `json:"uses"`
	Tenants []struct {
		traffic
		Tenant string `json:"tenant"`
	} `json:"tenants"`
	Sources []struct {
		Name        string   `json:"name"`
		Credentials int      `json:"credentials"`
		Held        []string `json:"held"`
	} `json:"sources"`
	Credentials struct {
		Total int `json:"total"`
	} `json:"credentials"`
	Routes []struct {
		Path string `json:"path"`
	} `json:"routes"`
}

func (g *gateway) status(t *testing.T) (s status) {
	t.Helper()
	answer, err := http.Get(g.admin + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}
