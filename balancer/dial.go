package balancer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/headgate/headgate/balancer/tcp"
)

// keepAlive notices within half a minute that the machine behind an idle connection is gone. Bytes that were sent and
// not acknowledged are the business of Options.UserTimeout.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// dial opens a connection for the pool underneath. limit is what is left of the caller's time, zero being no limit; the
// address is that of the host.
func (h *Host) dial(_ string, limit time.Duration) (net.Conn, error) {
	h.series.dials.Add(1)
	s, err := h.connect(context.Background(), h.budget(limit))
	if err != nil {
		h.series.dialErrors.Add(1)
		return nil, fmt.Errorf("%w %s: %w", ErrConnect, h.addr, err)
	}
	c := &conn{socket: s, host: h}
	c.lent.conn = c
	if age := h.link.maxConnectionAge; age > 0 {
		c.expires, c.expiry = true, time.Now().Add(age-rand.N(age/10+1))
	}
	return c, nil
}

// budget returns the time that a connect may take: the shorter of ConnectTimeout and limit.
func (h *Host) budget(limit time.Duration) time.Duration {
	if limit > 0 {
		return min(limit, h.link.connectTimeout)
	}
	return h.link.connectTimeout
}

// connect does the TCP connect and the TLS handshake within budget and before the end of ctx.
func (h *Host) connect(ctx context.Context, budget time.Duration) (socket, error) {
	deadline := time.Now().Add(budget)
	// Go sets TCP_NODELAY by itself.
	dialer := net.Dialer{Deadline: deadline, KeepAliveConfig: keepAlive}
	dialed, err := dialer.DialContext(ctx, "tcp", h.addr)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // what it adds is the address, which stands in the error already
		}
		return nil, err
	}
	below, err := tcp.New(dialed.(*net.TCPConn))
	if err != nil {
		_ = dialed.Close()
		return nil, err
	}
	setUserTimeout(below.Raw(), h.link.userTimeout)
	if h.tls == nil {
		return plainSocket{below}, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = below.Close() })
	defer stop()
	s := newTLSSocket(below, h.tls)
	if err := handshake(s.Conn, deadline); err != nil {
		_ = below.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return s, nil
}

// handshake shakes hands before deadline. A deadline that the handshake leaves behind would cut the first exchange.
func handshake(c *tls.Conn, deadline time.Time) error {
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if err := c.Handshake(); err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}
