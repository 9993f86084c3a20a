package proxy

import (
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer/latency"
)

// series is what requests are counted in: for each route as Cortex names it and each scope, a histogram for each method,
// status and origin that has occurred, all of them out of fixed sets, so that no client can add series without end. It
// outlives snapshots. What is shown is derived from the histograms when somebody asks, so that a request touches one.
type series struct {
	mu     sync.Mutex
	routes map[routeKey]*routeSeries // guarded by mu
}

type routeKey struct {
	label string
	scope authcache.Scope // 0: of no route
}

// routeSeries holds the histograms of one route, found without a lock.
type routeSeries struct {
	routeKey
	answers    [origins][len(knownMethods) + 1]atomic.Pointer[statusSeries]
	unanswered atomic.Uint64 // connections that ended without a status
}

type statusSeries [500]atomic.Pointer[latency.Histogram] // by status less 100

// origin is who gave an answer.
type origin uint8

const (
	byUpstream origin = iota
	byHeadgate
	cutOff // an answer that ended before it was whole, whoever began it
	origins
)

var knownMethods = [...]string{"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"}

// otherName stands for every method, path and tenant that has no name of its own.
const otherName = "other"

func methodIndex(method []byte) int {
	for i, m := range knownMethods {
		if string(method) == m {
			return i
		}
	}
	return len(knownMethods)
}

func methodName(index int) string {
	if index < len(knownMethods) {
		return knownMethods[index]
	}
	return otherName
}

// route is the part of one route.
func (s *series) route(key routeKey) *routeSeries {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.routes == nil {
		s.routes = make(map[routeKey]*routeSeries)
	}
	r := s.routes[key]
	if r == nil {
		r = &routeSeries{routeKey: key}
		s.routes[key] = r
	}
	return r
}

// observe counts one request; status is 100 to 599.
func (r *routeSeries) observe(method []byte, from origin, status int, took time.Duration) {
	r.histogram(methodIndex(method), from, status).Observe(took)
}

// histogram is the one for such requests, made when the first comes.
func (r *routeSeries) histogram(method int, from origin, status int) *latency.Histogram {
	at := &r.answers[from][method]
	statuses := at.Load()
	if statuses == nil {
		at.CompareAndSwap(nil, new(statusSeries))
		statuses = at.Load()
	}
	of := &statuses[status-100]
	h := of.Load()
	if h == nil {
		of.CompareAndSwap(nil, new(latency.Histogram))
		h = of.Load()
	}
	return h
}

// prepare makes the series that a route's clients are sure to cause, so that the first request is seen as an increase:
// good answers of every method, and on a write route whatever headgate itself may answer.
func (r *routeSeries) prepare(route *Route) {
	methods := route.Methods
	if len(methods) == 0 {
		methods = knownMethods[:2] // GET and POST; what a prefix with all of them is asked beside that is rare
	}
	for _, name := range methods {
		method := methodIndex([]byte(name))
		r.histogram(method, byUpstream, 200)
		if route.Scope&authcache.Write == 0 {
			continue
		}
		for _, refusal := range Refusals() {
			r.histogram(method, byHeadgate, refusal.Write)
		}
	}
}

// each calls f for every histogram of the route that there is.
func (r *routeSeries) each(f func(from origin, method, status int, h *latency.Histogram)) {
	for from := range r.answers {
		for method := range r.answers[from] {
			statuses := r.answers[from][method].Load()
			if statuses == nil {
				continue
			}
			for s := range statuses {
				if h := statuses[s].Load(); h != nil {
					f(origin(from), method, s+100, h)
				}
			}
		}
	}
}

// scopeNames are the words for scopes, in the order of their bits, and the one for no route.
var scopeNames = [...]string{"write", "read", "rules", "alerts", "operator", "none"}

func scopeIndex(s authcache.Scope) int { return min(bits.TrailingZeros8(uint8(s)), len(scopeNames)-1) }

func scopeName(s authcache.Scope) string { return scopeNames[scopeIndex(s)] }

// routeLabel is a path in the form in which Cortex names its routes: each run of other than letters and digits is one
// "_". The parameters that Cortex has below a prefix of ours are named as there.
func routeLabel(r *Route) string {
	path := r.Path
	if r.HasRewrite {
		path = r.Rewrite
	}
	if r.Prefix {
		switch {
		case strings.HasSuffix(path, "/label"):
			path += "/name/values"
		case strings.HasSuffix(path, "/rules"):
			path += "/namespace/groupName"
		}
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			b.WriteByte(c | 0x20)
		case b.Len() > 0 && b.String()[b.Len()-1] != '_':
			b.WriteByte('_')
		}
	}
	if label := strings.TrimRight(b.String(), "_"); label != "" {
		return label
	}
	return "root"
}
