package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/balancer"
)

const (
	cortexIdle = 2 * time.Minute // when Cortex closes an idle connection

	maxRetries       = 100
	maxUpstreamName  = 64
	leastDNSInterval = 10 * time.Millisecond
)

func (c *Config) validateUpstreams(on *checks) {
	if len(c.Upstreams) == 0 {
		on.warnf("upstreams", "there is none, so no request can be served; want [upstreams.distributor] and the like, or [upstreams.all]")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Upstreams)) {
		key := joinKey("upstreams", name)
		if component, ok := ComponentMeant(name); ok && component != name {
			on.errorf(key, "is not a component of Cortex, did you mean [upstreams.%s]?", component)
		} else if !validUpstreamName(name) {
			on.errorf(key, "is not a name for an upstream; want at most %d letters, digits, - _ and .", maxUpstreamName)
		}
		c.Upstreams[name].validate(on, key, name)
	}
}

// validUpstreamName reports whether a name is a component, or one of the operator's
// own that nobody takes for a component.
func validUpstreamName(name string) bool {
	if component, ok := ComponentMeant(name); ok {
		return component == name
	}
	return len(name) <= maxUpstreamName && bareKey(strings.ReplaceAll(name, ".", ""))
}

func (u *Upstream) validate(on *checks, key, name string) {
	u.validateURLs(on, key)
	if u.Host != "" && !validHost(u.Host) {
		on.errorf(key+".host", `%s is not a Host header; want a host name with or without a port`, show(u.Host))
	}
	if time.Duration(u.DNSRefreshInterval) < leastDNSInterval {
		on.errorf(key+".dns_refresh_interval", `%s is too short; want at least %s, such as "5s"`,
			show(u.DNSRefreshInterval.String()), leastDNSInterval)
	}
	if len(u.Paths) > 0 && !HasDefaultRoutes(name) {
		on.errorf(key+".paths", "%s has no default paths to replace; want [[routes]] with upstream = %s", show(name), show(name))
	}
	for i, path := range u.Paths {
		if _, _, err := readPath(path, false); err != nil {
			on.errorf(indexKey(key+".paths", i), "%s%v%s", showPath(path), err, wantPath)
		}
	}
	warnUpstreamIdle(on, key+".idle_timeout", time.Duration(u.IdleTimeout))
	validateRetries(on, key+".retries", u.Retries)
	if _, ok := balancer.ParsePolicy(u.Policy); !ok {
		on.errorf(key+".policy", "%s", notOneOf("policy", u.Policy, policies))
	}
	if u.FailTimeout <= 0 {
		on.errorf(key+".fail_timeout", `%s is no time at all; want one such as "5s", or max_fails = 0 to pass over no host`,
			show(u.FailTimeout.String()))
	}
	u.Health.validate(on, key+".health")
	u.validateTLS(on, key+".tls")
}

// validateURLs parses the addresses of an upstream.
func (u *Upstream) validateURLs(on *checks, key string) {
	u.targets, u.https = nil, false
	urls, wanted := u.URLs, key+".urls"
	switch {
	case u.URL != "" && len(u.URLs) > 0:
		on.errorf(key+".urls", "is there beside url; want one of the two")
	case u.URL != "":
		urls, wanted = []URL{u.URL}, key+".url"
	case len(u.URLs) == 0:
		on.errorf(key+".url", `is missing; want url = "http://host:port" or urls = [...]`)
	}
	seen := make(map[balancer.Target]bool, len(urls))
	plain := false
	for i, url := range urls {
		at := wanted
		if len(u.URLs) > 0 {
			at = indexKey(wanted, i)
		}
		scheme, target, err := balancer.ParseURL(string(url))
		if err != nil {
			on.errorf(at, "%v", err)
			continue
		}
		if seen[target] {
			on.warnf(at, "%s is there twice, which changes nothing; want it once", show(url.String()))
			continue
		}
		seen[target] = true
		u.targets = append(u.targets, target)
		u.https = u.https || scheme == "https"
		plain = plain || scheme == "http"
	}
	if u.https && plain {
		on.errorf(wanted, "mixes http and https; want one of them for all hosts of an upstream")
	}
}

func validateRetries(on *checks, key string, retries *int) {
	if retries != nil && *retries > maxRetries {
		on.errorf(key, "%d is too many; want 0 to %d", *retries, maxRetries)
	}
}

func warnUpstreamIdle(on *checks, key string, idle time.Duration) {
	if idle == 0 || idle > cortexIdle {
		on.warnf(key, `%s is longer than the 2m after which Cortex closes idle connections, so requests will meet closed ones; `+
			`want less than 2m, such as "90s"`, show(formatDuration(idle)))
	}
}

// validHost reports whether a text can be a Host header: a name or an address,
// and a port if there is one.
func validHost(host string) bool {
	_, _, err := balancer.ParseURL("http://" + host)
	return err == nil && !strings.HasSuffix(host, "/")
}
