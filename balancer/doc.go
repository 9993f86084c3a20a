// Package balancer keeps the hosts of one upstream: it discovers their addresses in the background, picks one for a
// request without a lock, and lends connections to it that have been looked at before they are used again.
//
// It does not know what is sent over a connection, it never tries anything twice, and no request ever waits for DNS.
//
// The parts: a [Target] is one URL of the upstream; a [Resolver] answers what addresses stand behind it; a [Pool] holds
// the [Host] values that came of it, as an immutable list behind one pointer; a [Conn] is one connection on loan.
//
// The connections rest in a fasthttp.HostClient, which is used for nothing else. Its cleaner goroutine sleeps up to
// IdleTimeout at a time and cannot be stopped; it ends by itself when no connection of the host is left.
package balancer
