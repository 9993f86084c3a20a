package proxy

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// observer counts and logs what happens to requests, without a lock on the way: every series that a request can touch is
// resolved when its route is compiled.
type observer struct {
	log        *slog.Logger
	series     series
	noRoute    *routeSeries
	lostPushes *routeSeries // of no route, see countsFor
	refusals   *refusalCounts
	tenants    *tenantCounts
	access     *accessLog
	audit      *auditLog
	events     lineLimit
	turnedAway map[string]*metrics.Counter // connections, by why; never changed

	answerBytes    *metrics.Counter
	repeats        *metrics.Counter // attempts after the first
	repeated       *metrics.Counter // requests that a sender says it sends again
	acceptErrors   *metrics.Counter
	handshakes     *metrics.Counter // that failed
	panics         *metrics.Counter
	tenantsIgnored *metrics.Counter
	sendErrors     *metrics.Counter
	unlogged       *metrics.Counter
}

func newObserver(p *Proxy, options *Options) *observer {
	set := options.Metrics
	if set == nil {
		set = metrics.NewSet()
	}
	o := &observer{
		log:            options.Log,
		refusals:       newRefusalCounts(),
		tenants:        newTenantCounts(),
		answerBytes:    set.NewCounter("headgate_response_bytes_total"),
		repeats:        set.NewCounter("headgate_retries_total"),
		repeated:       set.NewCounter("headgate_sender_retries_total"),
		acceptErrors:   set.NewCounter("headgate_accept_errors_total"),
		handshakes:     set.NewCounter("headgate_tls_handshake_errors_total"),
		panics:         set.NewCounter("headgate_panics_total"),
		tenantsIgnored: set.NewCounter("headgate_client_tenants_ignored_total"),
		sendErrors:     set.NewCounter("headgate_client_write_errors_total"),
		unlogged:       set.NewCounter("headgate_log_lines_suppressed_total"),
	}
	suppressed := func(n int64) { o.unlogged.Add(int(n)) }
	o.events.tell = suppressed
	o.access = newAccessLog(cmp.Or(options.Requests, options.Log), options.Log, suppressed)
	o.audit = newAuditLog(cmp.Or(options.Requests, options.Log), cmp.Or(options.Changes, options.Log), suppressed)
	o.turnedAway = make(map[string]*metrics.Counter)
	for _, why := range []string{"limit", "address"} {
		o.turnedAway[why] = set.NewCounter(fmt.Sprintf("headgate_client_connections_refused_total{reason=%q}", why))
	}
	o.noRoute = o.series.route(routeKey{label: otherName})
	o.lostPushes = o.series.route(routeKey{label: otherName, scope: authcache.Write})
	set.NewGauge("headgate_in_flight_requests", func() float64 { return float64(p.InFlight()) })
	set.RegisterMetricsWriter(o.series.write)
	set.RegisterMetricsWriter(o.refusals.write)
	set.RegisterMetricsWriter(o.tenants.write)
	return o
}

// observe counts the request that ends, and logs it. A bug in that ends the connection, since it may have left something of
// the request behind.
func (x *exchange) observe() {
	o := x.proxy.seen
	defer func() {
		if v := recover(); v != nil {
			o.panicked(x, v)
			x.ctx.SetConnectionClose()
		}
	}()
	now := time.Now()
	took := now.Sub(x.conn.Began())
	r := o.countsFor(x)
	if x.status != 0 {
		r.observe(x.head.Method, x.origin, x.status, took)
	} else {
		r.unanswered.Add(1)
	}
	x.tenantSeries().count(x)
	o.answerBytes.Add(int(x.sent))
	if x.head.Has(wire.RetryAttempt) {
		o.repeated.Inc()
	}
	if x.attempts > 1 {
		o.repeats.Add(x.attempts - 1)
	}
	if x.failure != nil {
		o.refusals[scopeIndex(r.scope)][reasonIndex[x.failure.Refusal]].Add(1)
	}
	x.logAccess(now, took)
	x.audit(now)
	x.endTrace()
}

func (o *observer) acceptFailed(err error) {
	o.acceptErrors.Inc()
	o.log.Error("a connection could not be accepted; raise the open-file limit if it says so", "error", err)
}

// handshakeFailed notes a client that TLS could not agree with: without the certificate that is required, of another
// age, or none at all.
func (p *Proxy) handshakeFailed(peer net.Addr, err error) {
	o := p.seen
	o.handshakes.Inc()
	if o.mayLog() {
		o.log.Info("a client and TLS did not agree", "address", peer.String(), "error", err)
	}
	if s := p.snapshot.Load(); s != nil && s.audit {
		o.audit.refusedCertificate(peer, err)
	}
}

func (o *observer) connectFailed(x *exchange, err error) {
	if o.mayLog() {
		o.log.Warn("a host could not be reached", "upstream", x.route.Upstream, "host", x.host.Addr(), "error", err)
	}
}

func (o *observer) sendFailed(x *exchange, err error) {
	o.sendErrors.Inc()
	o.log.Debug("a client did not take its answer", "request", string(x.id), "error", err)
}

// tenantIgnored notes that a client named another tenant than the one that was used.
func (o *observer) tenantIgnored(x *exchange) {
	o.tenantsIgnored.Inc()
	if o.mayLog() {
		o.log.Info("a client sent a tenant that was not used", "client", x.identity.Client, "tenant", x.tenant,
			"tenant_asked", x.tenantAsked(x.tenant))
	}
}

// panicked notes a bug of ours. The text of a panic may hold anything, so only a runtime error's is logged.
func (o *observer) panicked(x *exchange, v any) {
	o.panics.Inc()
	what := fmt.Sprintf("%T", v)
	if err, ok := v.(interface {
		error
		RuntimeError()
	}); ok {
		what = err.Error()
	}
	o.log.Error("BUG: a request ended in a panic", "request", string(x.id), "panic", what, "stack", string(debug.Stack()))
}

// eventsPerSecond bounds the lines of what happens beside requests.
const eventsPerSecond = 100

// mayLog reports whether one more of the events that a client or a host can cause at will may be logged.
func (o *observer) mayLog() bool { return o.events.allow(time.Now(), eventsPerSecond) }
