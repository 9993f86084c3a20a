package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// edge is a gateway before an upstream that answers with the X-Forwarded-For it gets; keys go into [server].
func edge(t *testing.T, keys string) (r *running, toml func(keys string) string) {
	t.Helper()
	rest := everything(echoHeaders(t, "X-Forwarded-For")) + tenant("team-a", "prometheus-a", "one")
	toml = func(keys string) string { return strings.Replace(gate(rest), "[admin]", keys+"\n[admin]", 1) }
	return start(t, toml(keys)), toml
}

// exchange sends raw bytes on a connection of their own and returns the status and the body; 0 when there was no answer.
func exchange(t *testing.T, address, raw string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return on(t, conn, raw)
}

// on is exchange on a connection that stays open.
func on(t *testing.T, conn net.Conn, raw string) (status int, body string) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return 0, ""
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			return 0, ""
		}
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

const pushRaw = "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Basic cHJvbWV0aGV1cy1hOm9uZQ==\r\nContent-Length: 1\r\n\r\nx"

func TestProxyHeadersTellWhoTheClientIs(t *testing.T) {
	r, toml := edge(t, "proxy_protocol = true\ntrusted_proxies = [\"127.0.0.0/8\"]\nallow_from = [\"192.0.2.0/24\", \"2001:db8::/32\"]")
	address := r.Addrs()[0].String()
	v2Of := func(command proxyproto.ProtocolVersionAndCommand, family proxyproto.AddressFamilyAndProtocol, source, destination net.Addr) string {
		h := &proxyproto.Header{Version: 2, Command: command, TransportProtocol: family, SourceAddr: source, DestinationAddr: destination}
		b, err := h.Format()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4711} }
	udp := func(ip string) net.Addr { return &net.UDPAddr{IP: net.ParseIP(ip), Port: 4711} }
	unix := func(network string) net.Addr { return &net.UnixAddr{Net: network, Name: "/run/client.sock"} }
	v2 := func(source string) string {
		return v2Of(proxyproto.PROXY, proxyproto.TCPv4, tcp(source), tcp("192.0.2.1"))
	}
	for _, c := range []struct {
		name, header string
		status       int
		forwarded    string
	}{
		{"version 1", "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n", 200, "192.0.2.7"},
		{"version 1 with IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n", 200, "2001:db8::7"},
		{"version 2", v2("192.0.2.8"), 200, "192.0.2.8"},
		{"version 1, an address that may not connect", "PROXY TCP4 198.51.100.7 192.0.2.1 4711 80\r\n", 0, ""},
		{"version 2, an address that may not connect", v2("198.51.100.7"), 0, ""},
		{"version 2 with IPv6", v2Of(proxyproto.PROXY, proxyproto.TCPv6, tcp("2001:db8::7"), tcp("2001:db8::1")), 200, "2001:db8::7"},
		{"version 2, IPv4 written as IPv6", v2Of(proxyproto.PROXY, proxyproto.TCPv6, tcp("::ffff:192.0.2.7"), tcp("2001:db8::1")), 200, "192.0.2.7"},
		{"no header from a trusted proxy", "", 0, ""},
		// A connection of the proxy's own has the proxy's address, which may not connect here, whatever else it says.
		{"version 1, nobody in particular", "PROXY UNKNOWN\r\n", 0, ""},
		{"version 1, nobody in particular with an address", "PROXY UNKNOWN 192.0.2.7 192.0.2.1 4711 80\r\n", 0, ""},
		{"version 2, nobody in particular", v2Of(proxyproto.LOCAL, proxyproto.UNSPEC, nil, nil), 0, ""},
		{"version 2, nobody in particular with an address", v2Of(proxyproto.LOCAL, proxyproto.TCPv4, tcp("192.0.2.7"), tcp("192.0.2.1")), 0, ""},
		{"version 2, nobody in particular by UDP", v2Of(proxyproto.LOCAL, proxyproto.UDPv4, udp("192.0.2.7"), udp("192.0.2.1")), 0, ""},
		// HTTP comes over TCP. What does not is none of a client's addresses, so it is not one that may connect.
		{"version 2 with UDP", v2Of(proxyproto.PROXY, proxyproto.UDPv4, udp("192.0.2.7"), udp("192.0.2.1")), 0, ""},
		{"version 2 with UDP over IPv6", v2Of(proxyproto.PROXY, proxyproto.UDPv6, udp("2001:db8::7"), udp("2001:db8::1")), 0, ""},
		{"version 2 with a socket file", v2Of(proxyproto.PROXY, proxyproto.UnixStream, unix("unix"), unix("unix")), 0, ""},
		{"version 2 with a socket file of datagrams", v2Of(proxyproto.PROXY, proxyproto.UnixDatagram, unix("unixgram"), unix("unixgram")), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, forwarded := exchange(t, address, c.header+pushRaw)
			if status != c.status || forwarded != c.forwarded {
				t.Errorf("%d, the upstream saw %q; want %d, %q", status, forwarded, c.status, c.forwarded)
			}
		})
	}

	// Whom to trust changes at once; whether there are headers only with a restart, until when those who had to send them
	// still do.
	r.write(toml("proxy_protocol = true\ntrusted_proxies = [\"198.51.100.0/24\"]"))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if status, forwarded := exchange(t, address, pushRaw); status != 200 || forwarded != "127.0.0.1" {
		t.Errorf("no header from somebody who is not trusted: %d, %q", status, forwarded)
	}
	if status, _ := exchange(t, address, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"+pushRaw); status != 0 {
		t.Errorf("a header from somebody who is not trusted: %d", status)
	}
	r.write(toml("proxy_protocol = true\ntrusted_proxies = [\"::ffff:127.0.0.1\"]"))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	r.write(toml("trusted_proxies = []"))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if status, forwarded := exchange(t, address, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"+pushRaw); status != 200 || forwarded != "192.0.2.7" {
		t.Errorf("a header while the restart is due: %d, %q", status, forwarded)
	}
	status := request{method: "GET", url: r.adminURL("/status")}.must(t, newClient(t)).body
	if !strings.Contains(status, `"server.proxy_protocol"`) {
		t.Errorf("/status does not say that server.proxy_protocol waits for a restart:\n%s", status)
	}
}

