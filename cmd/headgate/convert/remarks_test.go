package convert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// What the server listens on and answers itself, and what is said of the rest.
func TestServersAreAsTheyWere(t *testing.T) {
	authGateway := func(text string) func() ([]byte, error) {
		return func() ([]byte, error) { return AuthGateway([]byte(text + "\ndistributor: {url: 'http://d'}\n")) }
	}
	flags := func(more ...string) func() ([]byte, error) {
		return func() ([]byte, error) { return CortexGateway(append(slices.Clone(upstreamFlags), more...), nil) }
	}
	routes := func(written string) func() ([]byte, error) {
		return func() ([]byte, error) { return Proposal(proposed(written, "ruler")) }
	}
	for name, c := range map[string]struct {
		convert func() ([]byte, error)
		want    []string // lines, beginnings of them
	}{
		"IPv6 in brackets":                  {authGateway("server: {address: '[::1]', port: 9}"), []string{`listen = "[::1]:9"`}},
		"IPv6 of the admin":                 {authGateway("server: {port: 9}\nadmin: {address: '[::1]', port: 10}"), []string{`listen = ":9"`, `listen = "[::1]:10"`}},
		"IPv6 as a flag":                    {flags("-server.http-listen-address=[::]"), []string{`listen = "[::]:80"`}},
		"no port":                           {flags(), []string{`listen = ":80"`}},
		"the usual admin port":              {authGateway("server: {port: 8081}"), []string{`listen = ":8081"`, `listen = "127.0.0.1:8082" #`}},
		"the usual admin port as a flag":    {flags("-server.http-listen-port=8081"), []string{`listen = ":8081"`, `listen = "127.0.0.1:8082" #`}},
		"who may read metrics":              {authGateway("server: {port: 9}\nadmin: {port: 10}"), []string{"# /metrics and /ready are here for everybody, by an IP address, localhost or the host of listen; any other name gets 421."}},
		"the health path":                   {authGateway("server: {}\nruler: {url: 'http://r', paths: [/healthz]}"), []string{`health_path = "" # its usual value is a path that the original forwarded`}},
		"the health path in a subtree":      {authGateway("server: {}\nruler: {url: 'http://r', paths: [/]}"), []string{`health_path = "" #`}},
		"the health path as a subtree":      {authGateway("server: {}\nruler: {url: 'http://r', paths: [/healthz/]}"), []string{`health_path = "" #`}},
		"the health path of a route":        {routes("- {path: /healthz, target: ruler}\n"), []string{`health_path = "" #`}},
		"the health path below a prefix":    {routes("- {path: /heal, prefix: true, target: ruler}\n"), []string{`health_path = "" #`}},
		"paths beside the health path":      {authGateway("server: {}\nruler: {url: 'http://r', paths: [/healthz-x, /health/]}"), nil},
		"a timeout of 0":                    {flags("-server.http-read-timeout=0s", "-server.http-write-timeout=0", "-server.http-idle-timeout=0s"), []string{`read_timeout = "0s"`, `write_timeout = "0s"`, `idle_timeout = "0s"`}},
		"usual timeouts":                    {flags(), []string{"# -server.http-write-timeout was 30s unless given", "# -server.http-idle-timeout was 2m unless given"}},
		"instrumentation":                   {flags("-server.register-instrumentation=false"), []string{"# -server.register-instrumentation=false has no counterpart"}},
		"client certificates without TLS":   {flags("-server.http-tls-ca-path=/ca.pem"), []string{"# -server.http-tls-ca-path and -server.http-tls-client-auth are left out"}},
		"client certificates not asked for": {flags("-server.http-tls-cert-path=/c.pem", "-server.http-tls-key-path=/k.pem", "-server.http-tls-ca-path=/ca.pem"), []string{"# -server.http-tls-ca-path is left out"}},
		"the ruler of a README":             {flags("-gateway.rules.address=http://r"), []string{"[upstreams.ruler]", `url = "http://r"`}},
		"user and query of a URL":           {flags("-gateway.ruler.address=http://u:p@r/?x=y"), []string{`url = "http://r"`, "# the user and password in the URL were never sent by cortex-gateway's proxy", "# the query of the URL, which the original added"}},
		"a variable behind a bool":          {flags("-server.some-switch", "JAEGER_AGENT_HOST=jaeger"), []string{"# -server.some-switch has no counterpart", "# JAEGER_AGENT_HOST=jaeger: "}},
		"a user of Jaeger":                  {flags("JAEGER_USER=hunter2"), []string{"# JAEGER_USER=<secret>: "}},
		"the usual refresh":                 {authGateway("server: {}"), []string{`dns_refresh_interval = "1s" # auth-gateway's default`}},
		"a short refresh":                   {authGateway("server: {}\nruler: {url: 'http://r', dns_refresh_interval: 9ms}"), []string{`dns_refresh_interval = "10ms" # 9ms is shorter`}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := c.convert()
			if err != nil {
				t.Fatal(err)
			}
			made := accepted(t, text)
			for _, line := range c.want {
				if !strings.Contains(string(text), "\n"+line) {
					t.Errorf("no line %s in\n%s", line, text)
				}
			}
			if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "u:p@") {
				t.Errorf("shows a secret:\n%s", text)
			}
			if got, want := made.Server.HealthPath == "", strings.HasPrefix(name, "the health path"); got != want {
				t.Errorf("the health path is %q", made.Server.HealthPath)
			}
		})
	}
}

// The shortest interval is one that headgate takes, and nothing shorter is.
// The shortest interval is one that headgate takes, and nothing shorter is.
func TestTheShortestRefreshIsHeadgates(t *testing.T) {
	for refresh, want := range map[time.Duration]bool{shortestRefresh: true, shortestRefresh - 1: false} {
		text := "[upstreams.ruler]\nurl = \"http://r\"\ndns_refresh_interval = \"" + refresh.String() + "\"\n"
		_, problems := config.Parse("headgate.toml", []byte(text), config.Options{NoFiles: true, Env: func(string) string { return "" }})
		if got := problems.Errors() == 0; got != want {
			t.Errorf("%s is taken: %v, want %v", refresh, got, want)
		}
	}
}
