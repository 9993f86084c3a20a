package config

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache"
)

// cortexRoute is a line of Cortex's API that tenants may use (pkg/api/api.go of
// Cortex 1.21), or an alias of one that clients are known to use.
type cortexRoute struct {
	component string
	path      string // without the trailing "/*" of a prefix
	prefix    bool
	methods   []string
	scope     authcache.Scope
	rewrite   string // "": none

	federated bool // a read may name several tenants
	push      bool // remote write or OTLP: always there, always scope write
	ruleNames bool // below the path are a rule namespace and a group
}

// anyOther stands for every method that no other route of the same path has.
const anyOther = ""

// Methods of Cortex's routes.
var (
	get     = []string{"GET"}
	getHead = []string{"GET", "HEAD"}
	getPost = []string{"GET", "POST"}
	post    = []string{"POST"}
	change  = []string{"POST", "DELETE"}
	manage  = []string{"GET", "POST", "DELETE"}
	others  = []string{anyOther}
)

// cortexRoutes is the default route table of all components. Prefixes that an
// operator chooses can make two of Cortex's paths the same, such as
// http_prefix = "" does with the ruler's <legacy>/api/v1/alerts and the
// Alertmanager's /api/v1/alerts. The first one stays then; so paths that cannot
// move come first, and among them the one that shows receivers' secrets is
// guarded by scope rules. Aliases come last.
func cortexRoutes(c Cortex) []cortexRoute {
	legacy, prom, am := c.HTTPPrefix, c.PrometheusHTTPPrefix, c.AlertmanagerHTTPPrefix
	t := apiTable{base: c.HTTPPathPrefix, taken: make(map[slot]bool)}

	t.add(cortexRoute{component: Distributor, methods: post, scope: authcache.Write, push: true},
		"/api/v1/push", "/api/v1/otlp/v1/metrics")
	t.add(cortexRoute{component: Alertmanager, methods: manage, scope: authcache.Rules},
		"/api/v1/alerts")
	t.addRules("", "/api/v1/rules/*")
	t.add(cortexRoute{component: Querier, methods: get, scope: authcache.Read},
		"/api/v1/user_stats", legacy+"/user_stats")
	t.add(cortexRoute{component: Distributor, methods: post, scope: authcache.Write, push: true},
		legacy+"/push")

	for _, prefix := range []string{prom, legacy} {
		api := prefix + "/api/v1/"
		t.add(cortexRoute{component: QueryFrontend, methods: getPost, scope: authcache.Read, federated: true},
			api+"query", api+"query_range", api+"query_exemplars", api+"format_query",
			api+"parse_query", api+"labels", api+"series")
		t.add(cortexRoute{component: QueryFrontend, methods: get, scope: authcache.Read, federated: true},
			api+"metadata", api+"status/buildinfo", api+"label/*")
		t.add(cortexRoute{component: QueryFrontend, methods: post, scope: authcache.Read, federated: true},
			api+"read")
		t.add(cortexRoute{component: Ruler, methods: get, scope: authcache.Read},
			api+"rules", api+"alerts")
	}
	t.addRules("", legacy+"/rules/*")
	t.addAlertmanager("", am+"/*")
	if legacy != "" { // else it would stand in the way of the alias below
		t.addAlertmanager("", legacy+"/alertmanager/*")
	}

	t.add(cortexRoute{component: Distributor, methods: post, scope: authcache.Write, push: true,
		rewrite: t.base + "/api/v1/push"},
		prom+"/api/v1/push", "/api/v1/write")
	t.addRules(t.base+"/api/v1/rules", prom+"/rules/*", prom+"/config/v1/rules/*")
	if am != "/alertmanager" {
		t.addAlertmanager(t.base+am, "/alertmanager/*")
	}
	return t.routes
}

// apiTable is a route table under construction.
type apiTable struct {
	base   string
	routes []cortexRoute
	taken  map[slot]bool
}

// add adds a route at several paths, each with the methods that are still free.
func (t *apiTable) add(r cortexRoute, paths ...string) {
	for _, path := range paths {
		r := r
		r.path, r.prefix = splitPrefix(t.base + path)
		r.methods = slices.DeleteFunc(slices.Clone(r.methods), func(method string) bool {
			s := slot{r.path, r.prefix, method}
			free := !t.taken[s]
			t.taken[s] = true
			return !free
		})
		if len(r.methods) > 0 {
			t.routes = append(t.routes, r)
		}
	}
}

// addRules adds the ruler's routes below which are a namespace and a group.
func (t *apiTable) addRules(rewrite string, paths ...string) {
	r := cortexRoute{component: Ruler, rewrite: rewrite, ruleNames: true}
	r.methods, r.scope = get, authcache.Read
	t.add(r, paths...)
	r.methods, r.scope = change, authcache.Rules
	t.add(r, paths...)
}

// addAlertmanager adds the routes of the Alertmanager itself.
func (t *apiTable) addAlertmanager(rewrite string, paths ...string) {
	r := cortexRoute{component: Alertmanager, rewrite: rewrite}
	r.methods, r.scope = getHead, authcache.Read
	t.add(r, paths...)
	r.methods, r.scope = others, authcache.Alerts
	t.add(r, paths...)
}

// knownRoutes finds routes of Cortex's API by path.
type knownRoutes map[pathKey][]*cortexRoute

// pathKey is a path as routes match it.
type pathKey struct {
	path   string
	prefix bool
}

// slot is what only one route can have: a method of a path.
type slot struct {
	path   string
	prefix bool
	method string // or anyOther
}

func newKnownRoutes(routes []cortexRoute) knownRoutes {
	known := make(knownRoutes, len(routes))
	for i := range routes {
		key := pathKey{routes[i].path, routes[i].prefix}
		known[key] = append(known[key], &routes[i])
	}
	return known
}

// HasForTenants reports whether a path, or with a trailing "/*" a prefix, is one
// that tenants use in Cortex's API, or lies below one.
func (c Cortex) HasForTenants(path string) bool {
	path, prefix := splitPrefix(path)
	return newKnownRoutes(cortexRoutes(c)).at(path, prefix) != nil
}

// RewriteForTenants is the path of Cortex's that a path, or with a trailing "/*" a
// prefix, stands for by default: "" when it is Cortex's own, or nobody's.
func (c Cortex) RewriteForTenants(path string) string {
	path, prefix := splitPrefix(path)
	for _, r := range newKnownRoutes(cortexRoutes(c)).at(path, prefix) {
		return writePath(r.rewrite, r.rewrite != "" && prefix)
	}
	return ""
}

// at are the routes that govern a path: its own, or else those of the longest
// prefix above it.
func (k knownRoutes) at(path string, prefix bool) []*cortexRoute {
	if !prefix {
		if routes := k[pathKey{path, false}]; routes != nil {
			return routes
		}
	}
	for {
		if routes := k[pathKey{path, true}]; routes != nil {
			return routes
		}
		slash := strings.LastIndexByte(path, '/')
		if slash < 0 {
			return nil
		}
		path = path[:slash]
	}
}
