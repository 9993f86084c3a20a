package proxy

import (
	"fmt"
	"testing"

	"github.com/headgate/headgate/authcache"
)

// TestOTLPIsKnownByThePathUpstream: senders of OTLP drop what gets a 500, by whatever path of ours they came.
func TestOTLPIsKnownByThePathUpstream(t *testing.T) {
	t.Parallel()
	u := startScripted(t, answering(status(500, "Internal Server Error")))
	pool := testPool(t, u.addr)
	var routes []Route
	for _, r := range []Route{
		{Path: "/api/v1/push"},
		{Path: "/api/v1/otlp/v1/metrics"},
		{Path: "/cortex/api/v1/otlp/v1/metrics"},
		{Path: "/alias", HasRewrite: true, Rewrite: "/api/v1/otlp/v1/metrics"},
		{Path: "/below", Prefix: true, HasRewrite: true, Rewrite: "/api/v1"},
		{Path: "/api/v1/otlp", Prefix: true},
		{Path: "/query", Scope: authcache.Read, HasRewrite: true, Rewrite: "/api/v1/otlp/v1/metrics"},
	} {
		r.Upstream, r.Pool, r.Host, r.Timeout, r.RetryBodySize = "test", pool, "cortex.test", patience, 1<<20
		if r.Scope == 0 {
			r.Scope = authcache.Write
		}
		routes = append(routes, r)
	}
	g := startPatient(t, routes)
	for path, want := range map[string]int{
		"/api/v1/otlp/v1/metrics":        503,
		"/api/v1/otlp/v1/metrics?a=b/c":  503,
		"/cortex/api/v1/otlp/v1/metrics": 503,
		"/alias":                         503,
		"/below/otlp/v1/metrics":         503,
		"/api/v1/push":                   500,
		"/below/push":                    500,
		"/api/v1/otlp/v1/traces":         500,
		"/api/v1/push?/otlp/v1/metrics":  500,
		"/query":                         500,
	} {
		got := g.ask(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\nContent-Length: 7\r\n\r\nsamples", path, basicA))
		if got.status != want || got.reason != "" {
			t.Errorf("%s: the upstream's 500 became %v, want %d", path, got, want)
		}
	}
}
