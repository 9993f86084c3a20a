package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

// What a route of [[routes]] amounts to: each row as methods, scope, component and
// upstream, with what else it says.
func TestExplicitRoutes(t *testing.T) {
	const upstreams = `
[upstreams.all]
url = "http://cortex.example"
[upstreams.ruler]
url = "http://ruler.example"
timeout = "40s"
retries = 5
[upstreams.own]
url = "http://own.example"
`
	tests := []struct {
		name, route string
		want        []string
	}{
		{
			"a path that Cortex does not have", `path = "/x"`,
			[]string{"/x any operator own"},
		},
		{
			"a closed one", "path = \"/ruler/ring\"\nupstream = \"ruler\"",
			[]string{"/ruler/ring any operator ruler"},
		},
		{
			"a component of all", "path = \"/purger/*\"\nupstream = \"purger\"",
			[]string{"/purger/* any operator purger@all"},
		},
		{
			"methods and scope of Cortex's API", `path = "/api/v1/push"`,
			[]string{"/api/v1/push POST write distributor@own"},
		},
		{
			"several tenants", "path = \"/prometheus/api/v1/query\"\nupstream = \"querier\"",
			[]string{"/prometheus/api/v1/query GET,POST read querier@all federated"},
		},
		{
			"one tenant", `path = "/api/v1/user_stats"`,
			[]string{"/api/v1/user_stats GET read querier@own"},
		},
		{
			"scopes that differ by method", "path = \"/api/v1/rules\"\nprefix = true\nupstream = \"ruler\"",
			[]string{"/api/v1/rules/* GET read ruler names", "/api/v1/rules/* POST,DELETE rules ruler names"},
		},
		{
			"below a prefix of Cortex's", "path = \"/alertmanager/api/v2/*\"\nupstream = \"alertmanager\"",
			[]string{"/alertmanager/api/v2/* GET,HEAD read alertmanager@all", "/alertmanager/api/v2/* any alerts alertmanager@all"},
		},
		{
			"methods of its own", "path = \"/api/v1/rules/*\"\nmethods = [\"DELETE\", \"GET\", \"HEAD\", \"PUT\"]\nupstream = \"ruler\"",
			[]string{"/api/v1/rules/* DELETE rules ruler names", "/api/v1/rules/* GET,HEAD read ruler names", "/api/v1/rules/* PUT operator ruler names"},
		},
		{
			"a scope of its own", "path = \"/api/v1/rules/*\"\nscope = \"operator\"\nupstream = \"ruler\"",
			[]string{"/api/v1/rules/* GET,POST,DELETE operator ruler names"},
		},
		{
			"a scope for every method", "path = \"/alertmanager/*\"\nscope = \"operator\"\nupstream = \"alertmanager\"",
			[]string{"/alertmanager/* any operator alertmanager@all"},
		},
		{
			"a path that is rewritten to a push", "path = \"/v1/metrics\"\nrewrite = \"/api/v1/otlp/v1/metrics\"\nupstream = \"distributor\"",
			[]string{"/v1/metrics POST write distributor@all -> /api/v1/otlp/v1/metrics"},
		},
		{
			"a prefix that is rewritten to rules", "path = \"/rules/*\"\nrewrite = \"/api/v1/rules/*\"\nupstream = \"ruler\"",
			[]string{"/rules/* GET read ruler names -> /api/v1/rules", "/rules/* POST,DELETE rules ruler names -> /api/v1/rules"},
		},
		{
			"a prefix that is taken away", "path = \"/own/*\"\nrewrite = \"/\"\nscope = \"read\"\nmethods = [\"GET\"]",
			[]string{"/own/* GET read own -> "},
		},
		{
			"everything", `path = "/*"`,
			[]string{"/* any operator own"},
		},
		{
			"everything, said twice", "path = \"/\"\nprefix = true",
			[]string{"/* any operator own"},
		},
		{
			"the root", `path = "/"`,
			[]string{"/ any operator own"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			route := test.route
			if !strings.Contains(route, "upstream") {
				route += "\nupstream = \"own\""
			}
			c := mustParse(t, upstreams+"[[routes]]\n"+route)
			var got []string
			for _, row := range c.RouteTable() {
				if row.Explicit {
					got = append(got, rowText(row))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

func rowText(row ResolvedRoute) string {
	text := writePath(row.Path, row.Prefix) + " " + strings.Join(row.Methods, ",")
	if len(row.Methods) == 0 {
		text += "any"
	}
	text += " " + row.Scope.String() + " " + row.Component
	if row.Upstream != row.Component {
		text += "@" + row.Upstream
	}
	if row.Federated {
		text += " federated"
	}
	if row.RuleNames {
		text += " names"
	}
	if row.HasRewrite {
		text += " -> " + row.Rewrite
	}
	return text
}

// An explicit route takes the place of the default one for its methods only.
func TestAnExplicitRouteOverridesTheDefaultOne(t *testing.T) {
	c := mustParse(t, everyComponent+`
own.url = "http://own.example"
[[routes]]
path = "/prometheus/api/v1/query"
methods = ["GET"]
upstream = "own"
[[routes]]
path = "/prometheus/api/v1/labels"
upstream = "own"
scope = "operator"
methods = []
[[routes]]
path = "/alertmanager/*"
methods = ["POST"]
upstream = "own"
[[routes]]
path = "/api/prom/alertmanager/*"
upstream = "own"
scope = "operator"
[[routes]]
path = "/graph"
upstream = "own"
`)
	for _, test := range []struct{ method, path, upstream string }{
		{"GET", "/prometheus/api/v1/query", "own"},
		{"POST", "/prometheus/api/v1/query", QueryFrontend},
		{"GET", "/prometheus/api/v1/labels", "own"},
		{"POST", "/prometheus/api/v1/labels", "own"},
		{"POST", "/alertmanager/api/v2/alerts", "own"},
		{"PUT", "/alertmanager/api/v2/alerts", Alertmanager},
		{"GET", "/alertmanager/api/v2/alerts", Alertmanager},
		{"GET", "/api/prom/alertmanager/", "own"},
		{"POST", "/api/prom/alertmanager/", "own"},
		{"PATCH", "/graph", "own"},
	} {
		if row := match(c, test.method, test.path); row == nil || row.Upstream != test.upstream {
			t.Errorf("%s %s goes to %+v, want %s", test.method, test.path, row, test.upstream)
		}
	}
}

// Deadlines, retries and sizes come from the route, else from the upstream, else
// from the component and the scope.
func TestLimitsOfARoute(t *testing.T) {
	c := mustParse(t, `
server.read_timeout = "11s"
[upstreams.all]
url = "http://cortex.example"
[upstreams.distributor]
url = "http://distributor.example"
timeout = "20s"
connect_timeout = "3s"
write_timeout = "4s"
idle_timeout = "50s"
retry_body_size = "2MiB"
[upstreams.ruler]
url = "http://ruler.example"
read_timeout = "7s"
retries = 0
[[routes]]
path = "/api/v1/write"
rewrite = "/api/v1/push"
upstream = "distributor"
timeout = "1s"
read_timeout = "2s"
write_timeout = "3s"
connect_timeout = "4s"
body_timeout = "5s"
idle_timeout = "6s"
retries = 7
max_body_size = "8KiB"
[[routes]]
path = "/distributor/ring"
upstream = "distributor"
timeout = ""
`)
	const s = time.Second
	for _, test := range []struct {
		method, path string
		want         ResolvedRoute
	}{
		{"POST", "/api/v1/push", ResolvedRoute{Timeout: 20 * s, ReadTimeout: 8 * s, WriteTimeout: 4 * s, ConnectTimeout: 3 * s, BodyTimeout: 11 * s,
			IdleTimeout: 50 * s, Retries: 2, RetryBodySize: 2 * MiB, MaxBodySize: 100 * MiB}},
		{"POST", "/api/v1/write", ResolvedRoute{Timeout: 1 * s, ReadTimeout: 2 * s, WriteTimeout: 3 * s, ConnectTimeout: 4 * s, BodyTimeout: 5 * s,
			IdleTimeout: 6 * s, OwnPool: true, Retries: 7, RetryBodySize: 2 * MiB, MaxBodySize: 8 * KiB}},
		{"GET", "/distributor/ring", ResolvedRoute{Timeout: 20 * s, ReadTimeout: 8 * s, WriteTimeout: 4 * s, ConnectTimeout: 3 * s, BodyTimeout: 11 * s,
			IdleTimeout: 50 * s, Retries: 1, RetryBodySize: 2 * MiB, MaxBodySize: 10 * MiB}},
		{"GET", "/prometheus/api/v1/query", ResolvedRoute{Timeout: 125 * s, ReadTimeout: 120 * s, WriteTimeout: 8 * s, ConnectTimeout: 2 * s, BodyTimeout: 11 * s,
			IdleTimeout: 90 * s, Retries: 1, RetryBodySize: 1 * MiB, MaxBodySize: 10 * MiB}},
		{"GET", "/api/v1/rules", ResolvedRoute{Timeout: 65 * s, ReadTimeout: 7 * s, WriteTimeout: 8 * s, ConnectTimeout: 2 * s, BodyTimeout: 11 * s,
			IdleTimeout: 90 * s, Retries: 0, RetryBodySize: 1 * MiB, MaxBodySize: 10 * MiB}},
		{"GET", "/alertmanager/", ResolvedRoute{Timeout: 35 * s, ReadTimeout: 30 * s, WriteTimeout: 8 * s, ConnectTimeout: 2 * s, BodyTimeout: 11 * s,
			IdleTimeout: 90 * s, Retries: 1, RetryBodySize: 1 * MiB, MaxBodySize: 10 * MiB}},
	} {
		row := match(c, test.method, test.path)
		if row == nil {
			t.Errorf("%s %s has no route", test.method, test.path)
			continue
		}
		got := ResolvedRoute{Timeout: row.Timeout, ReadTimeout: row.ReadTimeout, WriteTimeout: row.WriteTimeout, ConnectTimeout: row.ConnectTimeout,
			BodyTimeout: row.BodyTimeout, IdleTimeout: row.IdleTimeout, OwnPool: row.OwnPool, Retries: row.Retries,
			RetryBodySize: row.RetryBodySize, MaxBodySize: row.MaxBodySize}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s %s:\n got %+v\nwant %+v", test.method, test.path, got, test.want)
		}
	}
}

// paths stand in for the default ones: known paths keep methods, scope and
// rewrite, all else is for operators.
func TestPathsReplaceTheDefaultOnes(t *testing.T) {
	c := mustParse(t, `
[upstreams.all]
url = "http://cortex.example"
[upstreams.querier]
url = "http://querier.example"
paths = ["/prometheus/api/v1/query", "/prometheus/api/v1/label/*", "/graph"]
[upstreams.ruler]
url = "http://ruler.example"
paths = ["/prometheus/rules/mine/*"]
`)
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/prometheus/api/v1/query", "/prometheus/api/v1/query GET,POST read querier federated"},
		{"GET", "/prometheus/api/v1/label/job/values", "/prometheus/api/v1/label/* GET read querier federated"},
		{"PUT", "/graph", "/graph any operator querier"},
		{"GET", "/api/v1/user_stats", ""},
		{"GET", "/prometheus/api/v1/labels", "/prometheus/api/v1/labels GET,POST read query-frontend@all federated"},
		{"POST", "/prometheus/rules/mine/a", "/prometheus/rules/mine/* POST,DELETE rules ruler names -> /api/v1/rules/mine"},
		{"GET", "/api/v1/rules", ""},
		{"POST", "/api/v1/push", "/api/v1/push POST write distributor@all"},
	} {
		got := ""
		if row := match(c, test.method, test.path); row != nil {
			got = rowText(*row)
		}
		if got != test.want {
			t.Errorf("%s %s:\n got %q\nwant %q", test.method, test.path, got, test.want)
		}
	}
}

// Methods that are named never share a row with the one for any other.
func TestSplitKeepsAnyOtherApart(t *testing.T) {
	known := []*cortexRoute{
		{methods: get, scope: authcache.Read},
		{methods: others, scope: authcache.Read},
		{methods: post, scope: authcache.Read},
	}
	got := fmt.Sprintf("%+v", parsedRoute{}.split(known))
	if want := fmt.Sprintf("%+v", []part{{[]string{"GET", "POST"}, authcache.Read}, {others, authcache.Read}}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
