// Package proxy is the life of one request: its head is checked, its sender authenticated, its route matched, its tenant
// named, and its body streamed to a host of the right Cortex component and the answer back. It does not know how any of
// that was configured: it takes plain options, and what a reload changes arrives as one immutable Snapshot.
package proxy
