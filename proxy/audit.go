package proxy

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/headgate/headgate/authcache"
)

// refusalsPerSecond is how many lines of the audit log each reason gets in a second, before lineLimit leaves any out.
const refusalsPerSecond = 10

// auditLog writes who was refused, and who changed what.
type auditLog struct {
	log      *slog.Logger
	changes  *slog.Logger
	refusals map[*Refusal]*lineLimit // never changed
}

func newAuditLog(log, changes *slog.Logger, suppressed func(n int64)) *auditLog {
	a := &auditLog{log: log, changes: changes, refusals: make(map[*Refusal]*lineLimit)}
	for _, r := range Refusals() {
		a.refusals[r] = &lineLimit{tell: func(n int64) {
			suppressed(n)
			log.Info("refusals were left out", "log", "audit", "reason", r.Reason, "count", n)
		}}
	}
	return a
}

// report tells what was left out and not told yet.
func (a *auditLog) report() {
	for _, l := range a.refusals {
		l.report()
	}
}

// audit writes what the audit log wants to know of a request that ends.
func (x *exchange) audit(now time.Time) {
	if x.snapshot == nil || !x.snapshot.audit {
		return
	}
	if x.failure != nil {
		x.auditRefusal(now)
	}
	if text := x.auditText(); x.attempts > 0 && text != "" {
		x.auditPassed(text)
	}
}

func (x *exchange) auditRefusal(now time.Time) {
	a := x.proxy.seen.audit
	if limit := a.refusals[x.failure.Refusal]; limit != nil && !limit.allow(now, refusalsPerSecond) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 16), slog.String("log", "audit"))
	attrs = x.appendOutcome(attrs)
	attrs = x.appendSender(attrs)
	attrs = x.appendToken(attrs)
	if asked := x.tenantAsked(""); asked != "" {
		attrs = append(attrs, slog.String("tenant_asked", asked))
	}
	attrs = x.appendRequest(attrs)
	attrs = append(attrs, slog.Int("status", x.status))
	a.log.LogAttrs(context.Background(), slog.LevelInfo, "a request was refused", attrs...)
}

// Why a connection may be refused before it could send a request.
var (
	notAllowedFrom = refuse(addressDenied)
	fullHouse      = refuseFor(overloaded, "there are as many connections as server.max_connections allows")
)

// refusedConnection writes of a connection that was refused before it could send a request, and of what there is to say of
// its sender. A peer of nil is not known yet.
func (a *auditLog) refusedConnection(f *failure, peer net.Addr, sender ...slog.Attr) {
	if !a.refusals[f.Refusal].allow(time.Now(), refusalsPerSecond) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 8), slog.String("log", "audit"), slog.String("reason", f.Reason))
	if f.detail != "" {
		attrs = append(attrs, slog.String("detail", f.detail))
	}
	attrs = append(attrs, sender...)
	if peer != nil {
		attrs = append(attrs, slog.String("address", addressText(peer)))
	}
	a.log.LogAttrs(context.Background(), slog.LevelInfo, "a connection was refused", attrs...)
}

// What the audit log says of requests that went upstream.
const (
	changePassed = "a change was passed on"
	guardedRead  = "a read that needs scope rules was passed on"
)

// auditText is what there is to say of the request, "" for nothing: it is one of the few that change something other than
// samples, or that read what only those may see who change rules, as the receivers of alerts with their secrets
// (/api/v1/alerts).
func (x *exchange) auditText() string {
	switch {
	case x.changesSomething():
		return changePassed
	case x.scope()&authcache.Rules != 0:
		return guardedRead
	}
	return ""
}

func (x *exchange) auditPassed(text string) {
	attrs := append(make([]slog.Attr, 0, 16), slog.String("log", "audit"))
	attrs = x.appendOutcome(attrs)
	attrs = x.appendSender(attrs)
	attrs = x.appendToken(attrs)
	attrs = x.appendRequest(attrs)
	attrs = append(attrs, slog.Int("status", x.status), slog.Int64("bytes", x.received))
	x.proxy.seen.audit.changes.LogAttrs(context.Background(), slog.LevelInfo, text, attrs...)
}

// maxTokenID is how much of the ID of a token is logged, in bytes. Usual ones have 36.
const maxTokenID = 128

// appendToken names the token of a client that has shown a good one: the client's name is that of its sub, which many
// tokens can have, or none. By its ID a signed one can be taken back.
func (x *exchange) appendToken(attrs []slog.Attr) []slog.Attr {
	if x.identity == nil || x.sender.scheme != authcache.Bearer {
		return attrs
	}
	var space [authcache.MaxBasicSize]byte
	shown, ok := authcache.ParseAuthorization(x.head.Authorization, space[:])
	if !ok {
		return attrs
	}
	attrs = append(attrs, slog.String("sender", nameOf(shown)))
	if id := x.identity.TokenID(); id != "" {
		attrs = append(attrs, slog.String("jti", shorten([]byte(id), maxTokenID)))
	}
	return attrs
}

// maxTenantAsked is how much of a tenant header is logged, in bytes: the longest tenant ID there is.
const maxTenantAsked = 150

// tenantAsked is the tenant that the client named, whatever became of it: the first that is another than used, if there are
// several headers.
func (x *exchange) tenantAsked(used string) string {
	var asked []byte
	for i := range x.head.Fields {
		f := &x.head.Fields[i]
		if !isTenantHeader(f.Name) {
			continue
		}
		if asked = f.Value; string(asked) != used {
			break
		}
	}
	return shorten(asked, maxTenantAsked)
}
