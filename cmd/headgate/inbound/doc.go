// Package inbound is what stands between a bound address and HTTP: PROXY headers of balancers that are trusted to send
// them, and TLS with certificates that are read again when their files change. It knows nothing of requests.
package inbound
