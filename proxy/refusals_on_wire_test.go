package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/balancer"
)

// hungUp is the status of the end of a connection, after which every sender repeats.
const hungUp = 0

// seenOnPushes is what a sender of a push gets for every reason, as it comes over the wire.
var seenOnPushes = map[string]struct {
	status int
	ask    func(testing.TB) (*gateway, reply)
}{
	"malformed_request":     {400, pushed("Content-Length: 7", "Content-Length: 7\r\nContent-Length: 8")},
	"expectation_failed":    {417, pushed("Content-Length: 7", "Content-Length: 7\r\nExpect: a miracle")},
	"head_too_large":        {431, pushed("Host: gw.test", "Host: gw.test\r\nX-Long: "+strings.Repeat("x", 20<<10))},
	"coding_not_supported":  {501, pushed("Content-Length: 7", "Transfer-Encoding: gzip")},
	"version_not_supported": {505, pushed("HTTP/1.1", "HTTP/3.0")},
	"path_not_clean":        {400, pushed("/api/v1/push", "/api/v1//push")},
	"address_denied": {hungUp, before(healthy, func(s *Settings) {
		s.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	}, push("samples"))},
	"unauthorized": {401, pushed(basicA, basicOf("unknown"))},
	"credentials_unready": {503, before(healthy, func(s *Settings) {
		s.Credentials.Failed("a folder", errors.New("it is gone"))
	}, pushOf(basicOf("unknown"), "samples"))},
	"authentication_busy": {503, before(healthy, func(s *Settings) {
		s.Credentials = authcache.New(authcache.Options{})
		_, _ = s.Credentials.Replace("file", []authcache.Entry{{
			Scheme: authcache.Basic, User: "slow", Hash: bcryptOfSecret, Identity: &authcache.Identity{Tenant: "t", Client: "slow", Scopes: authcache.Write},
		}})
		s.Credentials.Close() // nothing slow is checked any more
	}, pushOf(basicOf("slow"), "samples"))},
	"certificate_expired": {hungUp, pushedWithExpired},
	"no_route":            {404, pushed("/api/v1/push", "/nowhere")},
	"method_not_allowed":  {405, pushed("POST", "PUT")},
	"scope_missing":       {403, pushed(basicA, basicOf("reader-a"))},
	"tenant_malformed":    {400, pushed("Authorization: "+basicA, "Authorization: "+basicOf("every")+"\r\nX-Scope-OrgID: a/b")},
	"tenant_denied":       {403, pushed("Authorization: "+basicA, "Authorization: "+basicOf("several")+"\r\nX-Scope-OrgID: victim")},

	"no_upstream": {503, routed(healthy, func(r *Route) { r.Upstream, r.Pool = "", nil })},
	"tenant_limited": {503, func(t testing.TB) (*gateway, reply) {
		shares := NewShares()
		shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 0.01})
		g := startGatewayWith(t, testRoutes(testPool(t, startScripted(t, healthy).addr), nil), Options{
			HeaderTimeout: patience, IdleTimeout: patience, MaxHeaderSize: 16 << 10, Shares: shares,
		})
		g.ask(t, push("samples"))
		return g, g.ask(t, push("samples"))
	}},
	"overloaded":     {503, besideAnother(func(_ *balancer.Options, r *Route) { r.MaxInFlight = 1 })},
	"no_connection":  {503, besideAnother(func(o *balancer.Options, _ *Route) { o.MaxConnections, o.QueueTimeout = 1, 0 })},
	"body_too_large": {413, routed(healthy, func(r *Route) { r.MaxBodySize = 3 })},
	"body_timeout":   {hungUp, cutShort(func(r *Route) { r.BodyTimeout = short }, func(*caller) {})},
	"client_closed": {hungUp, cutShort(func(*Route) {}, func(c *caller) {
		c.Conn.(*net.TCPConn).CloseWrite() //nolint:errcheck // the answer tells
	})},

	"no_host": {503, func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t), nil))
		return g, g.ask(t, push("samples"))
	}},
	"connect_failed": {503, func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t, startRefusing(t)), nil))
		return g, g.ask(t, push("samples"))
	}},
	"upstream_timeout": {504, routed(stuck(""), func(r *Route) { r.ReadTimeout = short })},
	"deadline":         {504, routed(stuck(""), func(r *Route) { r.Timeout = short })},
	"upstream_closed":  {502, routed(partly("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"), func(*Route) {})},
	"bad_answer":       {502, routed(partly("SSH-2.0-OpenSSH_9.2\r\n\r\n"), func(*Route) {})},
	"wrong_machine":    {502, routed(answering(status(404, "Not Found")), func(*Route) {})},
	"answer_too_long": {502, func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t, startScripted(t, partly("HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 2*maxUnframed))).addr), nil))
		return g, g.ask(t, strings.Replace(push("samples"), "HTTP/1.1", "HTTP/1.0", 1))
	}},

	"internal": {503, func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t), nil))
		s := g.snapshot.Load()
		route, _ := s.Match("POST", "/api/v1/push")
		route.Pool = new(balancer.Pool) // as no configuration can make it
		return g, g.ask(t, push("samples"))
	}},
	"draining": {503, func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t), nil))
		g.Drain()
		return g, g.ask(t, requestAs("GET /healthz"))
	}},
	"not_ready": {503, func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, nil)
		g.snapshot.Store(New(Options{}).snapshot.Load())
		return g, g.ask(t, push("samples"))
	}},
}

