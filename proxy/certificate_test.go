package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
)

// authority signs certificates of clients and of the gateway.
type authority struct {
	pool *x509.CertPool
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

// issue makes a certificate with a common name that is good for a while.
func (a *authority) issue(t testing.TB, name string, good time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"gw.test"},
		NotAfter:    time.Now().Add(good),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure makes a listener speak TLS and ask for certificates of the authority, as the program does with optional.
func (a *authority) secure(t testing.TB, auth tls.ClientAuthType) func(net.Listener) net.Listener {
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t, "gw.test", time.Hour)}, ClientAuth: auth, ClientCAs: a.pool}
	return func(ln net.Listener) net.Listener { return tls.NewListener(ln, config) }
}

// client is how a client speaks TLS, with a certificate or without.
func (a *authority) client(certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: a.pool, ServerName: "gw.test", Certificates: certificates}
}

// TestACertificateNamesItsTenant: for every request of its connection, as long as there is no Authorization, which
// decides alone.
func TestACertificateNamesItsTenant(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	ca := newAuthority(t)
	c := g.callerOn(t, ca.secure(t, tls.VerifyClientCertIfGiven), ca.client(ca.issue(t, "agent", time.Hour)))
	for _, test := range []struct {
		authorization, tenant string
		status                int
	}{
		{"", "tenant-m", 200},
		{"Authorization: " + basicB, "tenant-b", 200},
		{"", "tenant-m", 200},
		{"Authorization: " + basicOf("unknown"), "", 401},
		{"Authorization:", "", 401},
		{"Authorization: nonsense", "", 401},
		{"Authorization: Bearer unknown", "", 401},
		{"Proxy-Authorization: " + basicB, "tenant-m", 200},
	} {
		u.forget()
		request := requestAs(pushLine)
		if test.authorization != "" {
			request = requestAs(pushLine, test.authorization)
		}
		if r := c.ask(request); r.status != test.status {
			t.Fatalf("%q: answered %v", test.authorization, r)
		}
		if test.status != 200 {
			if got := u.requests(); len(got) > 0 {
				t.Errorf("%q: the upstream was asked", test.authorization)
			}
			continue
		}
		if tenant, _ := u.last(t); tenant != test.tenant {
			t.Errorf("%q: the upstream saw tenant %q, want %q", test.authorization, tenant, test.tenant)
		}
	}
}

// TestCertificatesThatNameNobody: what is not configured is refused, wherever it comes from, and so is a connection
// without one; a certificate that nobody vouches for does not even get that far.
func TestCertificatesThatNameNobody(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	ca, foreign := newAuthority(t), newAuthority(t)
	ask := func(config *tls.Config, line string) reply {
		secure := ca.secure(t, tls.VerifyClientCertIfGiven)
		return g.callerOn(t, func(ln net.Listener) net.Listener { return secure(nearby(ln)) }, config).ask(requestAs(line))
	}
	if r := ask(ca.client(ca.issue(t, "stranger", time.Hour)), pushLine); r.status != 401 || r.reason != "unauthorized" {
		t.Errorf("an unknown name: answered %v", r)
	}
	if r := ask(ca.client(ca.issue(t, "Agent", time.Hour)), pushLine); r.status != 401 {
		t.Errorf("a name in other letters: answered %v", r)
	}
	if r := ask(ca.client(ca.issue(t, "reader", time.Hour)), pushLine); r.status != 403 || r.reason != "scope_missing" {
		t.Errorf("without the scope: answered %v", r)
	}
	if r := ask(ca.client(foreign.issue(t, "agent", time.Hour)), pushLine); r.status != 0 {
		t.Errorf("of another authority: answered %v", r)
	}
	if got := u.requests(); len(got) > 0 {
		t.Errorf("the upstream was asked with %q", got[0].fields)
	}
	// Without a certificate the address counts.
	if r := ask(ca.client(), pushLine); r.status != 200 {
		t.Errorf("without one, from an open address: answered %v", r)
	}
}

