// Package wire reads and frames HTTP/1.1 messages on a connection, strictly: what RFC 9112 allows a recipient to
// tolerate but two recipients may read differently is a Fault here. It knows nothing of routes or of who may do
// what, and it never repairs a message.
//
// A Conn stands between a client's socket and fasthttp's request loop. It reads the true head itself, shows the loop a
// stand-in of one line, and leaves the head and the body to the handler, so that there is one reading of a request and
// not two (docs/adr/0002-the-connection-frames.md).
package wire
