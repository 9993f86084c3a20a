// Package load sends one prepared request over and over on many connections, from one thread, and times the answers.
//
// Closed: each connection sends its next request when it has its answer. That finds the most a proxy can do, and what a
// request costs it then. The latency of a closed loop is flattering: while a proxy stalls, nobody asks.
//
// Open: requests are due at a fixed rate, whatever the proxy does, and a latency is counted from the moment its request was
// due, not from when a connection was free to send it. A stall is felt by every request that fell into it; nothing is left
// out (what is sometimes called coordinated omission).
//
// Once: each connection sends one request and stays open, to see what idle connections hold.
//
// The load checks of an answer its status and its length, nothing else.
package load
