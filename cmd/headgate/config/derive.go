package config

import (
	"math"
	"strconv"
	"time"
)

// Machine is what automatic values beside the timeouts are derived from.
type Machine struct {
	OpenFiles int64 // how many files the process may have open; 0: not known
	Memory    int64 // bytes that the process may take; 0: not known
}

// mostPipes is for as many large bodies at a time as keep two cores busy.
const mostPipes = 256

// Pipes is how many of the kernel's pipes may be open for large bodies, of two files each: no more than a sixteenth of
// the files there may be.
func (m Machine) Pipes() int {
	if m.OpenFiles == 0 {
		return mostPipes
	}
	return int(min(m.OpenFiles/32, mostPipes))
}

// Derivation is an automatic value and what it amounts to.
type Derivation struct {
	Key   string // "server.write_timeout"
	Value string // as a configuration file would have it: in quotes unless it is a number
}

// Derived are the keys that are "auto", with their values.
func (c *Config) Derived() []Derivation {
	var list []Derivation
	add := func(auto bool, key, value string) {
		if auto {
			list = append(list, Derivation{key, value})
		}
	}
	s := &c.Server
	add(s.WriteTimeout.Auto, "server.write_timeout", strconv.Quote(formatDuration(s.WriteTimeout.Value)))
	add(s.MaxConnections.Auto, "server.max_connections", strconv.Itoa(s.MaxConnections.Value))
	add(s.DrainTimeout.Auto, "server.drain_timeout", strconv.Quote(formatDuration(s.DrainTimeout.Value)))
	add(c.Limits.MaxBuffered.Auto, "limits.max_buffered", strconv.Quote(formatSize(c.Limits.MaxBuffered.Value)))
	return list
}

// filesOfOurOwn are those that are open beside connections: listeners, logs, the
// admin listener's connections, files that are read again.
const filesOfOurOwn = 64

// deriveLimits fills in the limits that follow from the machine. What is not known
// of it limits nothing.
func (c *Config) deriveLimits(on *checks) {
	if n := &c.Server.MaxConnections; n.Auto && on.machine.OpenFiles > 0 {
		// Half, because each client may need a connection to an upstream.
		rest := on.machine.OpenFiles - filesOfOurOwn - 2*int64(on.machine.Pipes())
		n.Value = int(min(max(rest/2, 1), math.MaxInt32))
	}
	if size := &c.Limits.MaxBuffered; size.Auto && on.machine.Memory > 0 {
		size.Value = max(on.machine.Memory/4/MiB, 1) * MiB
	}
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
