package proxy

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// connections knows every open connection, so that draining can tell the idle ones, and a limit the oldest of them. The
// zero value is ready.
type connections struct {
	mu   sync.Mutex
	open map[*client]struct{} // guarded by mu
}

// client is a connection that leaves the list when it closes, with the exchange that its requests use in turn.
type client struct {
	*wire.Conn
	list     *connections
	once     sync.Once
	used     atomic.Bool   // it has had a request
	counted  *tenantSeries // of its last request with a good credential; nil before there was one
	origin   []byte        // see originLines
	exchange exchange
	trace    requestTrace // of its request under way
	share    remembered

	greeted bool         // shown is known; only for the handler's goroutine, like shown
	shown   *certificate // nil: none
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

// inUse is how long after its last request a connection is not taken for idle.
const inUse = time.Second

// makeRoom brings the number of connections below a limit by closing the one that has waited longest for a whole head
// from its client, a slow one or an idle one alike; it reports whether there is room.
func (l *connections) makeRoom(limit int) bool {
	l.mu.Lock()
	if len(l.open) < limit {
		l.mu.Unlock()
		return true
	}
	var oldest *client
	since := time.Now().Add(-inUse)
	for c := range l.open {
		if idle := c.Idle(); !idle.IsZero() && idle.Before(since) {
			oldest, since = c, idle
		}
	}
	l.mu.Unlock()
	if oldest == nil {
		return false
	}
	oldest.Close() //nolint:errcheck // the peer learns by the end of the connection
	return true
}

// firstRequest is how long a connection that has just been accepted may take to send what it was opened for, while the
// gateway goes away. Its sender takes the end of a connection that was never answered on for a failure, where on one that
// was used before it tries again at once.
const firstRequest = time.Second

// closeIdle closes the connections that wait for a request and returns how many others are left. One on which a request
// is arriving does not wait.
func (l *connections) closeIdle() int {
	now := time.Now()
	l.closeIf(func(c *client) bool {
		idle := c.Idle()
		return !idle.IsZero() && (c.used.Load() || now.Sub(idle) >= firstRequest) && !wire.Arrived(c.Conn.Conn)
	})
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
