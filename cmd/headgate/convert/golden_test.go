package convert

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

var update = flag.Bool("update", false, "rewrite the expected configurations")

// conversion is one file or command line of another gateway.
type conversion struct {
	name     string // of the expected configuration in testdata
	from     func(t *testing.T) ([]byte, error)
	original []string // its whole route table, as servedRoutes writes it

	// Its deadlines, as deadlines writes them. nil: it has none, and headgate's own are in force.
	deadlines map[string]string
}

// fromFile converts a file in testdata.
func fromFile(name string, do func([]byte) ([]byte, error)) func(*testing.T) ([]byte, error) {
	return func(t *testing.T) ([]byte, error) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return do(text)
	}
}

func fromFlags(flags ...string) func(*testing.T) ([]byte, error) {
	return func(*testing.T) ([]byte, error) { return CortexGateway(flags, nil) }
}

// What auth-gateway has without paths (gateway/gateway.go). A trailing slash is a subtree there.
var (
	authGatewayDistributor = []string{"/api/v1/push distributor POST", "/api/prom/push distributor POST"}
	authGatewayFrontend    = []string{
		"/prometheus/api/v1/query query-frontend GET POST", "/api/prom/api/v1/query query-frontend GET POST",
		"/prometheus/api/v1/query_range query-frontend GET POST", "/api/prom/api/v1/query_range query-frontend GET POST",
		"/prometheus/api/v1/query_exemplars query-frontend GET POST", "/api/prom/api/v1/query_exemplars query-frontend GET POST",
		"/prometheus/api/v1/series query-frontend GET POST", "/api/prom/api/v1/series query-frontend GET POST",
		"/prometheus/api/v1/labels query-frontend GET POST", "/api/prom/api/v1/labels query-frontend GET POST",
		"/prometheus/api/v1/label/* query-frontend GET", "/api/prom/api/v1/label/* query-frontend GET",
		"/prometheus/api/v1/metadata query-frontend GET", "/api/prom/api/v1/metadata query-frontend GET",
		"/prometheus/api/v1/read query-frontend POST", "/api/prom/api/v1/read query-frontend POST",
		"/prometheus/api/v1/status/buildinfo query-frontend GET", "/api/prom/api/v1/status/buildinfo query-frontend GET",
	}
	authGatewayAlertmanager = []string{
		"/alertmanager/* alertmanager", "/api/v1/alerts alertmanager DELETE GET POST", "/multitenant_alertmanager/delete_tenant_config alertmanager",
	}
	authGatewayRuler = []string{
		"/prometheus/api/v1/rules ruler GET", "/api/prom/api/v1/rules ruler GET",
		"/prometheus/api/v1/alerts ruler GET", "/api/prom/api/v1/alerts ruler GET",
		"/api/v1/rules ruler DELETE GET POST", "/api/v1/rules/* ruler DELETE GET POST", "/api/prom/rules/* ruler DELETE GET POST", "/ruler/delete_tenant_config ruler",
	}
)

var upstreamFlags = []string{"-gateway.distributor.address=http://distributor.cortex", "-gateway.query-frontend.address", "http://query-frontend.cortex"}

// longSecret is as long as RFC 7518 asks.
const longSecret = "a secret of forty bytes, for HS256 tokens"

