package proxy

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// observer counts and logs what happens to requests, without a lock on the way: every series that a request can touch is
// resolved when its route is compiled.
type observer struct {
	log        *slog.Logger
	durations  durations
	noRoute    *routeDurations
	refusals   map[*Refusal]*metrics.Counter // never changed
	failures   limiter                       // of log lines
	turnedAway map[string]*metrics.Counter   // connections, by why; never changed

	requestBytes   *metrics.Counter
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

func newObserver(p *Proxy, set *metrics.Set, log *slog.Logger) *observer {
	if set == nil {
		set = metrics.NewSet()
	}
	o := &observer{
		log:            log,
		refusals:       make(map[*Refusal]*metrics.Counter),
		requestBytes:   set.NewCounter("headgate_request_body_bytes_total"),
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
	o.turnedAway = make(map[string]*metrics.Counter)
	for _, why := range []string{"limit", "address"} {
		o.turnedAway[why] = set.NewCounter(fmt.Sprintf("headgate_client_connections_refused_total{reason=%q}", why))
	}
	o.noRoute = o.durations.route(otherName)
	for _, r := range Refusals() {
		o.refusals[r] = set.NewCounter(fmt.Sprintf("headgate_refusals_total{reason=%q}", r.Reason))
	}
	set.NewGauge("headgate_in_flight_requests", func() float64 { return float64(p.InFlight()) })
	set.RegisterMetricsWriter(o.durations.write)
	return o
}

// observe counts the request that ends, and logs it when it was refused.
func (x *exchange) observe() {
	o := x.proxy.seen
	took := time.Since(x.conn.Began())
	if x.status != 0 {
		r := o.noRoute
		if x.route != nil {
			r = x.route.durations
		}
		r.observe(x.head.Method, x.status, took)
	}
	o.requestBytes.Add(int(x.received))
	o.answerBytes.Add(int(x.sent))
	if x.head.Has(wire.RetryAttempt) {
		o.repeated.Inc()
	}
	if x.attempts > 1 {
		o.repeats.Add(x.attempts - 1)
	}
	if x.failure != nil {
		o.failed(x, took)
	}
}

// failed counts a refusal and logs it, as long as there are not too many of them.
func (o *observer) failed(x *exchange, took time.Duration) {
	if c := o.refusals[x.failure.Refusal]; c != nil {
		c.Inc()
	}
	if !o.failures.allow(time.Now()) {
		o.unlogged.Inc()
		return
	}
	attrs := []slog.Attr{
		slog.String("reason", x.failure.Reason), slog.String("detail", x.failure.detail), slog.Int("status", x.status),
		slog.String("request", string(x.id)), slog.String("address", x.clientText()),
		slog.String("method", string(x.head.Method)), slog.String("path", string(x.head.Path)),
		slog.Duration("took", took), slog.Int("attempts", x.attempts),
	}
	switch {
	case x.identity != nil:
		attrs = append(attrs, slog.String("tenant", cmp.Or(x.tenant, x.identity.Tenant)), slog.String("client", x.identity.Client))
	case x.sender.verdict != authcache.Accepted:
		attrs = append(attrs, slog.String("verdict", x.sender.verdict.String()), slog.String("scheme", x.sender.scheme.String()),
			slog.String("sender", x.sender.name))
	}
	if x.host != nil {
		attrs = append(attrs, slog.String("upstream", x.route.Upstream), slog.String("host", x.host.Addr()))
	}
	level := slog.LevelInfo
	if x.status >= 500 || x.status == 0 {
		level = slog.LevelWarn
	}
	o.log.LogAttrs(context.Background(), level, "a request was refused", attrs...)
}

func (o *observer) acceptFailed(err error) {
	o.acceptErrors.Inc()
	o.log.Error("a connection could not be accepted; raise the open-file limit if it says so", "error", err)
}

// handshakeFailed notes a client that TLS could not agree with: without the certificate that is required, of another
// age, or none at all.
func (o *observer) handshakeFailed(peer net.Addr, err error) {
	o.handshakes.Inc()
	if o.failures.allow(time.Now()) {
		o.log.Info("a client and TLS did not agree", "address", peer.String(), "error", err)
	}
}

func (o *observer) connectFailed(x *exchange, err error) {
	if o.failures.allow(time.Now()) {
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
	if o.failures.allow(time.Now()) {
		o.log.Info("a client sent a tenant that was not used", "client", x.identity.Client, "tenant", x.tenant)
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

// maxLinesPerSecond bounds what refusals may write into the log.
const maxLinesPerSecond = 100

// limiter allows so many lines in each second. The zero value is ready.
type limiter struct {
	second atomic.Int64
	lines  atomic.Int64
}

func (l *limiter) allow(now time.Time) bool {
	if s := now.Unix(); l.second.Load() != s && l.second.Swap(s) != s {
		l.lines.Store(0)
	}
	return l.lines.Add(1) <= maxLinesPerSecond
}
