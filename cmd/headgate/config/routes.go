package config

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/headgate/headgate/authcache"
)

// ResolvedRoute is one line of the route table with everything filled in.
type ResolvedRoute struct {
	Path       string   // without the "/*" of a prefix; the prefix of everything is ""
	Prefix     bool     // Path itself and all below it, at a slash
	Methods    []string // none: any that no other route of the same path has
	Component  string   // of Cortex, or the name of another upstream
	Upstream   string   // the [upstreams.NAME]; "": a push path that nobody serves
	Scope      authcache.Scope
	Rewrite    string // with HasRewrite: replaces Path, the rest stays
	HasRewrite bool
	Federated  bool // a read that may name several tenants
	RuleNames  bool // below Path are a rule namespace and a group, which may hold escapes
	Explicit   bool // from [[routes]]

	Timeout        time.Duration // the whole request; 0: no limit, here and below
	ReadTimeout    time.Duration // per attempt
	WriteTimeout   time.Duration // per attempt
	ConnectTimeout time.Duration
	BodyTimeout    time.Duration // the client's request body
	IdleTimeout    time.Duration // pooled connections
	OwnPool        bool          // IdleTimeout is the route's own: so are its connections
	Retries        int           // further attempts
	RetryBodySize  int64         // bytes kept for them; 0: none
	MaxBodySize    int64         // bytes; 0: no limit
	MaxInFlight    int           // 0: no limit
}

// RouteTable is every route that is open, in the order of matching: exact paths,
// then prefixes, the longest first, and on one path the routes with methods
// before the one for any other. So the first route that matches path and method
// is the one. The table belongs to the configuration.
func (c *Config) RouteTable() []ResolvedRoute { return c.table }

// RulePrefixes are the paths below which are a rule namespace and a group, which
// may hold escapes. Each ends with a slash.
func (c *Config) RulePrefixes() []string {
	var prefixes []string
	for i := range c.table {
		if row := &c.table[i]; row.RuleNames && row.Prefix && !slices.Contains(prefixes, row.Path+"/") {
			prefixes = append(prefixes, row.Path+"/")
		}
	}
	return prefixes
}

// rank is what a route comes from. A lower one overrides a higher one.
type rank uint8

const (
	byRoute   rank = iota // [[routes]]
	byPaths               // paths of an upstream
	byDefault             // Cortex's API
)

// origin is the rank and the key of a route: "routes[3]".
type origin struct {
	rank rank
	key  string
}

// tableBuilder puts the route table together.
type tableBuilder struct {
	*report
	c     *Config
	known knownRoutes
	owner map[slot]origin
	rows  []ResolvedRoute
}

// buildTable makes the route table, and reports routes that contradict each
// other. Routes that are not valid are left out: they were reported before.
func (c *Config) buildTable(r *report, explicit []parsedRoute) {
	routes := cortexRoutes(c.Cortex)
	b := &tableBuilder{report: r, c: c, known: newKnownRoutes(routes), owner: make(map[slot]origin)}
	for _, route := range explicit {
		b.addExplicit(route)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Upstreams)) {
		b.addPaths(name, c.Upstreams[name])
	}
	for _, route := range routes {
		if name, ok := c.serves(route.component); ok && len(c.Upstreams[name].Paths) == 0 {
			b.addKnown(&route, route.component, name)
		}
	}
	// A push to a path without a route would be a 404, and the data lost: also one of a sender that does not know of the
	// prefixes that this Cortex has.
	bare := c.Cortex
	bare.HTTPPathPrefix = ""
	for _, cortex := range []Cortex{c.Cortex, bare, Default().Cortex} {
		for _, route := range cortexRoutes(cortex) {
			if route.push {
				b.addKnown(&route, route.component, "")
			}
		}
	}
	slices.SortStableFunc(b.rows, matchOrder)
	c.table = b.rows
}

// serves is the upstream of a component: its own, or the one of all.
func (c *Config) serves(component string) (name string, ok bool) {
	for _, name := range []string{component, All} {
		if c.Upstreams[name] != nil && (name == component || knownComponent(component)) {
			return name, true
		}
	}
	return "", false
}

// addExplicit adds one of [[routes]]. Where it leaves out methods or a scope, it
// has those of Cortex's API for its path; one path can then be several routes.
func (b *tableBuilder) addExplicit(route parsedRoute) {
	upstream, ok := b.c.serves(route.upstream)
	if !ok {
		return
	}
	known := b.known.at(route.path, route.prefix)
	sentTo := known
	if route.hasRewrite {
		sentTo = b.known.at(route.rewrite, route.prefix)
	}
	if known == nil {
		known = sentTo
	}
	from := origin{byRoute, route.key}
	for _, part := range route.split(known) {
		row := ResolvedRoute{
			Path: route.path, Prefix: route.prefix, Methods: part.methods,
			Component: route.component(known), Upstream: upstream, Scope: part.scope,
			Rewrite: route.rewrite, HasRewrite: route.hasRewrite, Explicit: true,
		}
		row.Federated = part.scope == authcache.Read && readsMany(row.Component) && !readsOne(known)
		row.RuleNames = haveRuleNames(sentTo)
		b.c.limits(&row, route.written)
		b.add(row, from)
	}
}

