package config

// validateAdmin looks at [admin].
func (c *Config) validateAdmin(on *checks) {
	if c.Admin.Listen == "" {
		return // the default is not empty: what was written has been reported
	}
	for _, a := range c.Server.Listen {
		if a.clashes(c.Admin.Listen) {
			on.errorf("admin.listen", "%s is also that of server.listen; want an address of its own", show(string(c.Admin.Listen)))
		}
	}
}
