package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// names is a Resolver that knows some.
type names map[string][]netip.Addr

var errNoName = errors.New("no such name")

func (n names) LookupIP(_ context.Context, host string) ([]netip.Addr, error) {
	if addresses, ok := n[host]; ok {
		return addresses, nil
	}
	return nil, errNoName
}

func (n names) LookupSRV(_ context.Context, name string) ([]*net.SRV, error) {
	if _, ok := n[name]; !ok {
		return nil, errNoName
	}
	return []*net.SRV{{Target: "one.example.", Port: uint16(len(n[name]))}}, nil
}

var loopback = []netip.Addr{netip.MustParseAddr("127.0.0.1")}

// target is a server of a test.
func target(t *testing.T, url string) balancer.Target {
	t.Helper()
	_, found, err := balancer.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func look(u Upstream, known names) []Finding {
	u.Name, u.Host, u.Path = "distributor", "cortex.example", "/ready"
	if u.Connect == 0 {
		u.Connect = 2 * time.Second
	}
	return Surroundings{Upstreams: []Upstream{u}, Resolver: known, Now: time.Now()}.Look(context.Background())
}

// one wants one finding.
func one(t *testing.T, found []Finding, level Level, parts ...string) {
	t.Helper()
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	for _, part := range parts {
		if !strings.Contains(found[0].String(), part) || found[0].Level != level {
			t.Errorf("found %q, want %s with %q", found[0], level, part)
		}
	}
}

func TestAHostThatAnswersIsFine(t *testing.T) {
	asked := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		w.WriteHeader(http.StatusNotFound) // somebody answers, which is what counts
	}))
	defer server.Close()
	one(t, look(Upstream{Targets: []balancer.Target{target(t, server.URL)}}, nil), OK,
		"ok: upstreams.distributor: "+strings.TrimPrefix(server.URL, "http://")+": connected in ", "GET /ready answered 404")
	if r := <-asked; r.Host != "cortex.example" || r.Header.Get("X-Scope-OrgID") != "" {
		t.Errorf("asked as %s, %v", r.Host, r.Header)
	}
}

func TestAHostThatIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	one(t, look(Upstream{Targets: []balancer.Target{target(t, url)}}, nil), Error, "no connection: ", "refused", "; start it")
}

func TestAHostThatSpeaksSomethingElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
			_ = conn.Close()
		}
	}()
	one(t, look(Upstream{Targets: []balancer.Target{target(t, "http://"+l.Addr().String())}}, nil), Warning,
		"it takes connections and does not answer GET /ready", "is it Cortex?")
}

func TestAClockThatIsOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	}))
	defer server.Close()
	one(t, look(Upstream{Targets: []balancer.Target{target(t, server.URL)}}, nil), Warning, "its clock and the one here are ", " apart; synchronise both")
}

func TestTLSIsSpokenAsConfigured(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	trusting := x509.NewCertPool()
	trusting.AddCert(server.Certificate())
	targets := []balancer.Target{target(t, server.URL)}
	one(t, look(Upstream{Targets: targets, TLS: &tls.Config{RootCAs: trusting}}, nil), OK, "connected")
	one(t, look(Upstream{Targets: targets, TLS: &tls.Config{RootCAs: x509.NewCertPool()}}, nil), Error, "no connection: TLS: ", "unknown authority")
	one(t, look(Upstream{Targets: targets, TLS: &tls.Config{RootCAs: trusting, ServerName: "else.example"}}, nil), Error, "else.example")
}

func TestNamesAreLookedUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	named := target(t, "http://cortex.example:"+strconv.Itoa(port))
	found := look(Upstream{Targets: []balancer.Target{named}}, names{"cortex.example": loopback})
	if len(found) != 2 || unwell(found) != "" || !strings.HasPrefix(found[0].String(), "ok: upstreams.distributor: name cortex.example: 1 addresses, ") {
		t.Errorf("found %v", found)
	}
	one(t, look(Upstream{Targets: []balancer.Target{named}}, names{}), Error, "name cortex.example: it has no address: no such name; correct url")
	one(t, look(Upstream{Targets: []balancer.Target{named}}, names{"cortex.example": nil}), Error, "it has no address; correct url, or DNS")

	// An SRV record brings its port: here 1, where nobody listens.
	service := target(t, "dnssrv+http://_http._tcp.cortex.example")
	known := names{"_http._tcp.cortex.example": loopback, "one.example": loopback}
	found = look(Upstream{Targets: []balancer.Target{service}}, known)
	if len(found) != 2 || found[0].Level != OK || found[1].Level != Error || !strings.Contains(found[1].What, "127.0.0.1:1") {
		t.Errorf("found %v", found)
	}
}

func TestCertificatesThatEnd(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		-time.Hour:           "error: certificate of server.tls: it has ended 2026-11-30; renew it",
		13 * 24 * time.Hour:  "warning: certificate of server.tls: it ends 2026-12-14; renew it",
		100 * 24 * time.Hour: "ok: certificate of server.tls: it is good until 2027-03-11",
	} {
		s := Surroundings{Certificates: []Certificate{{"server.tls", now.Add(left)}}, Now: now}
		if found := s.Look(context.Background()); len(found) != 1 || found[0].String() != want {
			t.Errorf("found %v, want %s", found, want)
		}
	}
}
