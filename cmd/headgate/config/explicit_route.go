package config

import (
	"slices"

	"github.com/headgate/headgate/authcache"
)

// parsedRoute is one of [[routes]] that was found valid.
type parsedRoute struct {
	key        string // "routes[3]"
	written    *Route
	path       string
	prefix     bool
	upstream   string
	methods    []string        // none: left out
	scope      authcache.Scope // 0: left out
	rewrite    string
	hasRewrite bool
}

// part is some of the methods of a path, which have one scope.
type part struct {
	methods []string
	scope   authcache.Scope
}

// split is the methods and scopes of the route, given what is known of its path.
func (route parsedRoute) split(known []*cortexRoute) []part {
	methods := route.methods
	if len(methods) == 0 {
		for _, k := range known {
			methods = append(methods, k.methods...)
		}
	}
	if len(methods) == 0 {
		methods = others
	}
	if route.scope != 0 {
		// One scope makes the methods of all parts one; any other covers them.
		if slices.Contains(methods, anyOther) {
			methods = others
		}
		return []part{{methods, route.scope}}
	}
	var parts []part
	for _, method := range methods {
		scope := scopeOf(method, known)
		i := slices.IndexFunc(parts, func(p part) bool {
			return p.scope == scope && method != anyOther && p.methods[0] != anyOther
		})
		if i < 0 {
			parts = append(parts, part{[]string{method}, scope})
			continue
		}
		parts[i].methods = append(parts[i].methods, method)
	}
	return parts
}

// scopeOf is the scope that Cortex's API has for a method, else operator.
func scopeOf(method string, known []*cortexRoute) authcache.Scope {
	look := []string{method, anyOther}
	if method == "HEAD" {
		look = []string{method, "GET", anyOther}
	}
	for _, m := range look {
		for _, k := range known {
			if slices.Contains(k.methods, m) {
				return k.scope
			}
		}
	}
	return authcache.Operator
}

// component is the one that decides about deadlines and federation: the upstream
// itself when it is one, else the one that has the path.
func (route parsedRoute) component(known []*cortexRoute) string {
	if len(known) > 0 && (route.upstream == All || !knownComponent(route.upstream)) {
		return known[0].component
	}
	return route.upstream
}

func readsMany(component string) bool { return component == QueryFrontend || component == Querier }

// readsOne reports whether a path is a read of exactly one tenant.
func readsOne(known []*cortexRoute) bool {
	return len(known) > 0 && !slices.ContainsFunc(known, func(k *cortexRoute) bool { return k.federated })
}

func anyPush(known []*cortexRoute) bool {
	return slices.ContainsFunc(known, func(k *cortexRoute) bool { return k.push })
}

func haveRuleNames(known []*cortexRoute) bool {
	return slices.ContainsFunc(known, func(k *cortexRoute) bool { return k.ruleNames })
}
