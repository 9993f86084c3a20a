package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// authGateway is the file of cortexproject/auth-gateway (gateway/config.go), and of the proposal that led to it
// (cortexproject/cortex, docs/proposals/auth-gateway.md), which says debug for admin and has timeouts of its own.
type authGateway struct {
	server, admin authGatewayServer
	adminKey      string // "admin", "debug", or "" without one
	tenants       []authGatewayTenant
	components    []*authGatewayComponent
	cortex        config.Cortex
}

type authGatewayServer struct {
	address string
	port    int

	readTimeout, writeTimeout, idleTimeout time.Duration // 0: not given, which is the default

	older bool // they are called as in the first versions: "read_timeout"
}

// called is the name of a timeout: "read", "write" or "idle".
func (s *authGatewayServer) called(timeout string) string {
	if s.older {
		return timeout + "_timeout"
	}
	return "http_server_" + timeout + "_timeout"
}

type authGatewayTenant struct {
	credential
	authentication string
}

// authGatewayComponent is one of the four, with the defaults of auth-gateway (gateway/gateway.go and its README).
type authGatewayComponent struct {
	key, name string
	paths     []string
	timeout   time.Duration

	there bool
	url   string
	given []string // paths

	refresh, whole, dialer, handshake, header time.Duration // auth-gateway's; 0: not given
	readTimeout, writeTimeout, idleTimeout    time.Duration // the proposal's
}

// shortestRefresh is the shortest dns_refresh_interval that headgate takes.
const shortestRefresh = 10 * time.Millisecond

func newAuthGateway() *authGateway {
	return &authGateway{components: []*authGatewayComponent{
		{key: "distributor", name: config.Distributor, timeout: 15 * time.Second, paths: []string{
			"/api/v1/push", "/api/prom/push",
		}},
		{key: "frontend", name: config.QueryFrontend, timeout: time.Minute, paths: []string{
			"/prometheus/api/v1/query", "/api/prom/api/v1/query",
			"/prometheus/api/v1/query_range", "/api/prom/api/v1/query_range",
			"/prometheus/api/v1/query_exemplars", "/api/prom/api/v1/query_exemplars",
			"/prometheus/api/v1/series", "/api/prom/api/v1/series",
			"/prometheus/api/v1/labels", "/api/prom/api/v1/labels",
			"/prometheus/api/v1/label/", "/api/prom/api/v1/label/",
			"/prometheus/api/v1/metadata", "/api/prom/api/v1/metadata",
			"/prometheus/api/v1/read", "/api/prom/api/v1/read",
			"/prometheus/api/v1/status/buildinfo", "/api/prom/api/v1/status/buildinfo",
		}},
		{key: "alertmanager", name: config.Alertmanager, timeout: 15 * time.Second, paths: []string{
			"/alertmanager/", "/api/v1/alerts", "/multitenant_alertmanager/delete_tenant_config",
		}},
		{key: "ruler", name: config.Ruler, timeout: 15 * time.Second, paths: []string{
			"/prometheus/api/v1/rules", "/api/prom/api/v1/rules",
			"/prometheus/api/v1/alerts", "/api/prom/api/v1/alerts",
			"/api/v1/rules", "/api/v1/rules/", "/api/prom/rules/", "/ruler/delete_tenant_config",
		}},
	}, cortex: config.Default().Cortex}
}

// AuthGateway converts the YAML of cortexproject/auth-gateway, or of the proposal that led to it. Bare numbers are
// seconds. An error names the line, and holds no secret.
func AuthGateway(text []byte) ([]byte, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	g := newAuthGateway()
	if err := g.read(root); err != nil {
		return nil, err
	}
	return g.write()
}

func (g *authGateway) read(root *node) error {
	admin := func(key string) func(*node) error {
		return func(n *node) error {
			if g.adminKey != "" {
				return wrongLine(n.line, "%s is there beside %s; want one of the two", key, g.adminKey)
			}
			g.adminKey = key
			return g.admin.read(key, n)
		}
	}
	known := readers{
		"server":  func(n *node) error { return g.server.read("server", n) },
		"admin":   admin("admin"),
		"debug":   admin("debug"),
		"tenants": readList("tenants", g.readTenant),
	}
	for _, c := range g.components {
		known[c.key] = c.read
	}
	return root.read("the file", known)
}

