package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
)

// prometheusGivesUp is the remote_timeout of Prometheus's remote write.
const prometheusGivesUp = 30 * time.Second

func (c *Config) validateRoutes(on *checks) {
	known := newKnownRoutes(cortexRoutes(c.Cortex))
	parsed := make([]parsedRoute, 0, len(c.Routes))
	for i := range c.Routes {
		key := indexKey("routes", i)
		if route, ok := c.Routes[i].parse(on, key, c); ok {
			c.checkAgainstAPI(on, route, known)
			parsed = append(parsed, route)
		}
	}
	c.buildTable(on.report, parsed)
	c.warnUnusedUpstreams(on)
	c.warnSlowPushes(on)
	c.checkHealthPath(on)
}

// parse reads a route and reports what is wrong with it.
func (written *Route) parse(on *checks, key string, c *Config) (parsedRoute, bool) {
	before := on.problems.Errors()
	route := parsedRoute{key: key, written: written, upstream: written.Upstream}
	var err error
	if route.path, route.prefix, err = readPath(written.Path, written.Prefix); err != nil {
		on.errorf(key+".path", "%s%v%s", showPath(written.Path), err, wantPath)
	}
	if written.Rewrite != "" {
		route.hasRewrite = true
		if route.rewrite, err = readRewrite(written.Rewrite, route.prefix); err != nil {
			on.errorf(key+".rewrite", "%s %v; want the path that the upstream has", show(written.Rewrite), err)
		}
	}
	for i, method := range written.Methods {
		if err := checkMethod(method); err != "" {
			on.errorf(indexKey(key+".methods", i), "%s %s", show(method), err)
			continue
		}
		if !slices.Contains(route.methods, method) {
			route.methods = append(route.methods, method)
		}
	}
	if written.Scope != "" {
		route.scope = parseScope(on, key+".scope", written.Scope)
	}
	c.checkRouteUpstream(on, key+".upstream", written.Upstream)
	if written.IdleTimeout.Set {
		warnUpstreamIdle(on, key+".idle_timeout", written.IdleTimeout.Value)
	}
	validateRetries(on, key+".retries", written.Retries)
	return route, on.problems.Errors() == before
}

// readRewrite is what replaces the matched part of a path. For a prefix it may end
// with "/*" as well, and "/" takes the matched part away.
func readRewrite(written string, prefix bool) (string, error) {
	if !prefix {
		return written, checkPath(written)
	}
	if written != "/*" {
		written, _ = splitPrefix(written)
	}
	path, _, err := readPath(written, true)
	return path, err
}

// methods are those that a route may have. CONNECT and TRACE are never forwarded, and Cortex knows no others.
var methods = []string{"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"}

func checkMethod(method string) string {
	switch upper := strings.ToUpper(method); {
	case slices.Contains(methods, method):
		return ""
	case slices.Contains(methods, upper):
		return "is not in capitals; want " + show(upper)
	case method == "CONNECT" || method == "TRACE":
		return "is never forwarded; want another method"
	default:
		return "is not a method that can be routed; want one of " + strings.Join(methods, ", ")
	}
}

// checkRouteUpstream reports a route to an upstream that does not exist.
func (c *Config) checkRouteUpstream(on *checks, key, name string) {
	if _, ok := c.serves(name); ok {
		return
	}
	if name == "" {
		on.errorf(key, "is missing; want the name of one of [upstreams]")
		return
	}
	if component, ok := ComponentMeant(name); ok && component != name {
		on.errorf(key, "%s is not an upstream, did you mean %s?", show(name), show(component))
		return
	}
	names := slices.Sorted(maps.Keys(c.Upstreams))
	if near, ok := nearest(name, names); ok {
		on.errorf(key, "%s is not an upstream, did you mean %s?", show(name), show(near))
		return
	}
	on.errorf(key, "%s is not an upstream; want [%s] in the file, or one of those that it has: %s",
		show(name), joinKey("upstreams", name), cmp.Or(strings.Join(names, ", "), "none"))
}

