package convert

import "github.com/headgate/headgate/cmd/headgate/config"

// components are the routes of the original (gateway/gateway.go) for the upstreams that it was given, in the order in
// which it matched them: exact paths, then the frontend's prefix.
//
// The archived repository has the distributor and the query-frontend, and on a branch the ruler beside them. With an
// Alertmanager it is the fork of deliveryhero, whose routes of the ruler are prefixes; its last version has those of Mimir
// beside the ones of its first.
func (g *cortexGateway) components() []*component {
	distributor := &component{name: config.Distributor, url: g.distributor}
	distributor.routes = g.exact("/api/prom/push")
	frontend := &component{name: config.QueryFrontend, url: g.queryFrontend, routes: g.below("/api")}
	all := []*component{distributor, frontend}

	switch {
	case g.alertmanager != "":
		distributor.routes = append(distributor.routes, g.exact("/api/v1/push")...)
		frontend.routes = append(frontend.routes, g.below("/prometheus/api", "/api/v1/user_stats")...)
		if g.ruler != "" {
			all = append(all, &component{name: config.Ruler, url: g.ruler, routes: g.below(
				"/prometheus/api/v1/alerts", "/prometheus/api/v1/rules", "/prometheus/config/v1/rules",
				"/api/prom/api/v1/alerts", "/api/prom/api/v1/rules", "/api/v1/rules", "/api/prom/rules")})
		}
		alertmanager := &component{name: config.Alertmanager, url: g.alertmanager,
			routes: g.below("/api/v1/alerts", "/alertmanager", "/api/prom/alertmanager")}
		alertmanager.routes = append(alertmanager.routes, route{path: g.pathPrefix + "/multitenant_alertmanager/status", prefix: true, scope: "alerts",
			remark: "Cortex means this path for its operators; every tenant had it, and has it still. scope = \"operator\" closes it."})
		all = append(all, alertmanager)
	case g.ruler != "":
		all = append(all, &component{name: config.Ruler, url: g.ruler,
			routes: g.exact("/api/prom/api/v1/alerts", "/api/prom/api/v1/rules", "/api/v1/alerts", "/api/v1/rules")})
	}
	distributor.routes = append(distributor.routes, route{path: g.pathPrefix + "/all_user_stats", scope: "operator",
		remark: "The rates of every tenant: the original answered this without any credentials. Here it takes scope operator."})
	for _, c := range all {
		c.key = "cortex-gateway"
	}
	return all
}

func (g *cortexGateway) exact(paths ...string) []route { return g.routes(paths, route{}) }

func (g *cortexGateway) below(paths ...string) []route { return g.routes(paths, route{prefix: true}) }

func (g *cortexGateway) routes(paths []string, as route) []route {
	routes := make([]route, len(paths))
	for i, path := range paths {
		routes[i] = as
		routes[i].path = g.pathPrefix + path
	}
	return routes
}
