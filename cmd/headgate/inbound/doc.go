// Package inbound is what stands between a bound address and HTTP: PROXY headers of balancers that are trusted to send
// them, and TLS with certificates that change while connections are open. It knows nothing of requests, nor of files.
package inbound