var conversions = []conversion{
	{
		name:     "auth_gateway",
		from:     fromFile("auth_gateway.yaml", AuthGateway),
		original: slices.Concat(authGatewayDistributor, authGatewayFrontend, authGatewayAlertmanager, authGatewayRuler),
		// http_client_timeout alone has an effect.
		deadlines: map[string]string{
			"distributor": "15s read 15s write 15s", "query-frontend": "1m0s read 1m0s write 1m0s",
			"alertmanager": "15s read 15s write 15s", "ruler": "15s read 15s write 15s",
		},
	},
	{
		name: "auth_gateway_paths",
		from: fromFile("auth_gateway_paths.yaml", AuthGateway),
		original: []string{
			"/api/v1 distributor", "/api/v1/push distributor POST",
			"/api/prom/api/v1/query query-frontend as /cortex/api/prom/api/v1/query GET POST",
			"/prometheus/api/v1/query_range query-frontend as /cortex/prometheus/api/v1/query_range GET POST",
			"/alertmanager/* alertmanager", "/multitenant_alertmanager/delete_tenant_config alertmanager",
		},
		deadlines: map[string]string{
			"distributor": "15s read 15s write 15s", "query-frontend": "1m0s read 1m0s write 1m0s", "alertmanager": "15s read 15s write 15s",
		},
	},
	{
		name:     "auth_gateway_older",
		from:     fromFile("auth_gateway_older.yaml", AuthGateway),
		original: slices.Concat(authGatewayDistributor, []string{"/api/prom/api/v1/labels query-frontend GET POST", "/prometheus/api/v1/label/* query-frontend GET"}),
		deadlines: map[string]string{
			"distributor": "15s read 15s write 15s", "query-frontend": "1m0s read 1m0s write 1m0s",
		},
	},
	{
		name:     "proposal_first",
		from:     fromFile("proposal_first.yaml", AuthGateway),
		original: slices.Concat(authGatewayDistributor, authGatewayFrontend),
		deadlines: map[string]string{
			"distributor": "20s read 5s write 5s", "query-frontend": "1m0s read 5s write 5s",
		},
	},
	{
		name: "proposal_later",
		from: fromFile("proposal_later.yaml", Proposal),
		original: []string{
			"/api/v1/push distributor POST", "/prometheus/* query-frontend", "/api/v1/alerts ruler DELETE GET POST", "/api/v1/rules/* ruler DELETE GET POST", "/alertmanager/* alertmanager",
		},
	},
	{
		name: "cortex_gateway",
		from: fromFlags(append(upstreamFlags, "-gateway.auth.jwt-secret=short", "-server.http-listen-port=8080", "-log.level=debug",
			"-server.grpc-listen-port=8995", "JAEGER_AGENT_HOST=jaeger.example")...),
		original: []string{"/all_user_stats distributor", "/api/prom/push distributor POST", "/api/* query-frontend"},
	},
	{
		name: "cortex_gateway_ruler",
		from: fromFlags(append(upstreamFlags, "-gateway.ruler.address=http://ruler.cortex", "-gateway.auth.jwt-secret="+longSecret,
			"-server.path-prefix=/cortex", "-server.http-listen-port=8081", "-server.http-idle-timeout=10m")...),
		original: []string{
			"/cortex/all_user_stats distributor", "/cortex/api/prom/push distributor POST",
			"/cortex/api/prom/api/v1/alerts ruler GET", "/cortex/api/prom/api/v1/rules ruler GET",
			"/cortex/api/v1/alerts ruler DELETE GET POST", "/cortex/api/v1/rules ruler DELETE GET POST",
			"/cortex/api/* query-frontend",
		},
	},
	{
		name: "cortex_gateway_fork",
		from: fromFlags("-gateway.distributor.address", "http://localhost:9009", "-gateway.query-frontend.address", "http://localhost:9009",
			"-gateway.ruler.address", "http://localhost:9009", "-gateway.alertmanager.address", "http://localhost:9009",
			"-server.http-listen-port", "8900", "-server.grpc-listen-port", "8995", "-log.level", "debug",
			"-gateway.auth.jwt-secret", longSecret, "-gateway.auth.jwt-extra-headers", "X-Id-Token",
			"-gateway.auth.tenant-id-claim", "https://example.com/tenant_id",
			"-gateway.auth.jwks-url", "https://tenant.region.auth0.com/.well-known/jwks.json"),
		original: []string{
			"/all_user_stats distributor", "/api/prom/push distributor POST", "/api/v1/push distributor POST",
			"/prometheus/api/v1/alerts/* ruler", "/prometheus/api/v1/rules/* ruler", "/prometheus/config/v1/rules/* ruler DELETE GET POST",
			"/api/prom/api/v1/alerts/* ruler", "/api/prom/api/v1/rules/* ruler", "/api/v1/rules/* ruler DELETE GET POST", "/api/prom/rules/* ruler DELETE GET POST",
			"/prometheus/api/* query-frontend", "/api/v1/user_stats/* query-frontend", "/api/* query-frontend",
			"/api/v1/alerts/* alertmanager", "/alertmanager/* alertmanager", "/multitenant_alertmanager/status/* alertmanager",
			"/api/prom/alertmanager/* alertmanager",
		},
	},
}

