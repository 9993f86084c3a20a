// Package upstream is the stand-in for Cortex: it takes pushes and queries on one thread with as little work as there can
// be, so that a proxy in front of it is what a measurement shows.
//
//   - POST: the body is dropped by the kernel, uncopied; 200 with no body, or 204 when the path ends in /204.
//   - GET with answer=N in the query: 200 with N bytes, N up to MaxAnswer.
//   - GET with answer=head: 200 with the head of the request as it came, which shows what a proxy made of it.
//   - Everything else: 404.
//
// It trusts its peers: a request it cannot read ends the connection. It reads bodies with a Content-Length only.
package upstream
