package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/headgate/headgate/authcache"
)

// The whole default table, to be read beside Cortex's pkg/api/api.go.
func TestDefaultRouteTable(t *testing.T) {
	c := mustParse(t, everyComponent)
	golden(t, "route_table.txt", tableText(c.RouteTable()))
}

// Every prefix is the operator's, and the base stands before everything, in what
// is matched and in what is sent.
func TestRouteTableWithOtherPrefixes(t *testing.T) {
	c := mustParse(t, `
[cortex]
http_path_prefix = "/base"
http_prefix = ""
prometheus_http_prefix = "/prom"
alertmanager_http_prefix = "/am"
`+everyComponent)
	golden(t, "route_table_prefixes.txt", tableText(c.RouteTable()))
}

// In one process, each route keeps the deadlines of its component.
func TestAllIsEachComponentWithoutATableOfItsOwn(t *testing.T) {
	apart, together := mustParse(t, everyComponent), mustParse(t, `[upstreams.all]
url = "http://cortex.example"`)
	want, got := apart.RouteTable(), together.RouteTable()
	if len(got) != len(want) {
		t.Fatalf("%d routes, want %d", len(got), len(want))
	}
	for i := range want {
		row := want[i]
		row.Upstream = All
		if text := fmt.Sprintf("%+v", row); fmt.Sprintf("%+v", got[i]) != text {
			t.Errorf("got  %+v\nwant %s", got[i], text)
		}
	}
}

func TestAComponentWithoutAnUpstreamHasNoRoutes(t *testing.T) {
	c := mustParse(t, `[upstreams.query-frontend]
url = "http://frontend.example"`)
	for _, row := range c.RouteTable() {
		if row.Upstream == "" {
			if row.Scope != authcache.Write || row.Component != Distributor {
				t.Errorf("%s %s is without an upstream, and no push", row.Methods, row.Path)
			}
			continue
		}
		if row.Component != QueryFrontend {
			t.Errorf("%s %s is of %s, which has no upstream", row.Methods, row.Path, row.Component)
		}
	}
	for _, path := range []string{"/api/v1/user_stats", "/api/v1/rules", "/api/v1/alerts", "/alertmanager/", "/prometheus/api/v1/rules"} {
		if row := match(c, "GET", path); row != nil {
			t.Errorf("GET %s has a route: %+v", path, row)
		}
	}
}

// Prometheus drops what gets a 404.
func TestPushPathsAreAlwaysWriteRoutes(t *testing.T) {
	pushes := []string{"/api/v1/push", "/api/prom/push", "/api/v1/otlp/v1/metrics", "/prometheus/api/v1/push", "/api/v1/write"}
	for name, text := range map[string]string{
		"nothing configured":     ``,
		"no distributor":         `upstreams.ruler.url = "http://ruler.example"`,
		"other paths":            `upstreams.distributor = { url = "http://distributor.example", paths = ["/api/v1/push"] }`,
		"a route for all of it":  "upstreams.x.url = \"http://x.example\"\n[[routes]]\npath = \"/*\"\nupstream = \"x\"\nscope = \"operator\"",
		"another method of them": "upstreams.x.url = \"http://x.example\"\n[[routes]]\npath = \"/api/v1/push\"\nmethods = [\"GET\"]\nupstream = \"x\"\nscope = \"operator\"",
	} {
		t.Run(name, func(t *testing.T) {
			c := mustParse(t, text)
			for _, path := range pushes {
				row := match(c, "POST", path)
				if row == nil || row.Scope != authcache.Write || row.Component != Distributor {
					t.Fatalf("POST %s: %+v, want a write route", path, row)
				}
				if served := name == "other paths" && path == "/api/v1/push"; (row.Upstream != "") != served {
					t.Errorf("POST %s goes to upstream %q", path, row.Upstream)
				}
			}
		})
	}
}

// A sender that was not told of Cortex's prefix must not lose its data either. What it sends goes nowhere, because Cortex
// has nothing there.
func TestPushPathsWithoutThePrefixAreWriteRoutesToo(t *testing.T) {
	c := mustParse(t, everyComponent+"\n[cortex]\nhttp_path_prefix = \"/cortex\"\nhttp_prefix = \"/old\"\nprometheus_http_prefix = \"\"")
	for path, upstream := range map[string]string{
		"/cortex/api/v1/push": Distributor, "/cortex/api/v1/otlp/v1/metrics": Distributor,
		"/cortex/old/push": Distributor, "/cortex/api/v1/write": Distributor,
		"/api/v1/push": "", "/old/push": "", "/api/v1/otlp/v1/metrics": "", "/api/prom/push": "", "/prometheus/api/v1/push": "", "/api/v1/write": "",
	} {
		row := match(c, "POST", path)
		if row == nil || row.Scope != authcache.Write || row.Component != Distributor || row.Upstream != upstream {
			t.Errorf("POST %s: %+v, want a write route to %q", path, row, upstream)
		}
	}
	if row := match(c, "GET", "/prometheus/api/v1/query"); row != nil {
		t.Errorf("a query without the prefix has a route: %+v", row)
	}
}