// pushed sends a push in which something is replaced, to a gateway that knows every kind of client.
func pushed(old, now string) func(testing.TB) (*gateway, reply) {
	return before(healthy, nil, strings.Replace(push("samples"), old, now, 1))
}

// before sends a request to a gateway that knows every kind of client, with other settings.
func before(play func(*line), change func(*Settings), raw string) func(testing.TB) (*gateway, reply) {
	return func(t testing.TB) (*gateway, reply) {
		g := startEveryKind(t, startScripted(t, play).addr, change)
		return g, g.ask(t, raw)
	}
}

// routed sends a push through a route that is changed, to an upstream that plays.
func routed(play func(*line), change func(*Route)) func(testing.TB) (*gateway, reply) {
	return func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t, startScripted(t, play).addr), change))
		return g, g.ask(t, push("samples"))
	}
}

// besideAnother sends a push while another is under way, where there is room for one.
func besideAnother(change func(*balancer.Options, *Route)) func(testing.TB) (*gateway, reply) {
	return func(t testing.TB) (*gateway, reply) {
		u := startScripted(t, stuck(""))
		pool := testPoolWith(t, func(o *balancer.Options) { change(o, &Route{}) }, u.addr)
		g := startPatient(t, testRoutes(pool, func(r *Route) { change(&balancer.Options{}, r) }))
		first := g.caller(t)
		go first.ask(push("samples"))
		eventually(t, "the upstream has the first", func() bool { return u.seen.Load() == 1 })
		return g, g.ask(t, push("samples"))
	}
}

// cutShort sends a push without the end of its body, and then what is to happen.
func cutShort(change func(*Route), then func(*caller)) func(testing.TB) (*gateway, reply) {
	return func(t testing.TB) (*gateway, reply) {
		g := startPatient(t, testRoutes(testPool(t, startScripted(t, healthy).addr), change))
		c := g.caller(t)
		if _, err := c.Write([]byte(strings.TrimSuffix(push("samples"), "ples"))); err != nil {
			t.Fatal(err)
		}
		then(c)
		return g, c.read("POST")
	}
}

// pushedWithExpired pushes over a connection that began while its certificate was good.
func pushedWithExpired(t testing.TB) (*gateway, reply) {
	g := startEveryKind(t, startScripted(t, healthy).addr, nil)
	ca := newAuthority(t)
	config := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, "gw.test", time.Hour)}, ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs: ca.pool, Time: func() time.Time { return time.Now().Add(-24 * time.Hour) },
	}
	yesterday := func(ln net.Listener) net.Listener { return tls.NewListener(ln, config) }
	return g, g.callerOn(t, yesterday, ca.client(ca.issue(t, "agent", -time.Minute))).ask(requestAs(pushLine))
}

// TestRefusalsOfPushesOnTheWire: every reason is what the table says when it comes to a sender of pushes.
func TestRefusalsOfPushesOnTheWire(t *testing.T) {
	t.Parallel()
	for _, r := range Refusals() {
		switch r {
		case upstreamUnhealthy: // health checks alone get it, after ten seconds: see TestHealthFollowsTheUpstreams
			continue
		case crossSite: // of changes of rules, alerts and the cluster
			continue
		case unavailableHosts: // of an attempt that is followed by another; the answer of the last one goes through
			continue
		}
		seen, known := seenOnPushes[r.Reason]
		if !known {
			t.Errorf("no sender has been refused for %s", r.Reason)
			continue
		}
		t.Run(r.Reason, func(t *testing.T) {
			t.Parallel()
			g, got := seen.ask(t)
			if got.status != seen.status || seen.status != hungUp && (got.reason != r.Reason || !got.whole) {
				t.Fatalf("a sender got %v: %s", got, got.body)
			}
			if r != addressDenied { // its connection never had a request
				eventually(t, "it is counted", func() bool { return g.refusals(r.Reason) != "0" })
			}
			if seen.status != hungUp && seen.status != onWriteRoutes[r.Reason] {
				t.Errorf("a sender got %d, and the table has %d", seen.status, onWriteRoutes[r.Reason])
			}
		})
	}
}

// TestRefusalsOfSendersKept: with keep_denied_writes, whose credential is wrong keeps its data as well.
func TestRefusalsOfSendersKept(t *testing.T) {
	t.Parallel()
	for reason, change := range map[string]string{
		"unauthorized": basicOf("unknown"), "scope_missing": basicOf("reader-a"), "tenant_denied": basicOf("several") + "\r\nX-Scope-OrgID: victim",
	} {
		_, got := before(healthy, func(s *Settings) { s.KeepDeniedWrites = true }, pushOf(change, "samples"))(t)
		if got.status != 503 || got.reason != reason {
			t.Errorf("%s: a sender got %v", reason, got)
		}
	}
}
