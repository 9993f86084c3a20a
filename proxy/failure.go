package proxy

import (
	"cmp"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// Refusal is one way in which headgate itself answers a request. A request that gets one was never answered by Cortex.
type Refusal struct {
	Reason string // a word for X-Headgate-Reason, the metrics and the documents
	Status int    // everywhere but on write routes
	Write  int    // on write routes: what Prometheus repeats, unless the request is wrong for ever
	Text   string // what to do
}

// The whole table. On a write route a 4xx makes Prometheus throw the data away, so the second status is a 4xx only where
// the same request would never be right (DESIGN.md §5).
var (
	malformed         = &Refusal{"malformed_request", 400, 400, "send one well-formed HTTP/1.1 request"}
	expectation       = &Refusal{"expectation_failed", 417, 417, "send no Expect other than 100-continue"}
	headTooLarge      = &Refusal{"head_too_large", 431, 431, "send a smaller head or raise server.max_header_size"}
	codingUnsupported = &Refusal{"coding_not_supported", 501, 501, "send the body with a Content-Length or chunked"}
	versionRefused    = &Refusal{"version_not_supported", 505, 505, "speak HTTP/1.1"}
	pathNotClean      = &Refusal{"path_not_clean", 400, 400, "send the path without empty, dot or escaped segments"}
	tenantMalformed   = &Refusal{"tenant_malformed", 400, 400, "send one X-Scope-OrgID whose parts are tenant IDs"}

	unauthorized       = &Refusal{"unauthorized", 401, 401, "send the credential of a configured client"}
	credsUnready       = &Refusal{"credentials_unready", 401, 503, "not every source of credentials could be read, try again"}
	authBusy           = &Refusal{"authentication_busy", 503, 503, "this password or token could not be verified in time, try again"}
	certificateExpired = &Refusal{"certificate_expired", 401, 503, "the client certificate has expired since the connection began, which ends without an answer"}
	scopeMissing       = &Refusal{"scope_missing", 403, 403, "use a client whose scopes allow this route"}
	addressDenied      = &Refusal{"address_denied", 403, 403, "connect from an address in server.allow_from; the connection ends without an answer"}
	crossSite          = &Refusal{"cross_site", 403, 403, "send it from a page of this host, or add the origin to server.allowed_origins"}
	tenantDenied       = &Refusal{"tenant_denied", 403, 403, "name a tenant that this client may use"}

	notFound          = &Refusal{"no_route", 404, 404, "use a path that is routed, or add it to [[routes]]"}
	methodRefused     = &Refusal{"method_not_allowed", 405, 405, "use one of the methods in Allow"}
	overloaded        = &Refusal{"overloaded", 429, 503, "send less at a time, or raise the limit"}
	tenantLimited     = &Refusal{"tenant_limited", 429, 503, "this tenant sends more than its limits allow: send less, or have them raised"}
	noUpstream        = &Refusal{"no_upstream", 503, 503, "no upstream is configured for this route"}
	bodyTooLarge      = &Refusal{"body_too_large", 413, 413, "send a smaller body or raise the route's max_body_size"}
	bodyTimeout       = &Refusal{"body_timeout", 503, 503, "the body did not arrive in time, the connection ends without an answer"}
	clientCut         = &Refusal{"client_closed", 503, 503, "the client went before its request was complete"}
	noHost            = &Refusal{"no_host", 503, 503, "no host of the upstream is known, its name does not resolve"}
	noConnection      = &Refusal{"no_connection", 503, 503, "all connections to the upstream are in use, try again"}
	connectFailed     = &Refusal{"connect_failed", 503, 503, "no host of the upstream accepts connections"}
	unavailableHosts  = &Refusal{"upstream_unavailable", 503, 503, "no host of the upstream took the request"}
	upstreamSlow      = &Refusal{"upstream_timeout", 504, 504, "the upstream did not take the request or answer in time"}
	deadlinePassed    = &Refusal{"deadline", 504, 504, "the route's timeout has passed"}
	upstreamCut       = &Refusal{"upstream_closed", 502, 502, "the upstream closed the connection before its answer was complete"}
	badAnswer         = &Refusal{"bad_answer", 502, 502, "the upstream's answer is not readable HTTP/1.1"}
	wrongMachine      = &Refusal{"wrong_machine", 502, 502, "the upstream is not the Cortex component that takes pushes"}
	answerTooLong     = &Refusal{"answer_too_long", 502, 502, "an answer of unknown length over 1 MiB needs HTTP/1.1"}
	internal          = &Refusal{"internal", 500, 503, "headgate failed, its log says why"}
	upstreamUnhealthy = &Refusal{"upstream_unhealthy", 503, 503, "an upstream in server.health_upstreams has no healthy host, use another gateway"}
	draining          = &Refusal{"draining", 503, 503, "this gateway is going away, use another"}
	notReady          = &Refusal{"not_ready", 503, 503, "headgate has no configuration yet"}
)

// Refusals is the whole table, in the order of a request's life; the caller must not change it.
func Refusals() []*Refusal {
	return []*Refusal{
		malformed, expectation, headTooLarge, codingUnsupported, versionRefused, pathNotClean,
		addressDenied, unauthorized, credsUnready, authBusy, certificateExpired, notFound, methodRefused, scopeMissing, crossSite, tenantMalformed, tenantDenied,
		noUpstream, tenantLimited, overloaded, bodyTooLarge, bodyTimeout, clientCut, noHost, noConnection, connectFailed, unavailableHosts, upstreamSlow, deadlinePassed, upstreamCut,
		badAnswer, wrongMachine, answerTooLong, internal, upstreamUnhealthy, draining, notReady,
	}
}

// ofFault is the refusal that a fault of the head or the body asks for.
func ofFault(f *wire.Fault) *Refusal {
	switch f.Kind {
	case wire.Expectation:
		return expectation
	case wire.TooLarge:
		return headTooLarge
	case wire.Unsupported:
		return codingUnsupported
	case wire.Version:
		return versionRefused
	default:
		return malformed
	}
}

// failure is a refusal of one request, with what is to be said beyond the table's text. detail holds nothing secret: it
// goes to the client.
type failure struct {
	*Refusal
	detail string
	silent bool          // close the connection without an answer
	after  time.Duration // when to come back, where that is known
}

func refuse(r *Refusal) *failure                   { return &failure{Refusal: r} }
func refuseFor(r *Refusal, detail string) *failure { return &failure{Refusal: r, detail: detail} }
func hangUp(r *Refusal) *failure                   { return &failure{Refusal: r, silent: true} }

// StatusOf is the status of a refusal on a route of this scope; none stands for a request without a route.
func (s *Snapshot) StatusOf(r *Refusal, scope authcache.Scope) int {
	write, other := r.Write, r.Status
	if r == overloaded || r == tenantLimited { // what the operator asked for, where that is so
		write = cmp.Or(s.limits.RejectWrites, write)
		other = cmp.Or(s.limits.RejectReads, other)
	}
	if scope&authcache.Write == 0 {
		return other
	}
	if denies(r) && s.keepDenied {
		return 503
	}
	return write
}

// denies reports whether a refusal says that the sender is not who may do this.
func denies(r *Refusal) bool { return r == unauthorized || r == scopeMissing || r == tenantDenied }

// refuse answers the request ourselves: one line that says what happened and what to do.
func (x *exchange) refuse(f *failure) {
	x.failure = f
	x.returnRequest()
	x.closing = x.closing || refusalCloses(f.Refusal)
	if f.silent || x.answered {
		x.origin = cutOff
		x.cut()
		return
	}
	x.origin = byHeadgate
	status := x.snapshot.StatusOf(f.Refusal, x.scope())
	body := append(make([]byte, 0, 256), "headgate: "...)
	body = append(body, f.Reason...)
	body = append(body, ": "...)
	body = append(body, f.Text...)
	if f.detail != "" {
		body = append(body, "; "...)
		body = append(body, f.detail...)
	}
	body = append(body, " (request "...)
	body = append(body, x.id...)
	body = append(body, ")\n"...)

	out := takeBuffer(smallBuffer)
	defer out.release()
	head := x.startAnswer(out.b[:0], status, fasthttp.StatusMessage(status))
	head = appendDate(head)
	head = wire.AppendLine(head, "Content-Type", "text/plain; charset=utf-8")
	head = wire.AppendLine(head, "X-Content-Type-Options", "nosniff")
	head = wire.AppendLine(head, "X-Headgate-Reason", f.Reason)
	switch status {
	case 401:
		head = x.appendChallenges(head)
	case 403:
		if f.Refusal == scopeMissing && x.sender.scheme == authcache.Bearer {
			head = x.appendScopeNeeded(head)
		}
	case 405:
		head = wire.AppendLine(head, "Allow", x.allow)
	case 429, 503, 504:
		head = append(head, "Retry-After: "...)
		head = strconv.AppendInt(head, retryAfter(f.after), 10)
		head = append(head, '\r', '\n')
	}
	head = appendLength(head, int64(len(body)))
	if x.isHead() {
		body = body[:0]
	}
	x.send(append(head, body...))
}

// maxRetryAfter bounds what a tenant that owes much is told, in seconds: a sender waits for as long as it is told.
const maxRetryAfter = 30

// retryAfter is the seconds after which a sender should come back, a little different for each so that not all come at
// once.
func retryAfter(wait time.Duration) int64 {
	whole := int64((wait + time.Second - 1) / time.Second)
	return min(max(whole, 1), maxRetryAfter) + rand.Int64N(3)
}

// cut ends the connection without a whole answer, so that nobody takes what was sent for one.
func (x *exchange) cut() {
	x.closing = true
	x.conn.Close() //nolint:errcheck // there is nobody to tell
}

// refusalCloses reports whether the connection ends with this refusal: when what was sent could be read in two ways, the
// rest of the connection could be too.
func refusalCloses(r *Refusal) bool {
	switch r {
	case malformed, headTooLarge, codingUnsupported, versionRefused, expectation, pathNotClean, internal:
		return true
	}
	return false
}
