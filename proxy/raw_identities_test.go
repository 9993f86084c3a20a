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

// rawCasesFor are the raw cases for other kinds of credentials: all of the given file, and of ours those in which it may
// matter whose request it is. Framing and paths are looked at before that.
func rawCasesFor(t *testing.T) []rawCase {
	t.Helper()
	ours := slices.DeleteFunc(readRawCases(t, "testdata/raw-http-more.jsonl"), func(c rawCase) bool {
		kind, _, _ := strings.Cut(c.ID, "-")
		return !slices.Contains([]string{"a", "base", "e", "h", "k", "tr", "u", "x"}, kind)
	})
	return append(readRawCases(t, "testdata/raw-http.jsonl"), ours...)
}

// rawPlay is how a raw case is sent to a gateway of its own.
type rawPlay struct {
	change func(*Settings)                 // nil: the settings are those for credentials of every kind
	dress  func(net.Listener) net.Listener // nil: plain
	config *tls.Config                     // of the client; nil: plain
}

// longerHead is how long a head may take: with TLS before it, on a busy machine.
const longerHead = 6 * time.Second

func (p rawPlay) play(t *testing.T, c *rawCase) {
	t.Helper()
	u := startRecorder(t, nil)
	routes := testRoutes(testPool(t, u.addr), nil)
	g := startGatewayWith(t, routes, Options{HeaderTimeout: longerHead, IdleTimeout: 2 * longerHead, MaxHeaderSize: 16 << 10})
	s := settings(routes, everyKind(t))
	if _, err := s.Credentials.Replace(slowSource, nil); err != nil {
		t.Fatal(err)
	}
	if p.change != nil {
		p.change(&s)
	}
	g.use(t, s)
	dial := func() (net.Conn, error) { return net.Dial("tcp", g.addr) }
	if p.dress != nil {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g.serveMore(t, p.dress(ln))
		dial = func() (net.Conn, error) { return tls.Dial("tcp", ln.Addr().String(), p.config) }
	}
	v := exchangeDialled(t, dial, c.bytes(), c.HalfClose, func(v *verdict) time.Duration {
		if wait := c.patience(v); wait != rawPatience {
			return wait
		}
		return 3 * longerHead
	})
	checkRawCase(t, c, v, u.requests())
}

// TestRawRequestsWithTokens is TestRawRequests with a bearer token wherever the password was, byte for byte as long.
func TestRawRequestsWithTokens(t *testing.T) {
	t.Parallel()
	cases := slices.DeleteFunc(rawCasesFor(t), func(c rawCase) bool { return strings.HasPrefix(c.ID, "a-") })
	for i := range cases {
		cases[i].Raw = strings.NewReplacer(basicA, bearerA, basicB, bearerB).Replace(cases[i].Raw)
	}
	runRawCases(t, cases, rawWorkers, rawPlay{}.play)
}

// lackCredentials are the cases that are about requests without credentials, which a certificate gives them.
var lackCredentials = regexp.MustCompile(`unauth|401|^(x-query|h-dup-auth|cl-short-body|ch-pipelined-after)$`)

// TestRawRequestsWithCertificates is TestRawRequests over TLS with a certificate of tenant-a and no Authorization. Where a
// case has one, and be it a broken one, that decides alone.
func TestRawRequestsWithCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	config := ca.client(ca.issue(t, "tenant-a", time.Hour))
	cases := slices.DeleteFunc(rawCasesFor(t), func(c rawCase) bool { return lackCredentials.MatchString(c.ID) })
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
	runRawCases(t, cases, rawWorkers, rawPlay{dress: ca.secure(t, tls.RequireAndVerifyClientCert), config: config}.play)
}

// TestRawRequestsOfManyTenants is TestRawRequests for credentials that may name tenants, but not the one that the cases
// name: what names it is refused, and nothing of it is ever seen upstream.
func TestRawRequestsOfManyTenants(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?i)x[-_]*s[-_]*c[-_]*o[-_]*p[-_]*e[-_]*o[-_]*r[-_]*g`)
	credentials := authcache.New(authcache.Options{})
	t.Cleanup(credentials.Close)
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
	if _, err := credentials.Replace("file", entries); err != nil {
		t.Fatal(err)
	}
	many := rawPlay{change: func(s *Settings) { s.Credentials = credentials }}
	runRawCases(t, rawCasesFor(t), rawWorkers, func(t *testing.T, c *rawCase) {
		if named.MatchString(c.Raw) && c.Expect == "accept" {
			c.Expect, c.Status, c.Responses = "either", nil, 0
		}
		c.ForbidUpstream = append(c.ForbidUpstream, "victim")
		many.play(t, c)
	})
}
