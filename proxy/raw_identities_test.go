package proxy

import (
	"crypto/tls"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

// bothRawFiles are all raw cases but those that are kept for one kind of credential.
func bothRawFiles(t *testing.T, without string) []rawCase {
	t.Helper()
	cases := append(readRawCases(t, "testdata/raw-http.jsonl"), readRawCases(t, "testdata/raw-http-more.jsonl")...)
	return slices.DeleteFunc(cases, func(c rawCase) bool { return without != "" && strings.HasPrefix(c.ID, without) })
}

// rawGateways are gateways with an upstream each, for as many cases as are under way at a time.
type rawGateways chan *rawGateway

type rawGateway struct {
	*gateway
	upstream *recorder
	addr     string
}

func startRawGateways(t *testing.T, change func(*Settings), dress func(net.Listener) net.Listener) rawGateways {
	t.Helper()
	free := make(rawGateways, rawWorkers)
	for range rawWorkers {
		u := startRecorder(t, nil)
		routes := testRoutes(testPool(t, u.addr), nil)
		g := startGateway(t, routes)
		s := settings(routes, everyKind(t))
		if change != nil {
			change(&s)
		}
		g.use(t, s)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g.serveMore(t, dress(ln))
		free <- &rawGateway{g, u, ln.Addr().String()}
	}
	return free
}

// play sends a case to a gateway that is free; nil as a configuration is no TLS.
func (free rawGateways) play(t *testing.T, c *rawCase, config *tls.Config, check func(*verdict, []*received)) {
	g := <-free
	g.upstream.forget()
	dial := func() (net.Conn, error) { return net.Dial("tcp", g.addr) }
	if config != nil {
		dial = func() (net.Conn, error) { return tls.Dial("tcp", g.addr, config) }
	}
	v := exchangeDialled(t, dial, c.bytes(), c.HalfClose, c.patience)
	got := g.upstream.requests()
	free <- g
	check(v, got)
}

func undressed(ln net.Listener) net.Listener { return ln }

// TestRawRequestsWithTokens is TestRawRequests with a bearer token wherever the password was, byte for byte as long.
func TestRawRequestsWithTokens(t *testing.T) {
	t.Parallel()
	cases := bothRawFiles(t, "a-")
	for i := range cases {
		cases[i].Raw = strings.NewReplacer(basicA, bearerA, basicB, bearerB).Replace(cases[i].Raw)
	}
	free := startRawGateways(t, nil, undressed)
	runRawCases(t, cases, rawWorkers, func(t *testing.T, c *rawCase) {
		free.play(t, c, nil, func(v *verdict, got []*received) { checkRawCase(t, c, v, got) })
	})
}

// lackCredentials are the cases that are about requests without credentials, which a certificate gives them.
var lackCredentials = regexp.MustCompile(`unauth|401|^(x-query|h-dup-auth|cl-short-body|ch-pipelined-after)$`)

// TestRawRequestsWithCertificates is TestRawRequests over TLS with a certificate of tenant-a and no Authorization. Where a
// case has one, and be it a broken one, that decides alone.
func TestRawRequestsWithCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	config := ca.client(ca.issue(t, "tenant-a", time.Hour))
	cases := slices.DeleteFunc(bothRawFiles(t, ""), func(c rawCase) bool { return lackCredentials.MatchString(c.ID) })
	hide := strings.NewReplacer("Authorization: "+basicA, "X-Accountable: x"+basicA[1:], "Authorization: "+basicB, "X-Accountable: x"+basicB[1:])
	shows := regexp.MustCompile("(?i)\nauthorization[ \t]*:")
	for i := range cases {
		c := &cases[i]
		if !strings.HasPrefix(c.ID, "a-") {
			c.Raw, c.Tenants = hide.Replace(c.Raw), nil
		} else if !shows.MatchString(c.Raw) {
			c.Expect, c.Status, c.MaxUpstream, c.Close, c.Responses = "either", nil, 1, false, 0
		}
	}
	free := startRawGateways(t, nil, ca.secure(t, tls.RequireAndVerifyClientCert))
	runRawCases(t, cases, rawWorkers, func(t *testing.T, c *rawCase) {
		free.play(t, c, config, func(v *verdict, got []*received) { checkRawCase(t, c, v, got) })
	})
}

// TestRawRequestsOfManyTenants is TestRawRequests for credentials that may name tenants, but not the one that the cases
// name: what names it is refused, and nothing of it is ever seen upstream.
func TestRawRequestsOfManyTenants(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?i)x[-_]*s[-_]*c[-_]*o[-_]*p[-_]*e[-_]*o[-_]*r[-_]*g`)
	free := startRawGateways(t, func(s *Settings) {
		s.Credentials = authcache.New(authcache.Options{})
		t.Cleanup(s.Credentials.Close)
		var entries []authcache.Entry
		for _, tenant := range []string{"tenant-a", "tenant-b"} {
			reach, err := authcache.NewReach([]string{tenant, "tenant-c"}, nil, []string{tenant, "tenant-c"})
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, authcache.Entry{
				Scheme: authcache.Basic, User: tenant, Password: "secret",
				Identity: &authcache.Identity{
					Tenant: tenant, Client: tenant, Reach: reach,
					Scopes: authcache.Write | authcache.Read | authcache.Rules | authcache.Alerts,
				},
			})
		}
		if _, err := s.Credentials.Replace("file", entries); err != nil {
			t.Fatal(err)
		}
	}, undressed)
	runRawCases(t, bothRawFiles(t, ""), rawWorkers, func(t *testing.T, c *rawCase) {
		if named.MatchString(c.Raw) && c.Expect == "accept" {
			c.Expect, c.Status, c.Responses = "either", nil, 0
		}
		c.ForbidUpstream = append(c.ForbidUpstream, "victim")
		free.play(t, c, nil, func(v *verdict, got []*received) { checkRawCase(t, c, v, got) })
	})
}
