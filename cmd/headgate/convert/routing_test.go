package convert

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// proposed is a file with these routes, each target of which is a host by its name.
func proposed(routes string, targets ...string) []byte {
	text := "routes:\n" + routes + "targets:\n"
	for _, name := range targets {
		text += fmt.Sprintf("  %q: http://host\n", name)
	}
	return []byte(text)
}

// A path beside the subtree or the prefix of its own name is one route more, and no contradiction.
func TestAPathBesideItsOwnPrefixIsTwoRoutes(t *testing.T) {
	for name, c := range map[string]struct {
		convert func() ([]byte, error)
		want    []string
	}{
		"one component": {
			func() ([]byte, error) {
				return AuthGateway([]byte("ruler: {url: 'http://r', paths: [/prometheus/api/v1/rules, /prometheus/api/v1/rules/]}"))
			},
			[]string{"/prometheus/api/v1/rules/* ruler"},
		},
		"the prefix first": {
			func() ([]byte, error) {
				return AuthGateway([]byte("ruler: {url: 'http://r', paths: [/prometheus/api/v1/rules/, /prometheus/api/v1/rules]}"))
			},
			[]string{"/prometheus/api/v1/rules/* ruler"},
		},
		"two components": {
			func() ([]byte, error) {
				return Proposal(proposed("- {path: /prometheus/api/v1/alerts, target: ruler}\n"+
					"- {path: /prometheus/api/v1/alerts, prefix: true, target: query-frontend}\n", "ruler", "query-frontend"))
			},
			[]string{"/prometheus/api/v1/alerts ruler GET", "/prometheus/api/v1/alerts/* query-frontend"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := c.convert()
			if err != nil {
				t.Fatal(err)
			}
			if got := servedRoutes(accepted(t, text)); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q\n%s", got, c.want, text)
			}
		})
	}
}

// A path of the original that Cortex has as a prefix opens nothing of what is below it.
func TestAPathOpensNothingBelowIt(t *testing.T) {
	for _, target := range []string{"alertmanager", "cortex"} {
		text, err := Proposal(proposed("- {path: /alertmanager/, target: "+target+"}\n", target))
		if err != nil {
			t.Fatal(err)
		}
		if got := servedRoutes(accepted(t, text)); len(got) != 1 || strings.HasSuffix(strings.Fields(got[0])[0], "*") {
			t.Errorf("%s: %q\n%s", target, got, text)
		}
	}
}

