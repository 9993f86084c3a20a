package convert

import (
	"slices"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// routing is the route table of the original beside that of Cortex.
type routing struct {
	components []*component
	cortex     config.Cortex
	offered    []config.ResolvedRoute // what Cortex has for tenants
}

func newRouting(components []*component, cortex config.Cortex) *routing {
	return &routing{components, cortex, offered(cortex)}
}

// offered is Cortex's own API for tenants, below the path prefix that it was given; the other prefixes are the usual ones.
// Paths that Cortex does not have, and headgate rewrites, are left out.
func offered(cortex config.Cortex) []config.ResolvedRoute {
	d := new(document)
	d.table("[cortex]")
	d.set("http_path_prefix", cortex.HTTPPathPrefix, "")
	d.table("[upstreams.all]")
	d.set("url", "http://cortex.example", "")
	c, problems := config.Parse("", []byte(d.text.String()), config.Options{NoFiles: true, Env: func(string) string { return "" }})
	if problems.Errors() > 0 {
		return nil // what is wrong with the prefix, headgate says
	}
	return slices.DeleteFunc(slices.Clone(c.RouteTable()), func(row config.ResolvedRoute) bool { return row.HasRewrite || row.Upstream == "" })
}

// taken reports whether a component has a route with this very path.
func (t *routing) taken(r route) bool {
	return slices.ContainsFunc(t.components, func(c *component) bool {
		return slices.ContainsFunc(c.routes, func(other route) bool { return other.path == r.path && other.prefix == r.prefix })
	})
}

// governing is the component whose prefix has a path that no route has by itself, or nil.
func (t *routing) governing(path string) *component {
	var found *component
	longest := -1
	for _, c := range t.components {
		for _, r := range c.routes {
			if r.prefix && r.covers(path) && len(r.path) > longest {
				found, longest = c, len(r.path)
			}
		}
	}
	return found
}

// spell adds the routes of Cortex's that a prefix of the original covers without a word, where the prefix alone would make
// something else of them: a push, which headgate keeps for a distributor and answers itself elsewhere, and all that goes to
// an upstream whose name does not say what it serves, with the deadlines, retries and tenants that it has.
func (t *routing) spell() {
	for _, row := range t.offered {
		r := route{path: row.Path, prefix: row.Prefix}
		c := t.governing(row.Path)
		if c == nil || t.taken(r) {
			continue
		}
		if c.name == config.All || !config.HasDefaultRoutes(c.name) || c.name == config.Distributor && row.Component == c.name {
			c.routes = append(c.routes, r)
		}
	}
}

// scopeOf is what a tenant needs for a path of a component that Cortex's API does not have. All tenants have them all,
// as in the original; the name decides what happens when an upstream fails.
func scopeOf(component string) string {
	switch component {
	case config.Distributor:
		return "write"
	case config.QueryFrontend, config.Querier:
		return "read"
	case config.Alertmanager:
		return "alerts"
	}
	return "rules" // what Cortex has there to read is spelled out; the rest may change something
}