// checkAgainstAPI reports a route that goes against what Cortex has at its path.
func (c *Config) checkAgainstAPI(on *checks, route parsedRoute, known knownRoutes) {
	at := known[pathKey{route.path, route.prefix}]
	pushes := len(route.methods) == 0 || slices.Contains(route.methods, "POST")
	if anyPush(at) && pushes && route.scope != 0 && route.scope != authcache.Write {
		on.errorf(route.key+".scope", `%s cannot be that of %s, where Cortex takes pushes; want "write"`,
			show(route.written.Scope), show(route.written.Path))
	}
	if path := c.below(route.path, route.prefix, known); path != "" && !route.hasRewrite && knownComponent(route.upstream) {
		on.warnf(route.key+".path", "%s is no path that this Cortex has; want %s", show(route.written.Path), path)
	}
	if len(at) > 0 && at[0].rewrite != "" && !route.hasRewrite && knownComponent(route.upstream) {
		on.warnf(route.key+".rewrite", "is missing, and Cortex does not have %s; the default route there has rewrite = %s",
			show(route.written.Path), show(writePath(at[0].rewrite, route.prefix)))
	}
}

// below is the path that is meant by one without cortex.http_path_prefix, in
// quotes; "" when that would not be a path of Cortex either.
func (c *Config) below(path string, prefix bool, known knownRoutes) string {
	base := c.Cortex.HTTPPathPrefix
	if base == "" || strings.HasPrefix(path+"/", base+"/") || known.at(base+path, prefix) == nil {
		return ""
	}
	return show(writePath(base+path, prefix)) + ", below cortex.http_path_prefix"
}

func (c *Config) warnUnusedUpstreams(on *checks) {
	used := make(map[string]bool)
	for i := range c.table {
		used[c.table[i].Upstream] = true
	}
	for name := range c.Upstreams {
		if used[name] || !validUpstreamName(name) {
			continue
		}
		text := "no route uses it; want [[routes]] with upstream = " + show(name)
		if !knownComponent(name) {
			text += ", or a component of Cortex: " + strings.Join(components, ", ")
		}
		if name == All {
			text = "no route uses it: every component has a table of its own"
		}
		on.warnf(joinKey("upstreams", name), "%s", text)
	}
}

// warnSlowPushes finds write routes that outlast the patience of Prometheus.
func (c *Config) warnSlowPushes(on *checks) {
	warned := make(map[string]bool)
	for i := range c.table {
		row := &c.table[i]
		if row.Scope != authcache.Write || row.Upstream == "" || row.Timeout > 0 && row.Timeout < prometheusGivesUp {
			continue
		}
		key := c.timeoutKey(row)
		if warned[key] {
			continue
		}
		warned[key] = true
		on.warnf(key, `%s for a push is not under the 30s after which Prometheus gives up and sends it again; want less, such as "25s"`,
			show(formatDuration(row.Timeout)))
	}
}

// timeoutKey is the key that decides the timeout of a route, or would.
func (c *Config) timeoutKey(row *ResolvedRoute) string {
	upstream := joinKey("upstreams", row.Upstream) + ".timeout"
	if !row.Explicit || c.Upstreams[row.Upstream].Timeout.Set && c.Upstreams[row.Upstream].Timeout.Value == row.Timeout {
		return upstream
	}
	for i := range c.Routes {
		path, prefix, err := readPath(c.Routes[i].Path, c.Routes[i].Prefix)
		if err == nil && path == row.Path && prefix == row.Prefix {
			return indexKey("routes", i) + ".timeout"
		}
	}
	return upstream
}

// checkHealthPath reports a health path that would hide a route.
func (c *Config) checkHealthPath(on *checks) {
	for i := range c.table {
		if row := &c.table[i]; !row.Prefix && row.Path == c.Server.HealthPath {
			on.errorf("server.health_path", "%s is the path of a route; want one of its own", show(c.Server.HealthPath))
			return
		}
	}
}
