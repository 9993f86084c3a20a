package proxy

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/headgate/headgate/authcache"
)

// AccessLog says which requests get a line in the log. Those that failed get one without Enabled too, and are
// then subject to the level of the log: INFO, or WARN where the fault was not the sender's. MaxPerSecond bounds both.
type AccessLog struct {
	Enabled      bool    // successes get one too
	Sample       float64 // this part of them, 0 to 1
	MaxPerSecond int     // of successes, and as many of failures; 0: no limit
	Query        bool    // with what a read asks for: query, start, end, step, match[]
}

// beforeConfiguration bounds the lines of failures while there is no configuration.
var beforeConfiguration = AccessLog{MaxPerSecond: 1000}

// accessLog writes the lines of requests.
type accessLog struct {
	log       *slog.Logger // with the access log enabled
	other     *slog.Logger // without it: a failure is an event like others then, and the log's level counts
	successes lineLimit
	failures  lineLimit
	random    func() float64 // from 0 to 1, for the sample
}

func newAccessLog(log, other *slog.Logger, suppressed func(n int64)) *accessLog {
	a := &accessLog{log: log, other: other, random: rand.Float64}
	leftOut := func(what string) func(int64) {
		return func(n int64) {
			suppressed(n)
			log.Info(what+" were left out", "log", "access", "count", n)
		}
	}
	a.successes.tell, a.failures.tell = leftOut("requests that were served"), leftOut("requests that failed")
	return a
}

// report tells what was left out and not told yet.
func (a *accessLog) report() {
	a.successes.report()
	a.failures.report()
}

// failed reports whether the request did not end as its sender wanted: headgate or the upstream refused it, or the
// sender never got the whole answer.
func (x *exchange) failed() bool {
	return x.failure != nil || x.status >= 400 || x.status == 0 || x.undelivered
}

// logAccess writes the line of a request that ends, if it gets one.
func (x *exchange) logAccess(now time.Time, took time.Duration) {
	a, settings := x.proxy.seen.access, &beforeConfiguration
	if x.snapshot != nil {
		settings = &x.snapshot.access
	}
	failed := x.failed()
	switch {
	case failed:
		if !a.failures.allow(now, settings.MaxPerSecond) {
			return
		}
	case !settings.Enabled || x.route == nil: // without a route it is the health path, which is asked every second
		return
	case settings.Sample < 1 && a.random() >= settings.Sample:
		return
	case !a.successes.allow(now, settings.MaxPerSecond):
		return
	}
	log, level := a.other, slog.LevelInfo
	if settings.Enabled {
		log = a.log
	}
	if failed && (x.status >= 500 || x.status == 0) {
		level = slog.LevelWarn
	}
	if log.Enabled(context.Background(), level) {
		log.LogAttrs(context.Background(), level, x.outcomeText(), x.accessLine(took, settings.Query)...)
	}
}

func (x *exchange) outcomeText() string {
	switch {
	case x.failure != nil:
		return "a request was refused"
	case x.failed():
		return "a request failed"
	}
	return "a request was served"
}

// accessLine is what the line of a request says.
func (x *exchange) accessLine(took time.Duration, withQuestion bool) []slog.Attr {
	attrs := append(make([]slog.Attr, 0, 28), slog.String("log", "access"))
	attrs = x.appendOutcome(attrs)
	attrs = x.appendSender(attrs)
	attrs = x.appendRequest(attrs)
	attrs = append(attrs,
		slog.Int("status", x.status),
		slog.Int64("request_bytes", x.received),
		slog.Int64("response_bytes", x.sent),
		slog.Float64("seconds", took.Round(time.Microsecond).Seconds()),
	)
	if x.host != nil {
		attrs = append(attrs, slog.String("upstream", x.route.Upstream), slog.String("host", x.host.Addr()))
	}
	attrs = append(attrs, slog.Int("attempts", x.attempts))
	if withQuestion && x.scope()&authcache.Read != 0 {
		attrs = x.appendQuestion(attrs)
	}
	return attrs
}

// appendOutcome adds why a request was refused, or that its answer did not arrive.
func (x *exchange) appendOutcome(attrs []slog.Attr) []slog.Attr {
	if x.failure != nil {
		attrs = append(attrs, slog.String("reason", x.failure.Reason))
		if x.failure.detail != "" {
			attrs = append(attrs, slog.String("detail", printable(x.failure.detail)))
		}
	}
	if x.undelivered {
		attrs = append(attrs, slog.Bool("undelivered", true))
	}
	return attrs
}

// appendSender adds who sent the request, or claimed to.
func (x *exchange) appendSender(attrs []slog.Attr) []slog.Attr {
	switch {
	case x.identity != nil:
		attrs = append(attrs, slog.String("tenant", cmp.Or(x.tenant, x.identity.Tenant)), slog.String("client", x.identity.Client))
	case x.sender.verdict != authcache.Accepted:
		attrs = append(attrs, slog.String("verdict", x.sender.verdict.String()), slog.String("scheme", x.sender.scheme.String()))
		if x.sender.name != "" {
			attrs = append(attrs, slog.String("sender", x.sender.name))
		}
	}
	return append(attrs, slog.String("address", x.clientText()))
}

// appendRequest adds what was asked for, without its query, which may hold anything.
func (x *exchange) appendRequest(attrs []slog.Attr) []slog.Attr {
	attrs = append(attrs, slog.String("request", string(x.id)))
	if id := x.traceID(); id != "" {
		attrs = append(attrs, slog.String("trace", id))
	}
	if x.route != nil {
		attrs = append(attrs, slog.String("route", x.route.pattern()))
	}
	if len(x.head.Method) > 0 {
		attrs = append(attrs, slog.String("method", string(x.head.Method)), slog.String("path", string(x.head.Path)))
	}
	return attrs
}

// pattern is the route's path as it is configured.
func (r *Route) pattern() string {
	if r.Prefix {
		return r.Path + "/*"
	}
	return r.Path
}
