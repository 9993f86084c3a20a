package config

// validateAdmin looks at [admin].
func (c *Config) validateAdmin(on *checks) {
	if c.Admin.Listen == "" {
		return // the default is not empty: what was written has been reported
	}
	for _, other := range []struct {
		key  string
		list Addresses
	}{{"server.listen", c.Server.Listen}, {"server.tls.listen", c.Server.TLS.Listen}} {
		for _, a := range other.list {
			if a.clashes(c.Admin.Listen) {
				on.errorf("admin.listen", "%s is also that of %s; want an address of its own", show(string(c.Admin.Listen)), other.key)
			}
		}
	}
}
