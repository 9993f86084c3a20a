package proxy

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// Bearer tokens as long as the passwords of testCredentials when they are sent, so that one can stand where the other did.
const (
	bearerA = "Bearer token-of-tenant-a-0"
	bearerB = "Bearer token-of-tenant-b-0"
)

const tokenSecret = "a secret of more than thirty-two bytes"

// slowSource is the source of everyKind that has the slow credential. With it every rejection takes its time.
const slowSource = "slow"

// bcryptOfSecret is a hash of "secret", of the lowest cost.
const bcryptOfSecret = "$2a$04$xHTrmMMJUy4T7.njmTHHieWdYqUKqWBbliLY.6rloOcibjMmtYCvy"

// everyKind knows credentials of every kind:
//
//	tenant-a, tenant-b     basic, as in testCredentials, and a bearer token each
//	slow                   basic, behind bcrypt, of tenant-s
//	several                basic, own tenant own; may read a, b, c (by default a and b) and write a and d
//	every                  basic, own tenant own; may read and write every tenant
//	operator               basic, tenant-o, may do everything
//	inside                 basic, tenant-i, from 10.0.0.0/8 and ::1 only
//	cn:agent, cn:tenant-a  certificates, of tenant-m and tenant-a; cn:reader is one of tenant-m that may only read
//	(nothing)              tenant-n, from 192.0.2.0/24
//
// and takes HS256 tokens of tokenSecret.
func everyKind(t testing.TB) *authcache.Cache {
	t.Helper()
	cache := testCredentials(t)
	all := authcache.Write | authcache.Read | authcache.Rules | authcache.Alerts
	lists, err := authcache.NewReach([]string{"a", "b", "c"}, []string{"a", "b"}, []string{"a", "d"})
	if err != nil {
		t.Fatal(err)
	}
	every, err := authcache.NewReach([]string{"*"}, nil, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	from := func(prefixes ...string) *authcache.Terms {
		terms := &authcache.Terms{}
		for _, p := range prefixes {
			terms.AllowFrom = append(terms.AllowFrom, netip.MustParsePrefix(p))
		}
		return terms
	}
	identity := func(tenant, client string) *authcache.Identity {
		return &authcache.Identity{Tenant: tenant, Client: client, Scopes: all}
	}
	entries := []authcache.Entry{
		{Scheme: authcache.Bearer, Identity: identity("tenant-a", "bearer-a"), Password: strings.TrimPrefix(bearerA, "Bearer ")},
		{Scheme: authcache.Bearer, Identity: identity("tenant-b", "bearer-b"), Password: strings.TrimPrefix(bearerB, "Bearer ")},
		{Scheme: authcache.Basic, Identity: identity("own", "several"), User: "several", Password: "secret"},
		{Scheme: authcache.Basic, Identity: identity("own", "every"), User: "every", Password: "secret"},
		{Scheme: authcache.Basic, Identity: identity("tenant-o", "operator"), User: "operator", Password: "secret"},
		{Scheme: authcache.Basic, Identity: identity("tenant-i", "inside"), User: "inside", Password: "secret"},
		{Scheme: authcache.Certificate, Identity: identity("tenant-m", "agent"), User: "cn:agent"},
		{Scheme: authcache.Certificate, Identity: identity("tenant-a", "certificate-a"), User: "cn:tenant-a"},
		{Scheme: authcache.Certificate, Identity: identity("tenant-m", "reader"), User: "cn:reader"},
		{Scheme: authcache.Anonymous, Identity: identity("tenant-n", "nobody")},
	}
	for i := range entries {
		switch e := &entries[i]; e.Identity.Client {
		case "several":
			e.Identity.Reach = lists
		case "every":
			e.Identity.Reach = every
		case "operator":
			e.Identity.Scopes |= authcache.Operator
		case "inside":
			e.Identity.Terms = from("10.0.0.0/8", "::1/128")
		case "nobody":
			e.Identity.Terms = from("192.0.2.0/24")
		case "reader":
			e.Identity.Scopes = authcache.Read
		}
	}
	if _, err := cache.Replace("every kind", entries); err != nil {
		t.Fatal(err)
	}
	slow := authcache.Entry{Scheme: authcache.Basic, Identity: identity("tenant-s", "slow"), User: "slow", Hash: bcryptOfSecret}
	if _, err := cache.Replace(slowSource, []authcache.Entry{slow}); err != nil {
		t.Fatal(err)
	}
	tokens, err := verify.NewTokens(verify.TokenOptions{Default: tokenIssuer(t)})
	if err != nil {
		t.Fatal(err)
	}
	cache.UseTokens(authcache.TokenOptions{Tokens: tokens, DefaultScopes: authcache.Write | authcache.Read})
	return cache
}

func tokenIssuer(t testing.TB) *verify.IssuerOptions {
	t.Helper()
	key, err := verify.NewSecret("secret", []byte(tokenSecret), verify.WantLong)
	if err != nil {
		t.Fatal(err)
	}
	return &verify.IssuerOptions{Keys: []*verify.Key{key}, Expiry: verify.AllowEndless}
}

// signedFor is the Authorization of a token for a tenant.
func signedFor(t testing.TB, tenant, subject string) string {
	t.Helper()
	token, err := verify.Mint(*tokenIssuer(t), verify.MintOptions{Tenant: tenant, Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// basicOf is the Authorization of a user whose password is "secret".
func basicOf(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":secret"))
}

// settings are those of startGateway for credentials of every kind, before a cluster that joins tenants.
func settings(routes []Route, credentials *authcache.Cache) Settings {
	return Settings{
		Routes: routes, RulePrefixes: []string{"/api/v1/rules/"}, Credentials: credentials, Realm: "headgate",
		HealthPath: "/healthz", Tenants: authcache.TenantRules{Federation: true},
	}
}

// use puts settings in force.
func (g *gateway) use(t testing.TB, s Settings) {
	t.Helper()
	snapshot, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	g.Use(snapshot)
}

// startEveryKind is a gateway that takes credentials of every kind; change may alter its settings.
func startEveryKind(t testing.TB, upstream string, change func(*Settings)) *gateway {
	t.Helper()
	routes := testRoutes(testPool(t, upstream), nil)
	g := startPatient(t, routes)
	s := settings(routes, everyKind(t))
	if change != nil {
		change(&s)
	}
	g.use(t, s)
	return g
}

// serveMore serves another listener until the test ends.
func (g *gateway) serveMore(t testing.TB, ln net.Listener) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	t.Cleanup(func() {
		g.Unserve(ln)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// from pretends that all connections of a listener come from one address.
type from struct {
	net.Listener
	addr netip.Addr
}

func (l from) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &fromConn{c, l.addr}, nil
}

type fromConn struct {
	net.Conn
	addr netip.Addr
}

func (c *fromConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.addr, 40000))
}

// callerFrom is a client whose connection comes from an address.
func (g *gateway) callerFrom(t testing.TB, addr string) *caller {
	t.Helper()
	return g.callerOn(t, func(ln net.Listener) net.Listener { return from{ln, netip.MustParseAddr(addr)} }, nil)
}

// callerOn is a client on a listener of its own, with what dress puts around that, and TLS if there is a configuration.
func (g *gateway) callerOn(t testing.TB, dress func(net.Listener) net.Listener, config *tls.Config) *caller {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.serveMore(t, dress(ln))
	other := *g
	other.addr = ln.Addr().String()
	c := other.caller(t)
	if config != nil {
		c.Conn = tls.Client(c.Conn, config)
		c.br.Reset(c.Conn)
	}
	return c
}

// requestAs is a raw request with more lines in its head.
func requestAs(line string, fields ...string) string {
	var head strings.Builder
	fmt.Fprintf(&head, "%s HTTP/1.1\r\nHost: gw.test\r\n", line)
	for _, f := range fields {
		head.WriteString(f + "\r\n")
	}
	if strings.HasPrefix(line, "POST ") {
		head.WriteString("Content-Length: 0\r\n")
	}
	return head.String() + "\r\n"
}

const (
	pushLine  = "POST /api/v1/push"
	queryLine = "GET /prometheus/api/v1/query?query=up"
	rulesLine = "POST /api/v1/rules/ns"
	ringLine  = "GET /ring"
)

// last is the tenant and the client of the last request that the upstream saw.
func (r *recorder) last(t testing.TB) (tenant, client string) {
	t.Helper()
	got := r.requests()
	if len(got) == 0 {
		t.Fatal("the upstream was not asked")
	}
	request := got[len(got)-1]
	tenants, clients := request.tenants(), request.values("X-Scope-ClientID")
	if len(tenants) != 1 || len(clients) != 1 {
		t.Fatalf("the upstream saw the tenants %q and the clients %q", tenants, clients)
	}
	return tenants[0], clients[0]
}
