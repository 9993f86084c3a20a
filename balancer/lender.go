package balancer

import (
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// lender is all that a Host wants of a fasthttp.HostClient: the list of idle connections, their number, their limit.
type lender interface {
	// take returns a connection for whose dialing and waiting the caller has the given time, zero being no limit.
	take(wait time.Duration) (*conn, error)
	// giveBack puts a connection that was taken among the idle ones.
	giveBack(c *conn)
	// discard closes a connection that was taken.
	discard(c *conn)
	discardIdle()
	count() (open, idle int)
}

// held is what fasthttp keeps for each connection. Its type is not exported, so hostClient is written for any type with
// these methods, and the one that is meant is inferred.
type held interface {
	Conn() net.Conn
	LastUseTime() time.Time
}

type hostClient[H held] struct {
	*fasthttp.HostClient
	acquire        func(reqTimeout time.Duration, connectionClose bool) (H, error)
	release, close func(H)
}

// lend returns client as a lender. The functions are the client's own methods.
func lend[H held](
	client *fasthttp.HostClient, acquire func(time.Duration, bool) (H, error), release, close func(H),
) lender {
	return hostClient[H]{client, acquire, release, close}
}

func (l hostClient[H]) take(wait time.Duration) (*conn, error) {
	kept, err := l.acquire(wait, false)
	if err != nil {
		// ErrTimeout is the same as ErrNoFreeConns when wait was shorter than the queue's own limit.
		if errors.Is(err, fasthttp.ErrNoFreeConns) || errors.Is(err, fasthttp.ErrTimeout) {
			err = ErrNoConnection
		}
		return nil, err
	}
	c := kept.Conn().(*conn) // made by Host.dial
	c.held = kept
	// A connection that was dialed for somebody who gave up waiting has been idle since, so it is not fresh.
	c.fresh = kept.LastUseTime().IsZero()
	return c, nil
}

func (l hostClient[H]) giveBack(c *conn) { l.release(c.unhold().(H)) }

func (l hostClient[H]) discard(c *conn) { l.close(c.unhold().(H)) }

func (l hostClient[H]) discardIdle() { l.CloseIdleConnections() }

func (l hostClient[H]) count() (open, idle int) { return l.ConnsCount(), l.IdleConnsCount() }