// A star is no pattern to auth-gateway, and no request has one in its path.
func TestAPathWithAStarIsLeftOut(t *testing.T) {
	for paths, want := range map[string][]string{"[/custom/*, /custom/x]": {"/custom/x ruler"}, "[/custom/*]": nil} {
		text, err := AuthGateway([]byte("ruler: {url: 'http://r', paths: " + paths + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := servedRoutes(accepted(t, text)); !slices.Equal(got, want) || !strings.Contains(string(text), `# "/custom/*" is left out`) {
			t.Errorf("%s: %q\n%s", paths, got, text)
		}
	}
}

// An upstream whose name says nothing has what Cortex has below its prefixes, with the deadlines, scopes, retries and tenants
// of that, and pushes arrive.
func TestATargetOfAnyNameServesWhatCortexHas(t *testing.T) {
	for _, name := range []string{"cortex", "all", "cortex.monitoring"} {
		text, err := Proposal(proposed("- {path: /prometheus/api/v1/alerts, target: ruler}\n- {path: /prometheus/api/v1/label/x, target: ruler}\n"+
			"- {path: /alertmanager, prefix: true, target: alertmanager}\n- {path: /, prefix: true, target: "+name+"}\n", "ruler", "alertmanager", name))
		if err != nil {
			t.Fatal(err)
		}
		got := accepted(t, text)
		want := accepted(t, []byte("[upstreams.all]\nurl = \"http://host\"\n"))
		for _, row := range want.RouteTable() {
			upstream := name
			switch {
			case row.HasRewrite:
				continue // Cortex does not have it
			case row.Path == "/prometheus/api/v1/alerts":
				upstream = "ruler"
			case row.Path == "/alertmanager":
				upstream = "alertmanager"
			}
			i := slices.IndexFunc(got.RouteTable(), func(other config.ResolvedRoute) bool {
				return other.Path == row.Path && other.Prefix == row.Prefix && slices.Equal(other.Methods, row.Methods)
			})
			if i < 0 {
				t.Errorf("%s: no route %s %q", name, row.Path, row.Methods)
				continue
			}
			if r := got.RouteTable()[i]; r.Upstream != upstream || r.Scope != row.Scope || r.Federated != row.Federated || r.Timeout != row.Timeout || r.Retries != row.Retries {
				t.Errorf("%s: %+v, want it as %+v at %s", name, r, row, upstream)
			}
		}
		if last := got.RouteTable()[len(got.RouteTable())-1]; last.Path != "" || last.Scope.String() != "rules" {
			t.Errorf("%s: what Cortex does not have is %+v", name, last)
		}
	}
}

// A push below a prefix that goes to a distributor arrives there.
func TestAPushBelowThePrefixOfADistributorArrives(t *testing.T) {
	for _, convert := range []func() ([]byte, error){
		func() ([]byte, error) {
			return Proposal(proposed("- {path: /api, prefix: true, target: distributor}\n", "distributor"))
		},
		func() ([]byte, error) { return AuthGateway([]byte("distributor: {url: 'http://d', paths: [/api/]}")) },
	} {
		text, err := convert()
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"/api/* distributor", "/api/prom/push distributor POST", "/api/v1/otlp/v1/metrics distributor POST", "/api/v1/push distributor POST"}
		if got := servedRoutes(accepted(t, text)); !slices.Equal(got, want) {
			t.Errorf("%q, want %q\n%s", got, want, text)
		}
	}
}

// To the original a prefix is any beginning of a path, and the first one has the request.
func TestPrefixesThatEndWithinAName(t *testing.T) {
	for name, c := range map[string]struct {
		routes string
		want   []string
		says   string
	}{
		"a path beyond the slash": {
			"- {path: /custom/rules, prefix: true, target: ruler}\n- {path: /custom/rules-x, target: query-frontend}\n",
			[]string{"/custom/rules-x ruler", "/custom/rules/* ruler"},
			`line 3: "/custom/rules-x" goes to "ruler", as it did: the prefix "/custom/rules" in line 2`,
		},
		"a prefix beyond the slash, twice": {
			"- {path: /custom/rules, prefix: true, target: ruler}\n- {path: /custom/rules-x, prefix: true, target: query-frontend}\n" +
				"- {path: /custom/rules-x, prefix: true, target: query-frontend}\n",
			[]string{"/custom/rules-x/* ruler", "/custom/rules/* ruler"},
			`line 4: the route of "/custom/rules-x" to "query-frontend" is left out`,
		},
		"below a prefix": {
			"- {path: /custom, prefix: true, target: ruler}\n- {path: /custom/x, target: query-frontend}\n",
			[]string{"/custom/* ruler"}, "line 3: the route of",
		},
		"with a slash first": {
			"- {path: /custom/, prefix: true, target: ruler}\n- {path: /custom, prefix: true, target: query-frontend}\n",
			[]string{"/custom query-frontend", "/custom/* ruler"},
			`line 3: of the prefix "/custom" only that very path is left to "query-frontend"`,
		},
		"with a slash last": {
			"- {path: /custom, prefix: true, target: ruler}\n- {path: /custom/, prefix: true, target: query-frontend}\n",
			[]string{"/custom/* ruler"}, "line 3: the route of",
		},
		"a star in a path": {
			"- {path: /custom/*, target: ruler}\n- {path: /custom, prefix: true, target: query-frontend}\n",
			[]string{"/custom/* query-frontend"}, `line 2: the route of "/custom/*" to "ruler" is left out: without prefix a star is no pattern there`,
		},
		"a beginning of Cortex's": {
			"- {path: /prometheus/api/v1/q, prefix: true, target: query-frontend}\n",
			[]string{
				"/prometheus/api/v1/q/* query-frontend", "/prometheus/api/v1/query query-frontend GET POST",
				"/prometheus/api/v1/query_exemplars query-frontend GET POST", "/prometheus/api/v1/query_range query-frontend GET POST",
			}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Proposal(proposed(c.routes, "ruler", "query-frontend"))
			if err != nil {
				t.Fatal(err)
			}
			if got := servedRoutes(accepted(t, text)); !slices.Equal(got, c.want) || !strings.Contains(string(text), c.says) {
				t.Errorf("%q, want %q and %q\n%s", got, c.want, c.says, text)
			}
		})
	}
}

// Whatever the routes are and in what order, a request goes where the first one that fits sent it. Only what a prefix without a
// slash behind it had beside the slash may be closed, or that of a shorter one; and a prefix with one has the path before it, if
// nobody had.
func TestARequestGoesWhereTheFirstRouteSentIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	paths := []string{"/", "/x", "/x/", "/x/y", "/x/y/", "/x/y/z", "/x-y", "/x-y/z", "/y"}
	targets := []string{"ruler", "distributor", "other"}
	for range 150 {
		p := new(proposal)
		var written strings.Builder
		for range 1 + random.IntN(5) {
			r := proposedRoute{path: paths[random.IntN(len(paths))], prefix: random.IntN(2) == 0, target: targets[random.IntN(len(targets))]}
			p.routes = append(p.routes, r)
			fmt.Fprintf(&written, "- {path: %s, prefix: %v, target: %s}\n", r.path, r.prefix, r.target)
		}
		text, err := Proposal(proposed(written.String(), targets...))
		if err != nil {
			t.Fatalf("%v\n%s", err, &written)
		}
		table := accepted(t, text).RouteTable()
		for _, path := range paths {
			i := p.first(path)
			want := ""
			if i >= 0 {
				want = p.routes[i].target
			}
			got := ""
			if i := slices.IndexFunc(table, func(row config.ResolvedRoute) bool {
				return route{path: row.Path, prefix: row.Prefix}.covers(path)
			}); i >= 0 {
				got = table[i].Upstream
			}
			beside := i >= 0 && !p.routes[i].route().covers(path)
			before := i < 0 && p.first(path+"/") >= 0
			if got != want && !beside && !before {
				t.Errorf("%s goes to %q, went to %q by\n%s%s", path, got, want, &written, text)
			}
		}
	}
}