func TestProxyHeadersBeforeTLS(t *testing.T) {
	files := newCertified(t)
	rest := everything(echoHeaders(t, "X-Forwarded-For")) + tenant("team-a", "prometheus-a", "one")
	r := start(t, withTLS("proxy_protocol = true\ntrusted_proxies = [\"127.0.0.1\"]\n"+files.table(""), rest))
	client := files.client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			_, err = io.WriteString(conn, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")
		}
		return conn, err
	}
	a := request{method: "POST", url: "https://" + r.Addrs()[0].String() + "/api/v1/push", user: "prometheus-a", password: "one", body: "x"}.must(t, client)
	if a.status != 200 || a.body != "192.0.2.7" {
		t.Errorf("%d, the upstream saw %q", a.status, a.body)
	}
}

func TestForwardedForCountsFromTrustedProxiesOnly(t *testing.T) {
	r, toml := edge(t, "")
	raw := strings.Replace(pushRaw, "Host:", "X-Forwarded-For: 198.51.100.7\r\nHost:", 1)
	if status, forwarded := exchange(t, r.Addrs()[0].String(), raw); status != 200 || forwarded != "127.0.0.1" {
		t.Errorf("from anybody: %d, %q", status, forwarded)
	}
	for _, trusted := range []string{"127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.0/104"} {
		r.write(toml(`trusted_proxies = ["` + trusted + `"]`))
		if problems := r.Reload(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if status, forwarded := exchange(t, r.Addrs()[0].String(), raw); status != 200 || forwarded != "198.51.100.7, 127.0.0.1" {
			t.Errorf("from a trusted proxy, %s: %d, %q", trusted, status, forwarded)
		}
	}
}

func TestAllowFrom(t *testing.T) {
	r, toml := edge(t, `allow_from = ["192.0.2.0/24"]`)
	address := r.Addrs()[0].String()
	for _, raw := range []string{pushRaw, "GET /healthz HTTP/1.1\r\nHost: gw.test\r\n\r\n"} {
		if status, _ := exchange(t, address, raw); status != 0 {
			t.Errorf("from an address that may not connect: %d", status)
		}
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body
	if !strings.Contains(metrics, "\nheadgate_client_connections_refused_total{reason=\"address\"} 2\n") {
		t.Error("the metrics do not count them")
	}
	for _, allowed := range []string{"127.0.0.1", "::ffff:127.0.0.0/104"} {
		r.write(toml(`allow_from = ["192.0.2.0/24", "` + allowed + `"]`))
		if problems := r.Reload(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if status, _ := exchange(t, address, pushRaw); status != 200 {
			t.Errorf("once it may, by %s: %d", allowed, status)
		}
	}
}

// TestTheOldestIdleConnectionMakesWay fills the gateway, and wants one more in: it gets the place of the connection that
// has waited longest, once that is a second, and not that of a request under way.
func TestTheOldestIdleConnectionMakesWay(t *testing.T) {
	cortex := holding(t)
	r := start(t, strings.Replace(gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")), "[admin]", "max_connections = 3\n[admin]", 1))
	address := r.Addrs()[0].String()
	busy := heldRequest(t, r, cortex)
	const health = "GET /healthz HTTP/1.1\r\nHost: gw.test\r\n\r\n"
	open := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	oldest, younger := open(), open()
	for _, conn := range []net.Conn{oldest, younger} {
		if status, _ := on(t, conn, health); status != 200 {
			t.Fatalf("a connection below the limit: %d", status)
		}
	}
	var late net.Conn
	eventually(t, "one more gets in", func() bool {
		late = open()
		status, _ := on(t, late, health)
		return status == 200
	})
	if _, err := oldest.Read(make([]byte, 1)); err == nil {
		t.Error("the oldest idle connection is still open")
	}
	for name, conn := range map[string]net.Conn{"the younger": younger, "the late": late} {
		if status, _ := on(t, conn, health); status != 200 {
			t.Errorf("%s connection: %d", name, status)
		}
	}
	close(cortex.hold)
	if a := <-busy; a.status != 200 {
		t.Errorf("the request under way: %d %q", a.status, a.body)
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body
	for _, series := range []string{"\nheadgate_client_connections 3\n", "\nheadgate_client_connections_refused_total{reason=\"limit\"} "} {
		if !strings.Contains(metrics, series) {
			t.Errorf("the metrics have no %q", series)
		}
	}
}

// TestBrowsersOfOtherSites wants a page of another host to change nothing, unless its origin is allowed.
func TestBrowsersOfOtherSites(t *testing.T) {
	r, _ := edge(t, `allowed_origins = ["https://grafana.example"]`)
	address := r.Addrs()[0].String()
	const basic = "Authorization: Basic cHJvbWV0aGV1cy1hOm9uZQ=="
	for _, c := range []struct {
		name, target string
		headers      []string
		status       int
	}{
		{"a program", "POST /api/v1/rules/a", nil, 200},
		{"a page of the gateway's own host", "POST /api/v1/rules/a", []string{"Origin: http://gw.test", "Sec-Fetch-Site: same-origin"}, 200},
		{"a page of another host", "POST /api/v1/rules/a", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, 403},
		{"an old browser at a page of another host", "POST /api/v1/rules/a", []string{"Origin: https://evil.example"}, 403},
		{"a page of a neighbour", "DELETE /api/v1/rules/a", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"an allowed page", "POST /api/v1/rules/a", []string{"Origin: https://grafana.example", "Sec-Fetch-Site: cross-site"}, 200},
		{"an allowed host over another scheme", "POST /api/v1/rules/a", []string{"Origin: http://grafana.example", "Sec-Fetch-Site: cross-site"}, 403},
		{"a silence from another host", "POST /alertmanager/api/v2/silences", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, 403},
		{"a read from another host", "GET /prometheus/api/v1/query?query=up", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, 200},
		{"Grafana's data-source proxy", "POST /api/v1/rules/a", []string{
			"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin", "X-Grafana-Org-Id: 1",
			"X-Grafana-Referer: https://grafana.example/alerting/new/alerting", "User-Agent: Grafana/11.4.0",
		}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := c.target + " HTTP/1.1\r\n" + strings.Join(append(c.headers, "Host: gw.test", basic), "\r\n") + "\r\n"
			if !strings.HasPrefix(c.target, "GET ") {
				raw += "Content-Length: 0\r\n"
			}
			status, body := exchange(t, address, raw+"\r\n")
			if status != c.status {
				t.Errorf("%d %q, want %d", status, body, c.status)
			}
		})
	}
	for origin, want := range map[string]int{"https://grafana.example": 200, "https://evil.example": 403} {
		raw := fmt.Sprintf("POST /reload HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: %s\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n", origin)
		if status, body := exchange(t, r.AdminAddr().String(), raw); status != want {
			t.Errorf("a reload from a page of %s: %d %q, want %d", origin, status, body, want)
		}
	}
}
