// Package payload makes what the load sends: remote-write bodies in Prometheus's own encoding, and whole requests ready
// to be written to a socket.
//
// Everything is made once, before a run, from a fixed seed: two runs send the same bytes.
package payload