// nearby pretends that connections come from the open addresses of everyKind.
func nearby(ln net.Listener) net.Listener { return from{ln, netip.MustParseAddr("192.0.2.7")} }

// TestACertificateThatIsTakenBack: the entry is gone, so the next request on the same connection is refused.
func TestACertificateThatIsTakenBack(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	var cache *authcache.Cache
	g := startEveryKind(t, u.addr, func(s *Settings) { cache = s.Credentials })
	ca := newAuthority(t)
	c := g.callerOn(t, ca.secure(t, tls.RequireAndVerifyClientCert), ca.client(ca.issue(t, "agent", time.Hour)))
	if r := c.ask(requestAs(pushLine)); r.status != 200 {
		t.Fatalf("answered %v", r)
	}
	if _, err := cache.Replace("every kind", nil); err != nil {
		t.Fatal(err)
	}
	if r := c.ask(requestAs(pushLine)); r.status != 401 {
		t.Errorf("answered %v", r)
	}
}

// TestACertificateThatExpiresMeanwhile ends its connection without an answer, so that what was sent is sent again, on
// another one.
func TestACertificateThatExpiresMeanwhile(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	ca := newAuthority(t)
	yesterday := func(ln net.Listener) net.Listener { // when the connection began
		return tls.NewListener(ln, &tls.Config{
			Certificates: []tls.Certificate{ca.issue(t, "gw.test", time.Hour)}, ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: ca.pool, Time: func() time.Time { return time.Now().Add(-24 * time.Hour) },
		})
	}
	expired := ca.client(ca.issue(t, "agent", -time.Minute))
	c := g.callerOn(t, yesterday, expired)
	if r := c.ask(requestAs(pushLine, "Authorization: "+basicA)); r.status != 200 {
		t.Errorf("with a password that decides alone: answered %v", r)
	}
	if r := c.ask(requestAs(pushLine)); r.status != 0 || r.err == nil {
		t.Errorf("answered %v, want the end of the connection", r)
	}
	if got := u.requests(); len(got) != 1 {
		t.Errorf("the upstream saw %d requests, want one", len(got))
	}
	eventually(t, "it is counted and logged", func() bool {
		return g.refusals("certificate_expired") == "1" && strings.Contains(g.log.String(), "certificate_expired")
	})
	fresh := g.callerOn(t, ca.secure(t, tls.RequireAndVerifyClientCert), ca.client(ca.issue(t, "agent", time.Hour)))
	if r := fresh.ask(requestAs(pushLine)); r.status != 200 {
		t.Errorf("with a new certificate: answered %v", r)
	}
}

// TestChainsEndWithTheirFirstMember: what vouches for a certificate has to be good as well, along one chain at least.
func TestChainsEndWithTheirFirstMember(t *testing.T) {
	t.Parallel()
	at := func(hours int) *x509.Certificate {
		return &x509.Certificate{NotAfter: time.Unix(0, 0).Add(time.Duration(hours) * time.Hour), Subject: pkix.Name{CommonName: "agent"}}
	}
	for _, test := range []struct {
		chains [][]*x509.Certificate
		hours  int
	}{
		{[][]*x509.Certificate{{at(3), at(5), at(9)}}, 3},
		{[][]*x509.Certificate{{at(3), at(2), at(9)}}, 2},
		{[][]*x509.Certificate{{at(3), at(1), at(9)}, {at(3), at(2), at(9)}}, 2},
		{[][]*x509.Certificate{{at(3), at(4)}, {at(3), at(1)}}, 3},
	} {
		if got := newCertificate(test.chains).until; !got.Equal(at(test.hours).NotAfter) {
			t.Errorf("%v, want hour %d", got, test.hours)
		}
	}
	if newCertificate(nil) != nil {
		t.Error("no chain is a certificate")
	}
}
