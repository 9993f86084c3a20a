package proxy

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
)

// TestPagesOfOtherSitesChangeNothing: what an operator's browser is made to send does nothing, be it a GET, where Cortex
// does something for one.
func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	routes := append(testRoutes(testPool(t, u.addr), nil),
		Route{Path: "/ingester", Prefix: true, Scope: authcache.Operator},
		Route{Path: "/flush", Scope: authcache.Operator},
		Route{Path: "/stop", Scope: authcache.Operator, HasRewrite: true, Rewrite: "/ingester/shutdown"})
	for i := range routes {
		r := &routes[i]
		r.Upstream, r.Pool, r.Host, r.Component, r.Timeout = "test", routes[0].Pool, "cortex.test", "ingester", patience
	}
	cache := authcache.New(authcache.Options{})
	t.Cleanup(cache.Close)
	if _, err := cache.Replace("test", []authcache.Entry{{
		Identity: &authcache.Identity{Tenant: "tenant-a", Client: "operator-a", Scopes: authcache.Read | authcache.Rules | authcache.Operator},
		Scheme:   authcache.Basic, User: "tenant-a", Password: "secret", Where: "test",
	}}); err != nil {
		t.Fatal(err)
	}
	s := settings(routes, cache)
	s.AllowedOrigins = []string{"https://ops.example"}
	g := startPatient(t, routes)
	g.use(t, s)
	const page, own, allowed = "Origin: https://evil.example", "Origin: https://gw.test", "Origin: https://ops.example"
	for _, c := range []struct {
		line   string
		fields []string
		status int
	}{
		{"GET /ingester/shutdown", nil, 200},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: none"}, 200}, // typed by the operator
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: same-origin", own}, 200},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: same-origin", page}, 403},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: cross-site", own}, 403},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site: cross-site", allowed}, 200},
		{"GET /ingester/shutdown", []string{"Origin: null"}, 403},
		{"GET /ingester/shutdown", []string{"Origin:"}, 403},
		{"GET /ingester/shutdown", []string{"Sec-Fetch-Site:"}, 403},
		{"HEAD /ingester/shutdown", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /ingester/renewTokens", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /ingester/mode?mode=READONLY", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /ingester/%66lush", []string{"Sec-Fetch-Site: cross-site"}, 403}, // the same to whoever decodes it
		{"GET /ingester/%73%68%75%74%64%6f%77%6E", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /ingester/%66lus", []string{"Sec-Fetch-Site: cross-site"}, 200},
		{"GET /flush", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /stop", []string{"Sec-Fetch-Site: cross-site"}, 403}, // which Cortex gets as /ingester/shutdown
		{"GET /ingester/ring", []string{"Sec-Fetch-Site: cross-site"}, 200},
		{"POST /ingester/ring", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"DELETE /api/v1/rules/shutdown", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET /api/v1/rules/shutdown", []string{"Sec-Fetch-Site: cross-site"}, 200},
		{"GET /prometheus/shutdown", []string{"Sec-Fetch-Site: cross-site"}, 200},
	} {
		u.forget()
		got := g.ask(t, requestAs(c.line, append(c.fields, "Authorization: "+basicA)...))
		if got.status != c.status || c.status == 403 && got.reason != "cross_site" {
			t.Errorf("%s with %q: %v, want %d", c.line, strings.Join(c.fields, ", "), got, c.status)
		}
		if asked := len(u.requests()) > 0; asked != (c.status == 200) {
			t.Errorf("%s with %q: the upstream was asked: %v", c.line, strings.Join(c.fields, ", "), asked)
		}
	}
}
