package config

import "time"

// Derivation is an automatic value and what it amounts to.
type Derivation struct {
	Key   string // "server.write_timeout"
	Value string // as a configuration file would have it
}

// Derived are the keys that are "auto", with their values.
func (c *Config) Derived() []Derivation {
	var list []Derivation
	for _, d := range []struct {
		key   string
		value AutoDuration
	}{
		{"server.write_timeout", c.Server.WriteTimeout},
		{"server.drain_timeout", c.Server.DrainTimeout},
	} {
		if d.value.Auto {
			list = append(list, Derivation{d.key, formatDuration(d.value.Value)})
		}
	}
	return list
}

// deriveTimeouts fills in the automatic timeouts and compares the others with the
// routes.
func (c *Config) deriveTimeouts(on *checks) {
	longest, forEver, path := c.longestRoute()
	auto := longer(longest, autoMargin)
	if forEver {
		auto = 0
	}
	for _, timeout := range []*AutoDuration{&c.Server.WriteTimeout, &c.Server.DrainTimeout} {
		if timeout.Auto {
			timeout.Value = auto
		}
	}
	write := c.Server.WriteTimeout
	if write.Auto || write.Value == 0 || !forEver && write.Value >= longest {
		return
	}
	route := "that of " + path + ", " + formatDuration(longest)
	if forEver {
		route = path + ", which has no limit"
	}
	on.warnf("server.write_timeout", `%s is shorter than the longest timeout of a route (%s), whose answers it will cut; want "auto"`,
		show(formatDuration(write.Value)), route)
}

// longestRoute is the longest timeout of all routes, whether one of them has no
// limit, and the path it is for.
func (c *Config) longestRoute() (longest time.Duration, forEver bool, path string) {
	for i := range c.table {
		row := &c.table[i]
		if row.Timeout == 0 {
			return 0, true, writePath(row.Path, row.Prefix)
		}
		if row.Timeout > longest {
			longest, path = row.Timeout, writePath(row.Path, row.Prefix)
		}
	}
	return longest, false, path
}