// With prefixes that make two of Cortex's paths one, the stricter route stays.
func TestPrefixesThatCollideOpenNothing(t *testing.T) {
	for _, prefixes := range []string{`http_prefix = ""`, `prometheus_http_prefix = ""`, "http_prefix = \"\"\nprometheus_http_prefix = \"\""} {
		c := mustParse(t, "[cortex]\n"+prefixes+"\n"+everyComponent)
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if row := match(c, method, "/api/v1/alerts"); row == nil || row.Scope != authcache.Rules || row.Component != Alertmanager {
				t.Errorf("%s: %s /api/v1/alerts: %+v, want scope rules", prefixes, method, row)
			}
		}
		if row := match(c, "POST", "/api/v1/push"); row == nil || row.HasRewrite {
			t.Errorf("%s: POST /api/v1/push: %+v, want the direct route", prefixes, row)
		}
	}
}

// A table is in the order of matching, and no two rows are for the same thing.
func TestRouteTableIsInMatchingOrder(t *testing.T) {
	rows := mustParse(t, everyComponent).RouteTable()
	seen := make(map[slot]bool)
	for i, row := range rows {
		if i > 0 {
			before := rows[i-1]
			if before.Prefix && !row.Prefix || before.Prefix && row.Prefix && len(before.Path) < len(row.Path) {
				t.Errorf("%s stands after %s", writePath(row.Path, row.Prefix), writePath(before.Path, before.Prefix))
			}
		}
		methods := row.Methods
		if len(methods) == 0 {
			methods = others
		}
		for _, method := range methods {
			s := slot{row.Path, row.Prefix, method}
			if seen[s] {
				t.Errorf("%v is there twice", s)
			}
			seen[s] = true
		}
	}
}

const everyComponent = `
[upstreams]
distributor.url = "http://distributor.example"
query-frontend.url = "http://query-frontend.example"
querier.url = "http://querier.example"
ruler.url = "http://ruler.example"
alertmanager.url = "http://alertmanager.example"
`

// match is the first row of the table that takes a request.
func match(c *Config, method, path string) *ResolvedRoute {
	for i := range c.table {
		row := &c.table[i]
		if path != row.Path && !(row.Prefix && strings.HasPrefix(path, row.Path+"/")) {
			continue
		}
		if len(row.Methods) == 0 || slices.Contains(row.Methods, method) {
			return row
		}
	}
	return nil
}

// tableText writes a table by component, with what differs between rows.
func tableText(rows []ResolvedRoute) string {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b ResolvedRoute) int {
		return cmp.Or(
			cmp.Compare(slices.Index(components, a.Component), slices.Index(components, b.Component)),
			cmp.Compare(a.Rewrite, b.Rewrite),
			cmp.Compare(a.Path, b.Path),
			-cmp.Compare(len(a.Methods), len(b.Methods)),
		)
	})
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "component\tmethods\tpath\tscope\ttenants\trewrite\ttimeout / read\tretries\tbody\tnotes")
	for _, row := range rows {
		methods := cmp.Or(strings.Join(row.Methods, ","), "others")
		tenants, notes := "one", []string{}
		if row.Federated {
			tenants = "several"
		}
		if row.RuleNames {
			notes = append(notes, "rule names")
		}
		rewrite := cmp.Or(row.Rewrite, "-")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s / %s\t%d\t%s\t%s\n", row.Component, methods,
			writePath(row.Path, row.Prefix), row.Scope, tenants, rewrite, formatDuration(row.Timeout),
			formatDuration(row.ReadTimeout), row.Retries, formatSize(row.MaxBodySize), cmp.Or(strings.Join(notes, ", "), "-"))
	}
	w.Flush()
	return b.String()
}

// mustParse loads a text that has no errors.
func mustParse(t testing.TB, text string) *Config {
	t.Helper()
	c, problems := Parse("config.toml", []byte(text), Options{NoFiles: true, Env: noEnv})
	if problems.Errors() > 0 {
		t.Fatalf("%s\nin:\n%s", problemText(problems, ""), text)
	}
	return c
}
