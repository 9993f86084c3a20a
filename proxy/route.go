package proxy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/proxy/wire"
)

// route is one compiled entry of the table.
type route struct {
	Route
	series      *routeSeries   // set before the snapshot is used
	slots       *slots         // what MaxInFlight bounds
	connections *slots         // of the hosts of the pool together; shared by its routes
	wrong       *wrongMachines // of the pool; shared by its routes
	lane        *slowLane      // of the pool; nil: only reads use it
}

// isRead reports whether the route is for reading.
func (r *route) isRead() bool { return r.Scope&authcache.Read != 0 }

// takes reports whether the route is for a method.
func (r *route) takes(method []byte) bool {
	if len(r.Methods) == 0 {
		return true
	}
	for _, m := range r.Methods {
		if string(method) == m {
			return true
		}
	}
	return false
}

// covers reports whether a path is the route's prefix or lies below it.
func (r *route) covers(path []byte) bool {
	n := len(r.Path)
	return len(path) >= n && string(path[:n]) == r.Path && (len(path) == n || path[n] == '/')
}

// upstreamPath appends the path as the upstream gets it: the matched part replaced when the route says so.
func (r *route) upstreamPath(dst, path []byte) []byte {
	if !r.HasRewrite {
		return append(dst, path...)
	}
	dst = append(dst, r.Rewrite...)
	return append(dst, path[len(r.Path):]...)
}

// routeTable finds the route of a method and a raw path: exact ones by fasthttp's router, then prefixes, longest first.
type routeTable struct {
	given    []Route
	all      []*route
	router   *router.Router
	slashed  []*route // exact ones that end in a slash, those for certain methods first
	prefixes []*route // longest first; of one length, those for certain methods first
}

func newRouteTable(given []Route) (*routeTable, error) {
	t := &routeTable{given: given, router: router.New()}
	// Whatever the router would do on its own is an answer that Cortex did not give.
	t.router.RedirectTrailingSlash = false
	t.router.RedirectFixedPath = false
	t.router.HandleOPTIONS = false
	t.router.HandleMethodNotAllowed = false
	t.router.NotFound = t.matchOther
	type place struct{ method, path string }
	taken := make(map[place]string)
	connections, wrong := make(ofPools[slots]), make(ofPools[wrongMachines])
	for i := range given {
		r := &route{Route: given[i], slots: new(slots)}
		r.connections, r.wrong = connections.of(r.Pool), wrong.of(r.Pool)
		r.slots.bound(int64(r.MaxInFlight))
		if err := checkRoute(&r.Route); err != nil {
			return nil, err
		}
		// The router takes a path and the same one with a slash at its end for each other's redirects, and panics when both
		// are there; so the one with the slash is looked for beside it.
		slashed := !r.Prefix && strings.HasSuffix(r.Path, "/")
		methods := r.Methods
		if len(methods) == 0 {
			methods = []string{router.MethodWild}
		}
		for _, method := range methods {
			key := place{method, r.Path}
			if r.Prefix {
				key.path += "/*"
			}
			if other, twice := taken[key]; twice {
				return nil, fmt.Errorf("route %s %s: is there twice, for %s and %s", method, key.path, other, r.Upstream)
			}
			taken[key] = r.Upstream
			if !r.Prefix && !slashed {
				t.router.Handle(method, r.Path, func(ctx *fasthttp.RequestCtx) { exchangeOf(ctx).route = r })
			}
		}
		switch {
		case r.Prefix:
			t.prefixes = append(t.prefixes, r)
		case slashed:
			t.slashed = append(t.slashed, r)
		}
		t.all = append(t.all, r)
	}
	giveLanes(t.all)
	slices.SortStableFunc(t.slashed, certainFirst)
	slices.SortStableFunc(t.prefixes, func(a, b *route) int {
		return cmp.Or(len(b.Path)-len(a.Path), certainFirst(a, b))
	})
	return t, nil
}

// ofPools has one thing for each pool, which all of its routes share.
type ofPools[T any] map[*balancer.Pool]*T

// of finds or makes that of a pool.
func (all ofPools[T]) of(pool *balancer.Pool) *T {
	if all[pool] == nil {
		all[pool] = new(T)
	}
	return all[pool]
}

// certainFirst puts routes for certain methods before those for any.
func certainFirst(a, b *route) int { return min(len(b.Methods), 1) - min(len(a.Methods), 1) }

func checkRoute(r *Route) error {
	if strings.ContainsAny(r.Path, "{}*?") || r.Path != "" && r.Path[0] != '/' || r.Path == "" && !r.Prefix {
		return fmt.Errorf("route %q: want a path that starts with / and holds none of { } * ?", r.Path)
	}
	if (r.Pool == nil) != (r.Upstream == "") {
		return fmt.Errorf("route %q: upstream %q and its pool do not go together", r.Path, r.Upstream)
	}
	for _, m := range r.Methods {
		if methodIndex([]byte(m)) == len(knownMethods) {
			return fmt.Errorf("route %q: method %q is not one of %s", r.Path, m, strings.Join(knownMethods[:], ", "))
		}
	}
	return nil
}

// match finds the route of the request under way and leaves it in the exchange: nil when there is none. A route for any
// method is for any of those that Cortex knows: not for CONNECT, whose 200 makes a tunnel, not for TRACE, which echoes
// credentials, and not for what only junk before a good method makes.
func (t *routeTable) match(ctx *fasthttp.RequestCtx) {
	if methodIndex(ctx.Method()) < len(knownMethods) {
		t.router.Handler(ctx)
	}
}

// matchOther is where the router ends when it knows no exact route with the method and the path.
func (t *routeTable) matchOther(ctx *fasthttp.RequestCtx) {
	method, path := ctx.Method(), ctx.URI().PathOriginal()
	for _, s := range t.slashed {
		if string(path) == s.Path && s.takes(method) {
			exchangeOf(ctx).route = s
			return
		}
	}
	exchangeOf(ctx).route = t.prefixFor(method, path)
}

func (t *routeTable) prefixFor(method, path []byte) *route {
	for _, r := range t.prefixes {
		if r.covers(path) && r.takes(method) {
			return r
		}
	}
	return nil
}

// allowed lists the methods that some route has for a path, for the Allow of a 405; "" when no route has it.
func (t *routeTable) allowed(path []byte) string {
	var methods []string
	for _, r := range t.all {
		if r.Prefix && r.covers(path) || !r.Prefix && string(path) == r.Path {
			methods = append(methods, r.Methods...)
			if len(r.Methods) == 0 {
				methods = append(methods, knownMethods[:]...)
			}
		}
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

// Match finds what a request gets for its method and path alone: its route, or the refusal.
func (s *Snapshot) Match(method, path string) (*Route, *Refusal) {
	raw := []byte(path)
	if !wire.ValidPath(raw) || !cleanPath(raw, s.rulePrefixes) {
		return nil, pathNotClean
	}
	c := &client{}
	var ctx fasthttp.RequestCtx
	ctx.Init2(c, silence{}, false)
	ctx.Request.Header.SetMethod(method)
	ctx.Request.SetRequestURI(path)
	s.routes.match(&ctx)
	switch {
	case c.exchange.route != nil:
		return &c.exchange.route.Route, nil
	case s.routes.allowed(raw) != "":
		return nil, methodRefused
	default:
		return nil, notFound
	}
}

// scope is the scope of the matched route; none before it is known.
func (x *exchange) scope() authcache.Scope {
	if x.route == nil {
		return 0
	}
	return x.route.Scope
}
