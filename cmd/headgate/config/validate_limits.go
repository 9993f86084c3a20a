package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/balancer"
)

// policies are the values of policy.
var policies = []string{balancer.RoundRobin.String(), balancer.LeastConn.String()}

func (c *Config) validateLimits(on *checks) {
	for _, status := range []struct {
		key   string
		value int
	}{
		{"limits.reject_status_writes", c.Limits.RejectStatusWrites},
		{"limits.reject_status_reads", c.Limits.RejectStatusReads},
	} {
		if status.value != 503 && status.value != 429 {
			on.errorf(status.key, "%d is not a status for too much at a time; want 503 or 429", status.value)
		}
	}
	if c.Limits.RejectStatusWrites == 429 {
		on.warnf("limits.reject_status_writes", "Prometheus drops what gets a 429 unless its remote_write has retry_on_http_429; want 503")
	}
	c.validateLimitedTenants(on)
}

// validateHealthUpstreams looks for the upstreams that the health path speaks of.
func (c *Config) validateHealthUpstreams(on *checks) {
	const key = "server.health_upstreams"
	for i, name := range c.Server.HealthUpstreams {
		if c.Upstreams[name] != nil {
			continue
		}
		names := slices.Sorted(maps.Keys(c.Upstreams))
		if near, ok := nearest(name, names); ok {
			on.errorf(indexKey(key, i), "%s is not an upstream, did you mean %s?", show(name), show(near))
			continue
		}
		on.errorf(indexKey(key, i), "%s is not an upstream; want one of those in the file: %s", show(name), strings.Join(names, ", "))
	}
	if len(c.Server.HealthUpstreams) > 0 && c.Server.HealthPath == "" {
		on.warnf(key, "changes nothing without server.health_path; want both or none")
	}
}

// leastProbePause keeps probes from becoming a load of their own.
const leastProbePause = 100 * time.Millisecond

func (h *Health) validate(on *checks, key string) {
	if h.Path != "" {
		if err := checkPath(h.Path); err != nil {
			on.errorf(key+".path", `%s %v; want a path such as "/ready", or "" for none`, show(h.Path), err)
		}
	}
	if time.Duration(h.Interval) < leastProbePause {
		on.errorf(key+".interval", `%s is too short; want at least %s, such as "5s"`, show(h.Interval.String()), leastProbePause)
	}
	if h.Timeout <= 0 {
		on.errorf(key+".timeout", `%s is no time at all; want one such as "2s"`, show(h.Timeout.String()))
	}
	for _, n := range []struct {
		key   string
		value int
	}{{key + ".rise", h.Rise}, {key + ".fall", h.Fall}} {
		if n.value < 1 {
			on.errorf(n.key, "%s is not a number of answers; want at least 1", strconv.Itoa(n.value))
		}
	}
}