func (s *authGatewayServer) read(where string, n *node) error {
	known := readers{
		"address": readText(where+".address", func(v string) { s.address = v }),
		"port":    readPort(where+".port", func(v int) { s.port = v }),
	}
	for timeout, to := range map[string]*time.Duration{"read": &s.readTimeout, "write": &s.writeTimeout, "idle": &s.idleTimeout} {
		for _, older := range []bool{false, true} {
			key := (&authGatewayServer{older: older}).called(timeout)
			known[key] = readDuration(where+"."+key, func(v time.Duration) { *to, s.older = v, older })
		}
	}
	return n.read(where, known)
}

func (g *authGateway) readTenant(n *node) error {
	t := authGatewayTenant{credential: credential{where: fmt.Sprintf("line %d", n.line)}}
	err := n.read("tenants", readers{
		"authentication": readText("authentication", func(v string) { t.authentication = v }),
		"username":       readText("username", func(v string) { t.username = v }),
		"password":       readText("password", func(v string) { t.password = v }),
		"id":             readText("id", func(v string) { t.id = v }),
		"passthrough":    readBool("passthrough", func(v bool) { t.passthrough = v }),
	})
	g.tenants = append(g.tenants, t)
	return err
}

func (c *authGatewayComponent) read(n *node) error {
	duration := func(to *time.Duration, key string) func(*node) error {
		return readDuration(c.key+"."+key, func(v time.Duration) { *to = v })
	}
	c.there = true
	return n.read(c.key, readers{
		"url": readText(c.key+".url", func(v string) { c.url = v }),
		"paths": readList(c.key+".paths", func(n *node) error {
			return readText(c.key+".paths", func(v string) { c.given = append(c.given, v) })(n)
		}),
		"dns_refresh_interval":                duration(&c.refresh, "dns_refresh_interval"),
		"http_client_timeout":                 duration(&c.whole, "http_client_timeout"),
		"http_client_dialer_timeout":          duration(&c.dialer, "http_client_dialer_timeout"),
		"http_client_tls_handshake_timeout":   duration(&c.handshake, "http_client_tls_handshake_timeout"),
		"http_client_response_header_timeout": duration(&c.header, "http_client_response_header_timeout"),
		"read_timeout":                        duration(&c.readTimeout, "read_timeout"),
		"write_timeout":                       duration(&c.writeTimeout, "write_timeout"),
		"idle_timeout":                        duration(&c.idleTimeout, "idle_timeout"),
	})
}

func (g *authGateway) write() ([]byte, error) {
	d := new(document)
	d.remark("Converted from the configuration of auth-gateway. Every path that it had goes where it went, the others are closed.\n" +
		pushPaths + "\n" + cortexMethods)
	g.writeServers(d)
	components := make([]*component, 0, len(g.components))
	for _, c := range g.components {
		if made := c.convert(d); made != nil {
			components = append(components, made)
		}
	}
	valid := make([]credential, len(g.tenants))
	for i, t := range g.tenants {
		valid[i] = t.credential
	}
	if federated(valid) {
		d.blank()
		d.table("[cortex.tenant_federation]")
		d.set("enabled", true, "some tenants below read several at once")
	}
	writeComponents(d, components, g.cortex)
	w := newCredentials(d)
	for _, t := range g.tenants {
		if t.authentication != "basic" {
			d.blank()
			d.remark("%s: user %s is left out: authentication is %s, which auth-gateway ignored; it knew \"basic\" only",
				t.where, show(t.username), show(t.authentication))
			continue
		}
		w.write(t.credential)
	}
	return d.finish()
}

func (g *authGateway) writeServers(d *document) {
	d.blank()
	port := g.server.port
	note := ""
	if port == 0 {
		port, note = defaultPort, "there was no port: auth-gateway took any that was free"
	}
	d.table("[server]")
	d.set("listen", address(g.server.address, port), note)
	for _, timeout := range []struct {
		key   string
		value time.Duration
	}{
		{"read", g.server.readTimeout}, {"write", g.server.writeTimeout}, {"idle", g.server.idleTimeout},
	} {
		if timeout.value > 0 {
			d.set(timeout.key+"_timeout", timeout.value, g.server.called(timeout.key))
		}
	}
	if g.server.writeTimeout == 0 {
		d.remark("%s was 30s unless given, shorter than the minute that a query had: left to \"auto\"", g.server.called("write"))
	}
	if g.server.idleTimeout == 0 {
		d.remark("%s was 120s unless given; Prometheus keeps idle connections for 5m, headgate for 6m", g.server.called("idle"))
	}
	if g.takes(config.Default().Server.HealthPath) {
		d.set("health_path", "", healthPathTaken)
	}

	switch {
	case g.admin.port != 0:
		d.blank()
		d.remark("/metrics and /ready are here for everybody, by an IP address, localhost or the host of listen; any other name gets 421. pprof,\n" +
			"/config and reload are only for admin.trusted, which is this machine.")
		d.table("[admin]")
		d.set("listen", address(g.admin.address, g.admin.port), "")
	case port == defaultAdminPort:
		d.blank()
		d.table("[admin]")
		d.set("listen", otherAdmin, "the usual port is that of the server")
	}
	for _, timeout := range []struct {
		key   string
		value time.Duration
	}{
		{"read", g.admin.readTimeout}, {"write", g.admin.writeTimeout}, {"idle", g.admin.idleTimeout},
	} {
		if timeout.value > 0 {
			d.remark("%s.%s, %s, has no counterpart", g.adminKey, g.admin.called(timeout.key), formatDuration(timeout.value))
		}
	}
}

