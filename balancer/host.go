package balancer

import (
	"crypto/tls"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

var (
	// ErrConnect is in every error of Acquire that says that the host could not be reached: nothing was sent.
	ErrConnect = errors.New("connect to upstream host")
	// ErrNoConnection is the error of Acquire when all connections of the host stayed in use for too long.
	ErrNoConnection = errors.New("no connection to the host became free in time; raise max_connections or add hosts")
)

// Host is one address of an upstream, with the connections to it. It may belong to several pools while one replaces
// the other; it is gone when it belongs to none. All methods may be called from any number of goroutines.
type Host struct {
	begun atomic.Uint64 // requests
	ended atomic.Uint64 // of them
	gone  atomic.Bool   // in no pool any more: connections are not kept
	standing

	key    hostKey
	addr   string
	link   link
	tls    *tls.Config // a copy with the server name set, nil for plain HTTP
	conns  lender
	series *hostSeries
	drop   func() // takes the host out of the metrics

	mu      sync.Mutex           // guards holders, and changes of keeper
	holders []*Pool              // the newest last
	keeper  atomic.Pointer[Pool] // the newest of them, or the last there was: it looks after the host's health
}

// newHost returns a host that belongs to p.
func newHost(key hostKey, p *Pool) *Host {
	h := &Host{key: key, addr: key.addr.String(), link: p.link, holders: []*Pool{p}}
	h.keeper.Store(p)
	if p.o.TLS != nil {
		h.tls = p.o.TLS.Clone()
		h.tls.ServerName = key.serverName
	}
	h.series, h.drop = p.o.Metrics.host(p.o.Name, h)

	client := &fasthttp.HostClient{
		Addr:                h.addr,
		DialTimeout:         h.dial,
		MaxConns:            math.MaxInt32,
		MaxIdleConnDuration: h.link.idleTimeout,
		MaxConnWaitTimeout:  h.link.maxWait,
		// Bounds the dialing; the handshake is part of our own DialTimeout already.
		WriteTimeout: h.link.connectTimeout,
		// The default shifts the whole list under its lock. Last in, first out also lets the surplus of a peak go idle.
		ConnPoolStrategy: fasthttp.LIFO,
	}
	if h.link.maxConnections > 0 {
		client.MaxConns = h.link.maxConnections
	}
	h.conns = lend(client, client.AcquireConn, client.ReleaseConn, client.CloseConn)
	return h
}

// Addr returns the address in the form that is dialed: "10.0.0.1:9009", "[::1]:9009".
func (h *Host) Addr() string { return h.addr }

// String returns Addr.
func (h *Host) String() string { return h.addr }

// Crowded reports whether more requests use the host than it may have connections: Acquire would wait for one of them to
// end.
func (h *Host) Crowded() bool {
	most := h.link.maxConnections
	return most > 0 && h.InFlight() > int64(most)
}

// full reports whether one more request would make the host crowded.
func (h *Host) full() bool {
	most := h.link.maxConnections
	return most > 0 && h.InFlight() >= int64(most)
}

// InFlight returns how many requests the host has now: Begin without End.
func (h *Host) InFlight() int64 {
	ended := h.ended.Load() // first, or it could be ahead
	return int64(h.begun.Load() - ended)
}

// Begin counts a request that is about to use the host. Each call needs one of End.
func (h *Host) Begin() { h.begun.Add(1) }

// End says that a request that Begin counted is over.
func (h *Host) End() { h.ended.Add(1) }

// Missed counts a request that waited for one of the host's connections in vain before it came to Acquire.
func (h *Host) Missed() { h.series.noConnection.Add(1) }

// Connections returns how many connections the host has, and how many of them are idle.
func (h *Host) Connections() (open, idle int) { return h.conns.count() }

// Acquire lends a connection to the host: a kept one that is as quiet as an idle connection must be, or a new one. wait
// is how long the caller has left from now for waiting and connecting; zero is no limit beyond QueueTimeout and
// ConnectTimeout. queue is how long it may wait at a host that is Crowded, if that is less; zero is not at all. The
// connection may have a deadline of the loan before, see Conn.Within. The caller ends the loan with either Release or
// Discard.
//
// The error is ErrNoConnection, or wraps ErrConnect. Acquire takes one short lock, that of the idle list. On plain TCP a
// kept connection costs no allocation; on TLS it costs those that crypto/tls makes to look whether it holds data.
func (h *Host) Acquire(now time.Time, wait, queue time.Duration) (*Conn, error) {
	return h.acquire(now, wait, queue, keptOrFresh)
}

// AcquireFresh is Acquire without the kept connections: those it comes across are closed. It is for the caller that just
// found a kept connection dead in spite of the look that Acquire takes: then its sisters are suspect too.
func (h *Host) AcquireFresh(now time.Time, wait, queue time.Duration) (*Conn, error) {
	return h.acquire(now, wait, queue, fresh)
}

// wanted says which connections will do.
type wanted uint8

const (
	keptOrFresh wanted = iota
	fresh
)

func (h *Host) acquire(now time.Time, wait, queue time.Duration, want wanted) (*Conn, error) {
	if h.Crowded() {
		if queue <= 0 {
			h.series.noConnection.Add(1)
			return nil, ErrNoConnection
		}
		if wait == 0 || queue < wait {
			wait = queue
		}
	}
	for left := wait; ; {
		c, err := h.conns.take(left)
		if err != nil {
			if errors.Is(err, ErrNoConnection) {
				h.series.noConnection.Add(1)
			}
			return nil, err
		}
		if c.fresh || want == keptOrFresh && h.usable(c, now) {
			return c.lendOut(), nil
		}
		h.conns.discard(c)
		if wait > 0 {
			if left = wait - time.Since(now); left <= 0 {
				h.series.noConnection.Add(1)
				return nil, ErrNoConnection
			}
		}
	}
}

// usable reports whether a kept connection can carry another exchange. Bytes that wait on it belong to nobody: taken
// for the next answer they would go to the wrong client.
func (h *Host) usable(c *conn, now time.Time) bool {
	if c.expired(now) {
		return false
	}
	if !c.socket.quiet() {
		h.series.stale.Add(1)
		return false
	}
	return true
}

// hold makes the host belong to p as well, and reports false when it is gone already.
func (h *Host) hold(p *Pool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone.Load() {
		return false
	}
	h.holders = append(h.holders, p)
	h.keeper.Store(p)
	return true
}

// letGo ends what newHost or hold began. Without a holder the host is gone: its idle connections close now, the others
// when they are released. Only a connection that is still being dialed, for somebody who has given up waiting, rests
// until fasthttp's cleaner comes to it.
func (h *Host) letGo(p *Pool) {
	h.mu.Lock()
	if i := slices.Index(h.holders, p); i >= 0 {
		h.holders = slices.Delete(h.holders, i, i+1)
	}
	if n := len(h.holders); n > 0 {
		h.keeper.Store(h.holders[n-1])
		h.mu.Unlock()
		keeper := h.keeper.Load() // it may be the one that looks after this host again
		keeper.noteComplete()
		keeper.wakeUp()
		return
	}
	last := h.gone.CompareAndSwap(false, true)
	h.mu.Unlock()
	if last {
		h.conns.discardIdle()
		h.drop()
	}
}
