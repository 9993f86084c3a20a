package main

import (
	"cmp"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// leastUnacknowledged is how long the kernel waits for an acknowledgement even when every timeout is shorter: a network
// may lose packets for some seconds.
const leastUnacknowledged = 10 * time.Second

// unacknowledged is how long what was sent to the hosts of a pool may stay unacknowledged until the kernel ends the
// connection. Bytes for which a busy host has no room yet count as such, so it must be no less than write_timeout, or
// that would be undercut behind the operator's back. What is left of a push in the kernel is waited for as long as its
// answer; but read_timeout of anything else says how long a query may take, and a host that lost its power in the midst
// of one is to be noticed long before.
func unacknowledged(routes []config.ResolvedRoute, pool poolKey) time.Duration {
	longest := leastUnacknowledged
	for i := range routes {
		r := &routes[i]
		if poolOf(r) != pool {
			continue
		}
		longest = max(longest, orTimeout(r, r.WriteTimeout))
		if r.Scope&authcache.Write != 0 {
			longest = max(longest, orTimeout(r, r.ReadTimeout))
		}
	}
	return longest
}

// orTimeout is a limit of a route, which ends with its timeout when it is off; with both off, what is as good as no limit.
func orTimeout(r *config.ResolvedRoute, limit time.Duration) time.Duration {
	return cmp.Or(limit, r.Timeout, 24*time.Hour)
}
