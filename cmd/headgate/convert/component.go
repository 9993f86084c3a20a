package convert

import (
	"net/url"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// pushPaths says where a converted gateway differs from every original.
const pushPaths = "The exception are Cortex's push paths, such as /prometheus/api/v1/push, that did not go to a distributor, by themselves or\n" +
	"below a prefix: headgate answers 503 there, so that senders keep what they could not send."

// cortexMethods says which methods a converted gateway has, where every original forwarded any.
const cortexMethods = "On Cortex's own paths the methods are those of Cortex's API; any other goes where a prefix above the path leads, or gets 405\n" +
	"here, as Cortex would answer."

// component is an upstream with the routes that the original sends there.
type component struct {
	name     string // of the upstream
	key      string // what the original calls it
	url      string
	routes   []route
	settings []setting
	remarks  []string
}

// setting is one further key of the upstream.
type setting struct {
	key   string
	value any
	note  string
}

// route is one path of the original.
type route struct {
	path   string // without the trailing "/*" of a prefix; the prefix of everything is ""
	prefix bool
	scope  string // "": whatever tenants need for it
	remark string
}

// written is the path as a configuration has it.
func (r route) written() string {
	if r.prefix {
		return r.path + "/*"
	}
	return r.path
}

// covers reports whether a path is that of the route, or below its prefix.
func (r route) covers(path string) bool {
	return path == r.path || r.prefix && strings.HasPrefix(path, r.path+"/")
}

// set adds a setting.
func (c *component) set(key string, value any, note string) {
	c.settings = append(c.settings, setting{key, value, note})
}

// split takes the path off the component's URL: headgate's have none. What requests do not carry goes too.
func (c *component) split() (base string) {
	parsed, err := url.Parse(strings.TrimSpace(c.url))
	if err != nil || parsed.Host == "" {
		return "" // what is wrong with it, headgate says
	}
	base = strings.TrimRight(parsed.EscapedPath(), "/")
	if parsed.User != nil {
		c.remarks = append(c.remarks, "the user and password in the URL were never sent by "+c.key+"'s proxy: left out")
	}
	if parsed.RawQuery != "" {
		c.remarks = append(c.remarks, "the query of the URL, which the original added to every request, is left out")
	}
	c.url = parsed.Scheme + "://" + parsed.Host
	return base
}

// write writes the upstream, and returns those of its routes that need a table of their own.
func (c *component) write(d *document, t *routing) []explicitRoute {
	base := c.split()
	cortex := t.cortex
	var paths []string
	var explicit []explicitRoute
	takesPaths := config.HasDefaultRoutes(c.name)
	for _, r := range c.routes {
		if takesPaths {
			alone := route{path: r.path}
			if r.prefix && base == "" && !t.taken(alone) && cortex.HasForTenants(alone.path) && !cortex.HasForTenants(r.written()) {
				paths = append(paths, alone.path) // with the scopes that Cortex's API has for it, which the prefix has not
			}
			paths = append(paths, r.written())
		}
		known, alias := cortex.HasForTenants(r.written()), cortex.RewriteForTenants(r.written())
		if known && takesPaths && base == "" && r.scope == "" && alias == "" {
			continue
		}
		e := explicitRoute{route: r, upstream: c.name}
		if alias != "" && e.remark == "" {
			e.remark = "It goes upstream as it is, as it did. Cortex does not have this path: rewrite = \"" + alias + "\" makes it one that it has."
		}
		if e.scope == "" && !known {
			e.scope = scopeOf(c.name)
		}
		if base != "" {
			e.rewrite = base + r.path
		}
		explicit = append(explicit, e)
	}
	d.blank()
	d.remarks(c.remarks)
	d.table("[upstreams." + d.key(c.name) + "]")
	d.set("url", c.url, "")
	if len(paths) > 0 {
		d.set("paths", paths, "")
	}
	for _, s := range c.settings {
		d.set(s.key, s.value, s.note)
	}
	return explicit
}

// explicitRoute is one of [[routes]].
type explicitRoute struct {
	route
	upstream string
	rewrite  string
}

func (e explicitRoute) write(d *document) {
	d.blank()
	if e.remark != "" {
		d.remark("%s", e.remark)
	}
	d.table("[[routes]]")
	d.set("path", e.written(), "")
	d.set("upstream", e.upstream, "")
	if e.scope != "" {
		d.set("scope", e.scope, "")
	}
	if e.rewrite != "" {
		d.set("rewrite", e.rewrite, "")
	}
}

// writeComponents writes upstreams and their routes.
func writeComponents(d *document, components []*component, cortex config.Cortex) {
	t := newRouting(components, cortex)
	t.spell()
	var explicit []explicitRoute
	for _, c := range components {
		explicit = append(explicit, c.write(d, t)...)
	}
	for _, e := range explicit {
		e.write(d)
	}
}
