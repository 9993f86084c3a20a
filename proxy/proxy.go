package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/proxy/pipe"
	"github.com/headgate/headgate/proxy/wire"
)

// Proxy serves requests with the snapshot that was last given to Use. Its methods may be called from any goroutine.
type Proxy struct {
	snapshot atomic.Pointer[Snapshot]
	draining atomic.Bool
	ending   atomic.Bool // what is under way is cut
	inFlight atomic.Int64

	limits wire.Limits
	server *fasthttp.Server
	seen   *observer
	log    *slog.Logger

	conns  connections
	writes slots // of all requests that are not reads
	reads  slots
	held   heldBudget
	memory memory
	turns  giveWay
	pipes  *pipe.Pool
	shares *Shares

	// Apart, so that no number of failing queries takes a push's further attempt.
	pushRetries  retryBudget
	otherRetries retryBudget

	mu        sync.Mutex
	listeners map[net.Listener]*listener // guarded by mu
	shut      bool                       // Shutdown has closed them all; guarded by mu
}

// New makes a Proxy that answers 503 until Use gives it a snapshot.
func New(o Options) *Proxy {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{
		limits: wire.Limits{
			HeaderTimeout: o.HeaderTimeout,
			IdleTimeout:   o.IdleTimeout,
			MaxHeaderSize: o.MaxHeaderSize,
		},
		log:       o.Log,
		shares:    o.Shares,
		pipes:     pipe.NewPool(o.Pipes),
		listeners: make(map[net.Listener]*listener),
	}
	p.limits.BeforeWait = p.turns.before
	if p.shares == nil {
		p.shares = NewShares()
	}
	p.memory.limit, p.memory.inUse, p.memory.collect = o.MemoryLimit, memoryInUse, collectGarbage
	p.seen = newObserver(p, &o)
	p.limits.HandshakeFailed = p.handshakeFailed
	if o.Metrics != nil {
		p.exportUsage(o.Metrics)
	}
	p.server = &fasthttp.Server{
		Handler: p.handle,
		// The loop sees only the stand-ins of wire.Conn, which fit these sizes; deadlines, limits and refusals are ours.
		ReadBufferSize:  3200, // a size that the runtime has, above that of the longest stand-in
		WriteBufferSize: 512,
		Concurrency:     1 << 20,
		Logger:          silence{},

		NoDefaultServerHeader:         true,
		NoDefaultDate:                 true,
		NoDefaultContentType:          true,
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: false, // comparisons of names must never become exact
		SecureErrorLogMessage:         true,
		CloseOnShutdown:               true,
		LazyRequestTime:               true,
	}
	return p
}

// silence drops what fasthttp would log: it quotes requests, and with them credentials.
type silence struct{}

// Printf drops its arguments.
func (silence) Printf(string, ...any) {}

// Use makes s the snapshot of every request that begins from now on. A snapshot belongs to the one Proxy that uses it.
func (p *Proxy) Use(s *Snapshot) {
	for _, r := range s.routes.all {
		r.series = p.seen.series.route(routeKey{routeLabel(&r.Route), r.Scope})
		r.series.prepare(&r.Route)
	}
	if before := p.snapshot.Load(); before != nil {
		s.routes.takeOver(before.routes)
	}
	p.seen.tenants.limit(s.maxTenantSeries)
	p.writes.bound(int64(s.limits.MaxInFlight))
	p.reads.bound(int64(s.limits.MaxInFlightReads))
	p.held.limit.Store(s.limits.MaxBuffered)
	p.pushRetries.keepFor(s.longestPushTimeout())
	p.snapshot.Store(s)
}

// InFlight is how many requests are under way.
func (p *Proxy) InFlight() int64 { return p.inFlight.Load() }

// Drain makes the health path answer 503 and every answer end its connection, while connections are still accepted.
func (p *Proxy) Drain() { p.draining.Store(true) }

// Serve accepts connections from ln until Unserve or Shutdown closes it, and then returns nil. It may be called for
// several listeners; after Shutdown it closes them at once.
func (p *Proxy) Serve(ln net.Listener) error {
	l := &listener{Listener: ln, proxy: p, closed: make(chan struct{})}
	p.mu.Lock()
	p.listeners[ln] = l
	if p.shut {
		l.Close() //nolint:errcheck // it is going away either way
	}
	p.mu.Unlock()
	err := p.server.Serve(l)
	p.mu.Lock()
	delete(p.listeners, ln)
	p.mu.Unlock()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Unserve closes one listener; its connections live on.
func (p *Proxy) Unserve(ln net.Listener) {
	p.mu.Lock()
	l := p.listeners[ln]
	p.mu.Unlock()
	if l != nil {
		l.Close() //nolint:errcheck // it is going away either way
	}
}

// pollInterval is how often Shutdown looks whether connections are left.
const pollInterval = 5 * time.Millisecond

// lastMoment is how long a request that is cut may take to notice: longer than a slice.
const lastMoment = 400 * time.Millisecond

// Shutdown closes the listeners and the idle connections, waits until no request is under way or ctx ends, and then
// cuts what is left, on both sides. Who still waits to be let in, or for a connect, a moment later is not waited for. The
// error is ctx's when requests were cut.
func (p *Proxy) Shutdown(ctx context.Context) (err error) {
	p.Drain()
	p.mu.Lock()
	p.shut = true
	for _, l := range p.listeners {
		l.Close() //nolint:errcheck // it is going away either way
	}
	p.mu.Unlock()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for p.conns.closeIdle() > 0 && err == nil {
		select {
		case <-ctx.Done():
			err = ctx.Err()
			p.ending.Store(true)
			go p.conns.closeAll() // a goodbye on TLS may take its time
		case <-poll.C:
		}
	}
	p.pipes.Close()
	p.seen.access.report()
	p.seen.audit.report()
	soon, cancel := context.WithTimeout(context.Background(), lastMoment)
	defer cancel()
	return errors.Join(err, p.server.ShutdownWithContext(soon))
}
