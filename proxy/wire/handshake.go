package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"syscall"
	"time"
)

// handshake lets TLS greet the client, which may take as long as a head: only what comes after it may be waited for as
// long as an idle connection.
func (c *Conn) handshake(now time.Time) error {
	c.shaken = true
	secure, ok := c.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if err := c.ReadWithin(now, c.limits.HeaderTimeout); err != nil {
		return err
	}
	if err := c.SendWithin(now, c.limits.HeaderTimeout); err != nil {
		return err
	}
	err := secure.Handshake()
	// Who connects and leaves, as balancers do to see whether somebody listens, has not disagreed.
	left := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
	if err != nil && !left && c.limits.HandshakeFailed != nil {
		c.limits.HandshakeFailed(secure.RemoteAddr(), err)
	}
	return err
}
