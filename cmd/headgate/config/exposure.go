package config

// validateExposure looks at who else can read what is on the wire and on disk.
func (c *Config) validateExposure(on *checks) {
	if len(c.Tenants) > 0 {
		for _, a := range c.Server.Plain() {
			if !a.loopback() {
				on.warnf("server.listen", "%s takes passwords over plain HTTP from other machines, and anybody on the way "+
					"can read them; want [server.tls], or a loopback address behind something that ends TLS", show(string(a)))
			}
		}
	}
	if !on.skip && c.holdsSecrets() && exposed(on.path) {
		on.warnf(on.path, "holds secrets and is readable by every user of this machine; want %s, or password_file", keepPrivate)
	}
}

func (c *Config) holdsSecrets() bool {
	for i := range c.Tenants {
		if c.Tenants[i].holdsSecrets() {
			return true
		}
	}
	for i := range c.Auth.JWT.Issuers {
		if c.Auth.JWT.Issuers[i].holdsSecrets() {
			return true
		}
	}
	return c.Auth.JWT.holdsSecrets() || len(c.Tracing.Headers) > 0
}

// holdsSecrets reports whether a secret, or a hash of one, is in the file itself.
func (t *Tenant) holdsSecrets() bool {
	return t.Password != "" || t.PasswordHash != "" || t.PasswordSHA256 != "" || t.Token != "" || t.TokenSHA256 != ""
}