// addPaths adds the paths of an upstream, which stand in for the default ones.
func (b *tableBuilder) addPaths(name string, u *Upstream) {
	for i, written := range u.Paths {
		path, prefix, err := readPath(written, false)
		if err != nil || !HasDefaultRoutes(name) {
			continue
		}
		from := origin{byPaths, indexKey("upstreams."+name+".paths", i)}
		known := b.known.at(path, prefix)
		if known == nil {
			if b.decided(path, prefix) {
				continue
			}
			b.warnf(from.key, "%s is no path that Cortex has for tenants, so it gets scope operator; want %s", show(written),
				cmp.Or(b.c.below(path, prefix, b.known), "one of the default paths, or a [[routes]] with its own scope"))
			row := ResolvedRoute{Path: path, Prefix: prefix, Component: name, Upstream: name, Scope: authcache.Operator}
			row.Methods = others
			b.c.limits(&row, &Route{})
			b.add(row, from)
		}
		for _, route := range known {
			here := *route
			if here.rewrite != "" {
				here.rewrite += path[len(here.path):]
			}
			here.path, here.prefix = path, prefix
			component := name
			if name == All {
				component = here.component
			}
			b.add(b.row(&here, component, name), from)
		}
	}
}

// decided reports whether one of [[routes]] has the whole of a path.
func (b *tableBuilder) decided(path string, prefix bool) bool {
	owner, ok := b.owner[slot{path, prefix, anyOther}]
	return ok && owner.rank == byRoute
}

func (b *tableBuilder) addKnown(route *cortexRoute, component, upstream string) {
	b.add(b.row(route, component, upstream), origin{rank: byDefault})
}

// row is a route of Cortex's API as it goes to an upstream, or to none.
func (b *tableBuilder) row(route *cortexRoute, component, upstream string) ResolvedRoute {
	row := ResolvedRoute{
		Path: route.path, Prefix: route.prefix, Methods: route.methods,
		Component: component, Upstream: upstream, Scope: route.scope,
		Rewrite: route.rewrite, HasRewrite: route.rewrite != "",
		Federated: route.federated, RuleNames: route.ruleNames,
	}
	b.c.limits(&row, &Route{})
	return row
}

// add adds a row with the methods that are still free. Two routes of the same
// rank may not want the same one, unless Cortex's own prefixes make it so.
func (b *tableBuilder) add(row ResolvedRoute, from origin) {
	var free []string
	for _, method := range row.Methods {
		s := slot{row.Path, row.Prefix, method}
		owner, taken := b.owner[s]
		if rest, ok := b.owner[slot{row.Path, row.Prefix, anyOther}]; !taken && ok && rest.rank < from.rank {
			continue // overridden whatever the method
		}
		if !taken {
			b.owner[s] = from
			free = append(free, method)
			continue
		}
		if owner.rank == from.rank && owner.key != from.key {
			what := method
			if method == anyOther {
				what = "any method of"
			}
			b.errorf(from.key, "%s %s is already that of %s; want one of the two", what,
				show(writePath(row.Path, row.Prefix)), owner.key)
			return
		}
	}
	if len(free) == 0 {
		return
	}
	row.Methods = free
	if slices.Equal(free, others) {
		row.Methods = nil
	}
	b.rows = append(b.rows, row)
}

// limits fills in deadlines, retries and sizes: the route's own, or else the
// upstream's, or else those of the component or the scope.
func (c *Config) limits(row *ResolvedRoute, route *Route) {
	u := c.Upstreams[row.Upstream]
	if u == nil {
		u = new(Upstream)
		u.setDefaults()
	}
	usual := deadlinesOf(row.Component)
	row.Timeout = route.Timeout.or(u.Timeout.or(usual.whole))
	row.ReadTimeout = route.ReadTimeout.or(u.ReadTimeout.or(usual.read))
	row.WriteTimeout = route.WriteTimeout.or(time.Duration(u.WriteTimeout))
	row.ConnectTimeout = route.ConnectTimeout.or(time.Duration(u.ConnectTimeout))
	row.BodyTimeout = route.BodyTimeout.or(time.Duration(c.Server.ReadTimeout))
	row.IdleTimeout = route.IdleTimeout.or(time.Duration(u.IdleTimeout))
	row.OwnPool = route.IdleTimeout.Set
	row.RetryBodySize = int64(u.RetryBodySize)

	row.Retries, row.MaxBodySize = defaultRetries, defaultBody
	if row.Scope == authcache.Write {
		row.Retries, row.MaxBodySize = defaultRetriesOnWrite, defaultBodyOnWrite
	}
	if retries := cmp.Or(route.Retries, u.Retries); retries != nil {
		row.Retries = *retries
	}
	if route.MaxBodySize.Set {
		row.MaxBodySize = route.MaxBodySize.Value
	}
	row.MaxInFlight = route.MaxInFlight
}

// matchOrder puts exact paths before prefixes, long prefixes before short ones,
// and on one path named methods before any other.
func matchOrder(a, b ResolvedRoute) int {
	if a.Prefix != b.Prefix {
		if a.Prefix {
			return 1
		}
		return -1
	}
	if a.Prefix {
		if c := cmp.Compare(len(b.Path), len(a.Path)); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(a.Path, b.Path); c != 0 {
		return c
	}
	if (len(a.Methods) == 0) != (len(b.Methods) == 0) {
		if len(a.Methods) == 0 {
			return 1
		}
		return -1
	}
	return slices.Compare(a.Methods, b.Methods)
}
