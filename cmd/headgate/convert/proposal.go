package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// proposal is the file of the proposal with routes and targets (a draft of cortexproject/cortex,
// docs/proposals/auth-gateway.md), which telemetrytower/cortex-gateway reads as well, with a secret for tokens.
type proposal struct {
	secret  string
	users   []credential
	routes  []proposedRoute
	targets []target

	remarks []string // on routes
}

// proposedRoute is one of routes. The first one that fits a request has it, in the order of the file.
type proposedRoute struct {
	line   int
	path   string
	prefix bool
	target string
}

// target is one of targets.
type target struct {
	line      int
	name, url string
}

// Proposal converts the YAML with basic, routes and targets. An error names the line, and holds no secret.
func Proposal(text []byte) ([]byte, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	p := new(proposal)
	if err := root.read("the file", readers{
		"secret":  readText("secret", func(v string) { p.secret = v }),
		"basic":   p.readUsers,
		"routes":  readList("routes", p.readRoute),
		"targets": p.readTargets,
	}); err != nil {
		return nil, err
	}
	return p.write()
}

func (p *proposal) readUsers(n *node) error {
	if n.kind != table && n.kind != empty {
		return wrongLine(n.line, "basic is %s; want a table of user names", n.kind)
	}
	for _, f := range n.fields {
		user := credential{where: fmt.Sprintf("line %d", f.line), username: f.key}
		if err := f.value.read("basic."+plain(f.key), readers{
			"password": readText("password", func(v string) { user.password = v }),
			"tenant":   readText("tenant", func(v string) { user.id = v }),
		}); err != nil {
			return err
		}
		p.users = append(p.users, user)
	}
	return nil
}

func (p *proposal) readRoute(n *node) error {
	r := proposedRoute{line: n.line}
	err := n.read("routes", readers{
		"path":   readText("path", func(v string) { r.path = v }),
		"prefix": readBool("prefix", func(v bool) { r.prefix = v }),
		"target": readText("target", func(v string) { r.target = v }),
	})
	p.routes = append(p.routes, r)
	return err
}

func (p *proposal) readTargets(n *node) error {
	if n.kind != table && n.kind != empty {
		return wrongLine(n.line, "targets is %s; want a table of URLs", n.kind)
	}
	for _, f := range n.fields {
		t := target{line: f.line, name: f.key}
		if err := readText("targets."+plain(f.key), func(v string) { t.url = v })(f.value); err != nil {
			return err
		}
		p.targets = append(p.targets, t)
	}
	return nil
}

func (p *proposal) write() ([]byte, error) {
	components, err := p.components()
	if err != nil {
		return nil, err
	}
	d := new(document)
	d.remark("Converted from basic, routes and targets. Every path that was routed goes where it went, whatever its method unless\n" +
		"Cortex's own API says which; the others are closed.\n" + pushPaths)
	if slices.ContainsFunc(p.routes, func(r proposedRoute) bool { return r.prefix }) {
		d.remark("A prefix ends at a slash here: /prometheus/* is not /prometheus-x.")
	}
	d.blank()
	d.table("[server]")
	d.set("listen", address("", defaultPort), "the file does not say where the gateway listened")
	if slices.ContainsFunc(p.routes, func(r proposedRoute) bool { return r.has(config.Default().Server.HealthPath) }) {
		d.set("health_path", "", healthPathTaken)
	}
	if federated(p.users) {
		d.blank()
		d.table("[cortex.tenant_federation]")
		d.set("enabled", true, "some tenants below read several at once")
	}
	for _, line := range p.remarks {
		d.blank()
		d.remark("%s", line)
	}
	used := make([]*component, 0, len(components))
	for _, c := range components {
		if len(c.routes) > 0 {
			used = append(used, c)
			continue
		}
		d.blank()
		d.remark("no route used this target, so headgate would not connect to it:\n[upstreams.%s]\nurl = %q", d.key(c.name), c.url)
	}
	writeComponents(d, used, config.Default().Cortex)
	if p.secret != "" {
		writeSecret(d, p.secret)
	}
	w := newCredentials(d)
	for _, user := range p.users {
		w.write(user)
	}
	return d.finish()
}

