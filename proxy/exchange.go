package proxy

import (
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/proxy/wire"
)

// exchange is one request and its answer. A connection has one, used anew for each of its requests; nothing of a request
// is left in it for the next.
type exchange struct {
	proxy    *Proxy
	snapshot *Snapshot
	ctx      *fasthttp.RequestCtx
	conn     *client
	head     *wire.RequestHead

	id       []byte // X-Request-ID, in idBuf
	idBuf    [maxRequestID]byte
	client   netip.Addr          // as far as it is known; invalid for a socket of this machine
	from     netip.Addr          // client, where that is sure enough to let somebody in for; else invalid
	trusted  bool                // the peer is a trusted proxy
	sender   sender              // who it claims to be
	identity *authcache.Identity // who it is; nil until that is known
	route    *route
	tenant   string // X-Scope-OrgID as it is sent upstream
	deadline time.Time
	trace    *requestTrace // nil: there is no tracing

	share     *share     // of whoever pays for the request; nil: nothing limits him
	paid      *allowance // whose rate the request was charged to; nil: none
	charged   int64      // bytes of the body that the rate was charged for
	slots     []slot     // to be given back
	slotsBuf  [4]slot
	lane      *slowLane     // whose slots are to be given back; nil: none
	laneSlots [2]slot       // of it: of its kind, and of both kinds
	queued    time.Duration // spent in queues, see patience
	held      int64         // bytes counted against the budget of held bodies

	out       request // what is sent upstream
	attempts  int     // hosts that were sent the request, or refused it
	tried     []*balancer.Host
	triedBuf  [4]*balancer.Host
	host      *balancer.Host // the last one tried
	attempted time.Time      // when it was
	granted   bool           // a further attempt, before the answer was dropped for it

	status      int       // of the answer; 0 before it began
	origin      origin    // of the answer
	answered    bool      // a byte of the answer may have been sent
	answeredAt  time.Time // when the first was
	closing     bool      // the connection ends with this request
	received    int64     // bytes of the client's body
	sent        int64     // bytes of the answer, head included
	failure     *failure
	undelivered bool   // the client did not take the answer
	allow       string // of a 405
}

// exchangeOf is the exchange of the request that fasthttp's loop has under way.
func exchangeOf(ctx *fasthttp.RequestCtx) *exchange { return &ctx.Conn().(*client).exchange }

// handle is where every request begins and ends. fasthttp calls it with a stand-in; the request is in the connection.
func (p *Proxy) handle(ctx *fasthttp.RequestCtx) {
	x := exchangeOf(ctx)
	x.begin(p, ctx)
	defer x.finish()
	if f := x.serve(); f != nil {
		x.refuse(f)
	}
}

// serve is the life of a request. Each step either goes on or says why the request ends here.
func (x *exchange) serve() *failure {
	if f := x.checkHead(); f != nil {
		return f
	}
	if x.isHealthCheck() {
		return x.answerHealth()
	}
	x.startTrace()
	x.matchRoute()
	if f := x.authenticateTraced(); f != nil {
		return f
	}
	if f := x.authorize(); f != nil {
		return f
	}
	if f := x.nameTenant(); f != nil {
		return f
	}
	if f := x.admit(); f != nil {
		return f
	}
	if f := x.prepare(); f != nil { // the head for upstream, and a small body whole
		return f
	}
	if f := x.admitBody(); f != nil {
		return f
	}
	return x.forward()
}

// begin sets an empty exchange up, as finish has left it.
func (x *exchange) begin(p *Proxy, ctx *fasthttp.RequestCtx) {
	conn := ctx.Conn().(*client)
	conn.used.Store(true)
	p.inFlight.Add(1)
	x.proxy, x.snapshot = p, p.snapshot.Load()
	x.ctx, x.conn, x.head = ctx, conn, conn.Head()
	x.closing = x.head.Close || p.draining.Load()
	x.tried, x.slots = x.triedBuf[:0], x.slotsBuf[:0]
	x.identify()
}

// checkHead refuses what is malformed before anything else is looked at.
func (x *exchange) checkHead() *failure {
	switch {
	case x.conn.Fault() != nil:
		return refuseFor(ofFault(x.conn.Fault()), x.conn.Fault().Detail)
	case x.snapshot == nil:
		return refuse(notReady)
	case !x.snapshot.admits(x.conn.Peer()):
		return hangUp(addressDenied)
	case !cleanPath(x.head.Path, x.snapshot.rulePrefixes):
		return refuse(pathNotClean)
	}
	return nil
}

// matchRoute finds the route. What there is to say of a missing one waits until the sender is known.
func (x *exchange) matchRoute() {
	x.snapshot.routes.match(x.ctx)
	if x.route != nil && x.route.Timeout > 0 {
		x.deadline = x.conn.Began().Add(x.route.Timeout)
	}
}

// authorize refuses a request without a route, and a sender whose scopes do not cover it.
func (x *exchange) authorize() *failure {
	switch {
	case x.route == nil:
		if x.allow = x.snapshot.routes.allowed(x.head.Path); x.allow != "" {
			return refuse(methodRefused)
		}
		return refuse(notFound)
	case x.identity.Scopes&x.route.Scope == 0:
		return refuseFor(scopeMissing, "this one needs "+x.route.Scope.String())
	case x.route.Pool == nil:
		return refuse(noUpstream)
	}
	return x.crossSite()
}

// finish ends the request exactly once, whatever happened to it.
func (x *exchange) finish() {
	if v := recover(); v != nil {
		x.panicked(v)
	}
	unread := !x.conn.Body().Whole() || x.conn.Fault() != nil
	if !x.closing && unread {
		x.closing = !x.skipBody()
	}
	if x.closing {
		x.ctx.SetConnectionClose()
	}
	x.observe()
	x.out.release()
	x.leave()
	x.proxy.inFlight.Add(-1)
	if x.closing && x.answered && unread {
		x.conn.Linger()
	}
	*x = exchange{}
}

// panicked answers for a bug of ours, unless the answer has begun.
func (x *exchange) panicked(v any) {
	x.proxy.seen.panicked(x, v)
	if x.host != nil {
		x.host.Undecided()
	}
	x.closing = true
	defer func() { recover() }() //nolint:errcheck // what is broken may be what would answer; the connection ends either way
	x.refuse(refuse(internal))
}

// isHead reports whether the answer goes without its body (RFC 9110 §9.3.2).
func (x *exchange) isHead() bool { return string(x.head.Method) == "HEAD" }

// remaining is how long a step may take that has a limit of its own: the limit, or what the route's timeout leaves of
// it. 0 means no limit; less than 0 that the limit or the timeout has passed.
func (x *exchange) remaining(now time.Time, limit time.Duration) time.Duration {
	if x.deadline.IsZero() || limit < 0 {
		return limit
	}
	left := x.deadline.Sub(now)
	switch {
	case left <= 0:
		return -1
	case limit == 0 || left < limit:
		return left
	}
	return limit
}
