package config

import "time"

// What Prometheus and the operating system do on their side.
const (
	prometheusIdle = 5 * time.Minute // how long Prometheus keeps an idle connection

	minHeaderSize = 1 * KiB
	maxHeaderSize = 1 * MiB
)

func (c *Config) validateServer(on *checks) {
	s := &c.Server
	if len(s.Listen) == 0 {
		on.errorf("server.listen", `is empty; want at least one address, such as ":8080"`)
	}
	for i, a := range s.Listen {
		for _, b := range s.Listen[:i] {
			if a.clashes(b) {
				on.errorf("server.listen", "%s and %s are the same port of one address; want one of the two", show(string(b)), show(string(a)))
			}
		}
	}
	if s.IdleTimeout != 0 && time.Duration(s.IdleTimeout) < prometheusIdle {
		on.warnf("server.idle_timeout", `%s is shorter than the 5m that Prometheus keeps idle connections, so pushes will meet `+
			`closed ones; want more than 5m, such as "6m"`, show(s.IdleTimeout.String()))
	}
	if s.MaxHeaderSize < minHeaderSize || s.MaxHeaderSize > maxHeaderSize {
		on.errorf("server.max_header_size", "%s is out of range; want %s to %s", show(s.MaxHeaderSize.String()),
			formatSize(minHeaderSize), formatSize(maxHeaderSize))
	}
	if s.HealthPath != "" {
		if err := checkPath(s.HealthPath); err != nil {
			on.errorf("server.health_path", `%s %v; want a path such as "/healthz", or "" for none`, show(s.HealthPath), err)
		}
	}
}