// takes reports whether a path went to a component, by itself or in a subtree.
func (g *authGateway) takes(path string) bool {
	return slices.ContainsFunc(g.components, func(c *authGatewayComponent) bool {
		return c.url != "" && slices.ContainsFunc(c.given, func(given string) bool {
			return given == path || strings.HasSuffix(given, "/") && strings.HasPrefix(path+"/", given)
		})
	})
}

// convert is the component as an upstream, or nil without a URL: auth-gateway had its routes all the same, and lost the
// connection of every request for one.
func (c *authGatewayComponent) convert(d *document) *component {
	if c.url == "" {
		if c.there {
			d.blank()
			d.remark("%s has no url: its routes, on which auth-gateway failed, are left out", c.key)
		}
		return nil
	}
	made := &component{name: c.name, key: "auth-gateway", url: c.url}
	paths := c.paths
	if len(c.given) > 0 {
		paths = c.given
	}
	for i, path := range paths {
		if slices.Contains(paths[:i], path) {
			continue
		}
		if strings.HasSuffix(path, "/*") {
			made.remarks = append(made.remarks, show(path)+" is left out: a star was no pattern to auth-gateway, and no request has it in its path")
			continue
		}
		r := route{path: path}
		// A trailing slash is a subtree to the http.ServeMux that auth-gateway has.
		r.path, r.prefix = strings.CutSuffix(path, "/")
		if strings.HasSuffix(path, "/delete_tenant_config") {
			r.scope = "rules"
			r.remark = "Cortex means this path for its operators; every tenant had it, and has it still. scope = \"operator\" closes it."
		}
		made.routes = append(made.routes, r)
	}
	if len(made.routes) == 0 { // an upstream without paths would have all of Cortex's
		d.blank()
		d.remarks(made.remarks)
		return nil
	}
	whole, note := c.whole, "http_client_timeout"
	if whole == 0 {
		whole, note = c.timeout, "auth-gateway's default"
	}
	made.set("timeout", whole, note)
	switch {
	case c.refresh == 0:
		made.set("dns_refresh_interval", time.Second, "auth-gateway's default")
	case c.refresh < shortestRefresh:
		made.set("dns_refresh_interval", shortestRefresh, formatDuration(c.refresh)+" is shorter than may be here")
	default:
		made.set("dns_refresh_interval", c.refresh, "")
	}
	if c.dialer > 0 {
		made.set("connect_timeout", c.dialer, "http_client_dialer_timeout; without effect in auth-gateway")
	}
	only := "auth-gateway had no other limit than timeout"
	for _, limit := range []struct {
		key   string
		given time.Duration
	}{{"read_timeout", c.readTimeout}, {"write_timeout", c.writeTimeout}} {
		if limit.given > 0 {
			made.set(limit.key, limit.given, "")
		} else {
			made.set(limit.key, whole, only)
		}
	}
	if c.idleTimeout > 0 {
		made.set("idle_timeout", c.idleTimeout, "")
	}
	if c.handshake > 0 {
		made.remarks = append(made.remarks, fmt.Sprintf("http_client_tls_handshake_timeout, %s, had no effect in auth-gateway; connect_timeout holds for the handshake too",
			formatDuration(c.handshake)))
	}
	if c.header > 0 {
		made.remarks = append(made.remarks, fmt.Sprintf("http_client_response_header_timeout, %s, had no effect in auth-gateway: an answer may begin as late as\n"+
			"timeout allows. To have it from now on: read_timeout = %q", formatDuration(c.header), formatDuration(c.header)))
	}
	return made
}
