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
	if len(s.Listen) == 0 && len(s.TLS.Listen) == 0 {
		on.errorf("server.listen", `is empty; want at least one address, such as ":8080"`)
	}
	s.Listen.validate(on, "server.listen")
	s.TLS.Listen.validate(on, "server.tls.listen")
	for _, a := range s.TLS.Listen {
		for _, b := range s.Listen {
			if a.clashes(b) {
				on.errorf("server.tls.listen", "%s is also that of server.listen; want an address of its own", show(string(a)))
			}
		}
	}
	s.validateProxies(on)
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

// validate reports addresses that cannot be listened on at once.
func (list Addresses) validate(on *checks, key string) {
	for i, a := range list {
		for _, b := range list[:i] {
			if a.clashes(b) {
				on.errorf(key, "%s and %s are the same port of one address; want one of the two", show(string(b)), show(string(a)))
			}
		}
	}
}

// validateProxies looks at who is believed about where a request comes from.
func (s *Server) validateProxies(on *checks) {
	if s.ProxyProtocol && len(s.TrustedProxies) == 0 {
		on.errorf("server.proxy_protocol", "is true, but nobody is trusted to send the header; want server.trusted_proxies, "+
			`such as ["10.0.0.0/8"]`)
	}
	for i, network := range s.TrustedProxies {
		if network.Bits() == 0 {
			on.warnf(indexKey("server.trusted_proxies", i), "%s is everybody, so every client may say that it comes from anywhere; "+
				"want the addresses of the proxies", show(network.String()))
		}
	}
}
