package proxy

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func startTurningAway(t *testing.T, change func(*Settings)) *loggedGateway {
	t.Helper()
	return startLogged(t, testRoutes(testPool(t, startRecorder(t, nil).addr), nil), change)
}

// wantTurnedAway wants one line of the audit log, with these fields; "" is for one that is not there. It returns the line.
func (g *loggedGateway) wantTurnedAway(t *testing.T, want map[string]string) map[string]any {
	t.Helper()
	var lines []map[string]any
	eventually(t, "the audit log has a line", func() bool {
		lines = linesOf(t, g.lines, func(line map[string]any) bool { return line["msg"] == "a connection was refused" })
		return len(lines) > 0
	})
	if len(lines) > 1 || !isAudit(lines[0]) {
		t.Errorf("want one line of the audit log: %v", lines)
	}
	for field, value := range want {
		if got, there := lines[0][field]; there != (value != "") || there && got != value {
			t.Errorf("%s is %v, want %q", field, got, value)
		}
	}
	g.lines.reset()
	return lines[0]
}

// TestConnectionsThatAreTurnedAwayAreAudited: they have no request, but an address.
func TestConnectionsThatAreTurnedAwayAreAudited(t *testing.T) {
	t.Parallel()
	g := startTurningAway(t, func(s *Settings) { s.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	if _, err := g.dial(t).Read(make([]byte, 1)); err == nil {
		t.Error("the connection was not turned away")
	}
	g.wantTurnedAway(t, map[string]string{"reason": "address_denied", "address": "127.0.0.1", "detail": "", "sender": ""})
}

// toldLater is a listener whose connections say where they come from once their clients have sent something.
type toldLater struct {
	net.Listener
	t *testing.T
}

func (l toldLater) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &toldLaterConn{c, l.t}, nil
}

type toldLaterConn struct {
	net.Conn
	t *testing.T
}

func (c *toldLaterConn) TellsAddressLater() {}

func (c *toldLaterConn) RemoteAddr() net.Addr {
	c.t.Error("a connection that is turned away is asked for its address")
	return c.Conn.RemoteAddr()
}

// TestAFullHouseIsAudited, with the address of who found no room, unless to ask for it would be to wait for the client.
func TestAFullHouseIsAudited(t *testing.T) {
	t.Parallel()
	g := startTurningAway(t, func(s *Settings) { s.MaxConnections = 1 })
	if _, err := g.dial(t).Write([]byte(strings.TrimSuffix(push("samples"), "ples"))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a request is under way", func() bool { return g.InFlight() == 1 })
	for _, test := range []struct {
		name, address string
		dial          func() net.Conn
	}{
		{"from afar", "192.0.2.7", func() net.Conn { return g.callerFrom(t, "192.0.2.7") }},
		{"on this machine", "unix", func() net.Conn { return dialUnix(t, g.onUnixSocket(t)) }},
		{"not known yet", "", func() net.Conn {
			return g.callerOn(t, func(ln net.Listener) net.Listener { return toldLater{ln, t} }, nil)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.dial()
			defer c.Close()
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("the connection was not turned away")
			}
			g.wantTurnedAway(t, map[string]string{
				"reason": "overloaded", "address": test.address, "detail": "there are as many connections as server.max_connections allows",
			})
		})
	}
}

// TestCertificatesThatAreRefusedAreAudited: TLS refuses them, before there is a request. Who has no certificate at all is
// refused where one is required.
func TestCertificatesThatAreRefusedAreAudited(t *testing.T) {
	t.Parallel()
	g := startTurningAway(t, nil)
	ca, foreign := newAuthority(t), newAuthority(t)
	expired, stranger := ca.issue(t, "agent", -time.Hour), foreign.issue(t, "agent", time.Hour)
	showing := func(certificate *tls.Certificate, version uint16) *tls.Config {
		config := ca.client()
		config.MaxVersion = version
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
		return config
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, test := range []struct {
			name           string
			config         *tls.Config
			sender, detail string
		}{
			{"none", showing(&tls.Certificate{}, version), "", "tls: client didn't provide a certificate"},
			{"of another authority", showing(&stranger, version), "dns:gw.test", "certificate signed by unknown authority"},
			{"expired", showing(&expired, version), "dns:gw.test", "certificate has expired"},
		} {
			t.Run(tls.VersionName(version)+"/"+test.name, func(t *testing.T) {
				c := g.callerOn(t, ca.secure(t, tls.RequireAndVerifyClientCert), test.config)
				if r := c.ask(requestAs(pushLine, "Authorization: "+basicA)); r.status != 0 {
					t.Errorf("answered %v", r)
				}
				line := g.wantTurnedAway(t, map[string]string{
					"reason": "unauthorized", "verdict": "rejected", "scheme": "Certificate", "sender": test.sender, "address": "127.0.0.1",
				})
				if detail, _ := line["detail"].(string); !strings.Contains(detail, test.detail) {
					t.Errorf("the detail is %q, want %q", detail, test.detail)
				}
			})
		}
	}
	// Whoever does not speak TLS has shown no credential.
	c := g.callerOn(t, ca.secure(t, tls.RequireAndVerifyClientCert), nil)
	if r := c.ask(requestAs(pushLine)); r.status != 0 {
		t.Errorf("answered %v", r)
	}
	eventually(t, "it is counted", func() bool { return g.metric("headgate_tls_handshake_errors_total") == "7" })
	g.change(t, func(s *Settings) { s.Audit = false })
	g.callerOn(t, ca.secure(t, tls.RequireAndVerifyClientCert), ca.client()).ask(requestAs(pushLine))
	eventually(t, "it is counted", func() bool { return g.metric("headgate_tls_handshake_errors_total") == "8" })
	if lines := linesOf(t, g.lines, isAudit); len(lines) != 0 {
		t.Errorf("there are more lines: %v", lines)
	}
}