// components are the targets with their routes.
func (p *proposal) components() ([]*component, error) {
	byName := make(map[string]*component)
	byTarget := make(map[string]*component)
	var all []*component
	for _, t := range p.targets {
		name := t.name
		if known, ok := config.ComponentMeant(name); ok {
			name = known
		}
		if byName[name] != nil {
			return nil, wrongLine(t.line, "targets: %s is Cortex's %s, as another target is; want one of the two", show(t.name), name)
		}
		c := &component{name: name, key: cmp.Or(t.name, "the target"), url: t.url}
		if name != t.name {
			c.remarks = append(c.remarks, "the target "+show(t.name)+": headgate has Cortex's own name for it")
		}
		byName[name], byTarget[t.name] = c, c
		all = append(all, c)
	}
	for _, r := range p.routes {
		if byTarget[r.target] == nil {
			return nil, wrongLine(r.line, "routes: target %s is not among targets; want one of %s", show(r.target), names(byTarget))
		}
	}
	p.place(byTarget)
	for _, t := range p.targets {
		if c := byTarget[t.name]; len(c.routes) > 0 && !upstreamName(c.name) {
			return nil, wrongLine(t.line, "targets: %s cannot be the name of an upstream; want at most %d letters, digits, -, _ and .", show(t.name), maxUpstreamName)
		}
	}
	return all, nil
}

// maxUpstreamName is how long headgate lets the name of an upstream be, in bytes.
const maxUpstreamName = 64

// upstreamName reports whether headgate takes a name of the operator's own for an upstream.
func upstreamName(name string) bool {
	return len(name) <= maxUpstreamName && bareKey(strings.ReplaceAll(name, ".", ""))
}

// route is the route as headgate has it, whose prefixes end at a slash.
func (r proposedRoute) route() route {
	path := r.beginning()
	if r.prefix {
		path = strings.TrimSuffix(path, "/")
	}
	return route{path: path, prefix: r.prefix}
}

// beginning is what the paths of a prefix begin with, or the path.
func (r proposedRoute) beginning() string {
	if r.prefix {
		return strings.TrimSuffix(r.path, "*")
	}
	return r.path
}

// has reports whether a request for a path is one for the route.
func (r proposedRoute) has(path string) bool {
	if r.prefix {
		return strings.HasPrefix(path, r.beginning())
	}
	return path == r.path
}

// place gives the components their routes, and remarks on those that are not what they seem. To the original, whatever
// stands first has the request, and a prefix is any beginning of a path; to headgate exact paths go before prefixes, and
// long prefixes before short ones.
func (p *proposal) place(byTarget map[string]*component) {
	placed := make(map[route]bool)
	put := func(target string, r route) {
		placed[r] = true
		byTarget[target].routes = append(byTarget[target].routes, r)
	}
	for i, r := range p.routes {
		made, by := r.route(), p.hidden(i)
		again := placed[made]
		switch {
		case !r.prefix && strings.HasSuffix(r.path, "/*"):
			p.remark("line %d: the route of %s to %s is left out: without prefix a star is no pattern there, and no request has it in its path",
				r.line, show(r.path), show(r.target))
		case by != nil && (again || by.route().covers(made.path)):
			p.remark("line %d: the route of %s to %s is left out: it never had a request, because that of %s in line %d stands before it",
				r.line, show(r.path), show(r.target), show(by.path), by.line)
		case by != nil:
			p.remark("line %d: %s goes to %s, as it did: the prefix %s in line %d, which ends at a slash here, stood before it",
				r.line, show(r.path), show(by.target), show(by.path), by.line)
			put(by.target, made)
		case again && made.path != "" && !placed[route{path: made.path}]:
			p.remark("line %d: of the prefix %s only that very path is left to %s: what is below it had an earlier route",
				r.line, show(r.path), show(r.target))
			put(r.target, route{path: made.path})
		case !again:
			put(r.target, made)
		}
	}
	// Here the prefix "/x/" has "/x" as well.
	for _, r := range p.routes {
		alone := route{path: r.route().path}
		if i := p.first(alone.path); r.prefix && alone.path != "" && i >= 0 && p.routes[i].target != r.target && !placed[alone] {
			put(p.routes[i].target, alone)
		}
	}
	// A prefix that ends within a name, such as "/prom", had paths of Cortex's that it has no longer.
	for _, row := range offered(config.Default().Cortex) {
		begins := row.Path
		if row.Prefix {
			begins += "/"
		}
		i := p.first(begins)
		if i >= 0 && row.Prefix && !p.routes[i].prefix {
			continue // it had that very path alone
		}
		if made := (route{path: row.Path, prefix: row.Prefix}); i >= 0 && !p.routes[i].route().covers(row.Path) && !placed[made] {
			put(p.routes[i].target, made)
		}
	}
}

func (p *proposal) remark(format string, args ...any) {
	p.remarks = append(p.remarks, fmt.Sprintf(format, args...))
}

// first is the index of the route that had the requests for a path, -1 for none.
func (p *proposal) first(path string) int {
	return slices.IndexFunc(p.routes, func(r proposedRoute) bool { return r.has(path) })
}

// hidden is the earlier route that has all requests of a route, or nil.
func (p *proposal) hidden(i int) *proposedRoute {
	r := p.routes[i]
	for j := range p.routes[:i] {
		earlier := &p.routes[j]
		if (earlier.prefix || !r.prefix) && earlier.has(r.beginning()) {
			return earlier
		}
	}
	return nil
}
