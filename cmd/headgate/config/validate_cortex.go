package config

import "strings"

func (c *Config) validateCortex(on *checks) {
	for _, p := range []struct {
		key    string
		prefix *string
		usual  string
	}{
		{"cortex.http_path_prefix", &c.Cortex.HTTPPathPrefix, ""},
		{"cortex.http_prefix", &c.Cortex.HTTPPrefix, "/api/prom"},
		{"cortex.prometheus_http_prefix", &c.Cortex.PrometheusHTTPPrefix, "/prometheus"},
		{"cortex.alertmanager_http_prefix", &c.Cortex.AlertmanagerHTTPPrefix, "/alertmanager"},
	} {
		if *p.prefix == "" {
			continue
		}
		err := checkPath(*p.prefix)
		switch {
		case err != nil:
			on.errorf(p.key, `%s %v; want what Cortex has, such as "/api/prom", or ""`, show(*p.prefix), err)
		case strings.HasSuffix(*p.prefix, "/"):
			on.errorf(p.key, `%s ends with "/"; want it without`, show(*p.prefix))
		default:
			continue
		}
		*p.prefix = p.usual
	}
	if c.Cortex.AlertmanagerHTTPPrefix == "" {
		// It would be a prefix of everything, and open every path of Cortex.
		on.errorf("cortex.alertmanager_http_prefix", `is empty; want the path under which Cortex has the Alertmanager, such as "/alertmanager"`)
		c.Cortex.AlertmanagerHTTPPrefix = "/alertmanager"
	}
}
