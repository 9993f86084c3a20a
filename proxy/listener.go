package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// listener accepts for fasthttp, which would end for good at the first Accept that fails (too many open files): every
// error but the listener's own end is waited out.
type listener struct {
	net.Listener
	proxy *Proxy
	once  sync.Once
	done  error

	closed chan struct{}
}

// maxAcceptPause bounds the growing pause between two Accepts that fail.
const maxAcceptPause = time.Second

// Accept waits for the next connection and frames it.
func (l *listener) Accept() (net.Conn, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, maxAcceptPause) {
		c, err := l.Listener.Accept()
		if err == nil {
			return l.proxy.conns.add(c, &l.proxy.limits), nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, io.EOF // what fasthttp takes for an orderly end
		}
		l.proxy.seen.acceptFailed(err)
		select {
		case <-time.After(pause):
		case <-l.closed:
			return nil, io.EOF
		}
	}
}

// Close ends Accept; connections live on.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.done = l.Listener.Close()
	})
	return l.done
}

// connections knows every open connection, so that draining can tell the idle ones. The zero value is ready.
type connections struct {
	mu   sync.Mutex
	open map[*client]struct{} // guarded by mu
}

// client is a connection that leaves the list when it closes, with the exchange that its requests use in turn.
type client struct {
	*wire.Conn
	list     *connections
	once     sync.Once
	exchange exchange
}

// Close closes the connection, once.
func (c *client) Close() error {
	var err error
	c.once.Do(func() {
		c.list.mu.Lock()
		delete(c.list.open, c)
		c.list.mu.Unlock()
		err = c.Conn.Close()
	})
	return err
}

func (l *connections) add(c net.Conn, limits *wire.Limits) *client {
	added := &client{Conn: wire.NewConn(c, limits), list: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = make(map[*client]struct{})
	}
	l.open[added] = struct{}{}
	return added
}

// count is how many connections are open.
func (l *connections) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// closeIdle closes the connections that wait for a request and returns how many others are left.
func (l *connections) closeIdle() int {
	l.closeIf(func(c *client) bool { return !c.Idle().IsZero() })
	return l.count()
}

func (l *connections) closeAll() {
	l.closeIf(func(*client) bool { return true })
}

func (l *connections) closeIf(which func(*client) bool) {
	var ending []*client
	l.mu.Lock()
	for c := range l.open {
		if which(c) {
			ending = append(ending, c)
		}
	}
	l.mu.Unlock()
	for _, c := range ending {
		c.Close() //nolint:errcheck // the peer learns by the end of the connection
	}
}