// Every configuration is what it is expected to be, and headgate accepts it.
func TestConversionsAreAsExpected(t *testing.T) {
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.from(t)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.name+".toml")
			if *update {
				if err := os.WriteFile(path, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != string(want) {
				t.Errorf("%s differs (run with -update and read the diff):\n%s", path, text)
			}
		})
	}
}

// The whole route table is the original's: nothing more, nothing less, and every tenant may use it. Only push paths that
// nobody served are more: those answer 503.
func TestTheRouteTableIsTheOriginals(t *testing.T) {
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.from(t)
			if err != nil {
				t.Fatal(err)
			}
			got := servedRoutes(accepted(t, text))
			want := slices.Sorted(slices.Values(c.original))
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// A request may take as long as it might, and no longer: neither a push that takes its time is refused earlier, nor a query.
func TestTheDeadlinesAreTheOriginals(t *testing.T) {
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.from(t)
			if err != nil {
				t.Fatal(err)
			}
			got := deadlines(accepted(t, text))
			want := c.deadlines
			if want == nil {
				want = map[string]string{}
				for upstream := range got {
					want[upstream] = deadlines(accepted(t, []byte("[upstreams."+upstream+"]\nurl = \"http://cortex.example\"\n")))[upstream]
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
}

// deadlines are those of the routes of each upstream.
func deadlines(c *config.Config) map[string]string {
	all := map[string]string{}
	for _, row := range c.RouteTable() {
		if row.Upstream == "" {
			continue
		}
		line := fmt.Sprintf("%s read %s write %s", row.Timeout, row.ReadTimeout, row.WriteTimeout)
		if before, there := all[row.Upstream]; there && before != line {
			line = before + ", " + line
		}
		all[row.Upstream] = line
	}
	return all
}

// Whatever the path, a request goes to where the original sent it, with every method that Cortex has there.
func TestTenantsNeedNoOtherScopesThanTheUsualOnes(t *testing.T) {
	for _, c := range conversions {
		text, err := c.from(t)
		if err != nil {
			t.Fatal(err)
		}
		usual := authcache.Write | authcache.Read | authcache.Rules | authcache.Alerts
		for _, row := range accepted(t, text).RouteTable() {
			if row.Scope&usual == 0 && !strings.HasSuffix(row.Path, "/all_user_stats") {
				t.Errorf("%s: %s wants scope %s", c.name, row.Path, row.Scope)
			}
		}
	}
}

// accepted is a configuration that headgate takes.
func accepted(t testing.TB, text []byte) *config.Config {
	t.Helper()
	c, problems := config.Parse("headgate.toml", text, config.Options{NoFiles: true, Env: func(string) string { return "" }})
	if problems.Errors() > 0 {
		t.Fatalf("headgate does not take it: %v\n%s", problems, text)
	}
	return c
}

// servedRoutes are the routes that are served, each path once: "PATH UPSTREAM", "as PATH" where it is sent to another one, and
// the methods of all its routes unless it has any. A path that is written beside a prefix of the same name, for its scopes, is
// the same route.
func servedRoutes(c *config.Config) []string {
	methods := map[string][]string{}
	anyMethod := map[string]bool{}
	for _, row := range c.RouteTable() {
		if row.Upstream == "" {
			continue
		}
		if !row.Prefix && slices.ContainsFunc(c.RouteTable(), func(other config.ResolvedRoute) bool {
			return other.Prefix && other.Path == row.Path && other.Upstream == row.Upstream && len(other.Methods) == 0
		}) {
			continue
		}
		line := row.Path
		if row.Prefix {
			line += "/*"
		}
		line += " " + row.Upstream
		if row.HasRewrite {
			line += " as " + row.Rewrite
		}
		methods[line] = append(methods[line], row.Methods...)
		anyMethod[line] = anyMethod[line] || len(row.Methods) == 0
	}
	var all []string
	for line, some := range methods {
		if !anyMethod[line] {
			slices.Sort(some)
			line += " " + strings.Join(slices.Compact(some), " ")
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}
