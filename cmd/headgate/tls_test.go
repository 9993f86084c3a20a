package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/inbound/inboundtest"
)

// certified is a folder with a certificate for gw.test and its key, cert.pem and key.pem, and the authority's, ca.pem.
type certified struct {
	*inboundtest.Authority
	t   *testing.T
	dir string
}

func newCertified(t *testing.T) *certified {
	t.Helper()
	c := &certified{Authority: inboundtest.NewAuthority(t, "ca"), t: t, dir: t.TempDir()}
	c.issue(101)
	c.put("ca.pem", c.PEM)
	return c
}

// issue writes a new pair, the certificate first.
func (c *certified) issue(serial int64) {
	c.t.Helper()
	cert, key := c.Issue(c.t, "gw.test", serial)
	c.put("cert.pem", cert)
	c.put("key.pem", key)
}

func (c *certified) put(name string, text []byte) {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), text, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *certified) path(name string) string { return filepath.Join(c.dir, name) }

// table is a [server.tls] with these files and further keys.
func (c *certified) table(more string) string {
	return fmt.Sprintf("[server.tls]\ncert_file = %q\nkey_file = %q\n%s\n", c.path("cert.pem"), c.path("key.pem"), more)
}

// client trusts the authority and shows pairs, if the server asks.
func (c *certified) client(pairs ...tls.Certificate) *http.Client {
	client := newClient(c.t)
	client.Transport.(*http.Transport).TLSClientConfig = c.config(pairs...)
	return client
}

func (c *certified) config(pairs ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: c.Pool, ServerName: "gw.test", Certificates: pairs}
}

// serial is that of the certificate which an address shows.
func (c *certified) serial(address string) int64 {
	c.t.Helper()
	conn, err := tls.Dial("tcp", address, c.config())
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// withTLS is a configuration of a gateway on loopback, whose addresses are all those of listen and more.
func withTLS(table, rest string) string {
	return strings.Replace(gate(rest), "[admin]", table+"[admin]", 1)
}

// echoHeaders is an upstream that answers with one header of what it gets.
func echoHeaders(t *testing.T, name string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Join(r.Header.Values(name), ", "))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTLSBesidePlain(t *testing.T) {
	files := newCertified(t)
	r := start(t, withTLS(files.table(`listen = ["127.0.0.1:0"]`), everything(echoHeaders(t, "X-Forwarded-Proto"))+tenant("team-a", "prometheus-a", "one")))
	if len(r.Addrs()) != 2 {
		t.Fatalf("%d addresses, want two", len(r.Addrs()))
	}
	plain, secure := r.Addrs()[0].String(), r.Addrs()[1].String()
	for _, c := range []struct{ url, want string }{{"http://" + plain, "http"}, {"https://" + secure, "https"}} {
		a := request{method: "POST", url: c.url + "/api/v1/push", user: "prometheus-a", password: "one", body: "x"}.must(t, files.client())
		if a.status != 200 || a.body != c.want {
			t.Errorf("%s: %d %q, want the upstream to see %q", c.url, a.status, a.body, c.want)
		}
	}
	status := request{method: "GET", url: r.adminURL("/status")}.must(t, newClient(t)).body
	for _, want := range []string{"\"listen\": [\n    \"" + plain, "\"listen_tls\": [\n    \"" + secure, `"key": "server.tls"`} {
		if !strings.Contains(status, want) {
			t.Errorf("/status has no %s:\n%s", want, status)
		}
	}
	if page := (request{method: "GET", url: r.adminURL("/")}).must(t, newClient(t)).body; !strings.Contains(page, secure+" <small>TLS</small>") {
		t.Errorf("the page does not show the address with TLS:\n%s", page)
	}
}

// TestTheProtocolOfAnAddressChangesWithoutClosingIt turns TLS on, moves it to an address of its own and takes it away
// again, over TCP and over a socket file.
func TestTheProtocolOfAnAddressChangesWithoutClosingIt(t *testing.T) {
	files := newCertified(t)
	port := freePort(t)
	socket := filepath.Join(files.dir, "gate.sock")
	rest := everything("http://127.0.0.1:1")
	listen := func(list string) string {
		return strings.Replace(gate(rest), `listen = "127.0.0.1:0"`, "listen = "+list, 1)
	}
	both := fmt.Sprintf(`["127.0.0.1:%s", "unix:%s"]`, port, socket)
	r := start(t, listen(both))
	address := "127.0.0.1:" + port
	ask := func(network, address string, secure bool) error {
		conn, err := net.Dial(network, address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if secure {
			conn = tls.Client(conn, files.config())
		}
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"); err != nil {
			return err
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != 200 {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	}
	for _, step := range []struct {
		name, toml            string
		securePort, secureSun bool
	}{
		{"plain", listen(both), false, false},
		{"TLS on both", strings.Replace(listen(both), "[admin]", files.table("")+"[admin]", 1), true, true},
		{"TLS on the port", strings.Replace(listen(`"unix:`+socket+`"`), "[admin]", files.table(`listen = "`+address+`"`)+"[admin]", 1), true, false},
		{"TLS on the socket", strings.Replace(listen(`"`+address+`"`), "[admin]", files.table(`listen = "unix:`+socket+`"`)+"[admin]", 1), false, true},
		{"plain again", listen(both), false, false},
	} {
		r.write(step.toml)
		if problems := r.Reload(); len(problems) > 0 {
			t.Fatalf("%s: %v", step.name, problems)
		}
		// A connection may still be taken by the listener that closes; the next one is not.
		eventually(t, step.name+" on the port", func() bool { return ask("tcp", address, step.securePort) == nil })
		eventually(t, step.name+" on the socket", func() bool { return ask("unix", socket, step.secureSun) == nil })
	}
}

// freePort is one that nobody has, as far as can be told.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestCertificatesAreRenewedUnderLiveConnections writes half a pair, then the whole one, while requests go on.
func TestCertificatesAreRenewedUnderLiveConnections(t *testing.T) {
	files := newCertified(t)
	cortex := newUpstream(t)
	r := start(t, withTLS(files.table(""), everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")))
	address := r.Addrs()[0].String()
	push := request{method: "POST", url: "https://" + address + "/api/v1/push", user: "prometheus-a", password: "one", body: "x"}

	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		client := files.client()
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if a, err := push.send(client); err != nil || a.status != 200 {
					t.Errorf("a push during the renewal: %d, %v", a.status, err)
					return
				}
			}
		})
	}
	metrics := func() string { return request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body }
	if first := metrics(); !strings.Contains(first, `headgate_certificate_expiry_timestamp_seconds{certificate="server.tls"} `) ||
		!strings.Contains(first, "\nheadgate_certificate_last_reload_successful 1\n") {
		t.Error("the metrics do not show the certificate")
	}
	if got := files.serial(address); got != 101 {
		t.Fatalf("serial %d, want 101", got)
	}

	cert, key := files.Issue(t, "gw.test", 102)
	files.put("cert.pem", cert)
	eventually(t, "half a pair is noticed", func() bool { return strings.Contains(metrics(), "\nheadgate_certificate_last_reload_successful 0\n") })
	if got := files.serial(address); got != 101 {
		t.Errorf("with half a pair: serial %d, want 101", got)
	}
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, newClient(t)); ready.status != 200 || !strings.Contains(ready.body, "server.tls: ") {
		t.Errorf("/ready: %d %q", ready.status, ready.body)
	}
	if !strings.Contains(r.log.String(), "changed files not used, what they held before stays") {
		t.Error("the log does not say that the pair is no pair")
	}
	files.put("key.pem", key)
	eventually(t, "the whole pair is in use", func() bool { return files.serial(address) == 102 })
	eventually(t, "the metrics say so", func() bool { return strings.Contains(metrics(), "\nheadgate_certificate_last_reload_successful 1\n") })

	files.put("cert.pem", []byte("no certificate"))
	eventually(t, "a broken file is noticed", func() bool { return strings.Contains(metrics(), "\nheadgate_certificate_last_reload_successful 0\n") })
	if got := files.serial(address); got != 102 {
		t.Errorf("with a broken file: serial %d, want 102", got)
	}
	close(stop)
	load.Wait()

	// A reload asks for the whole configuration to be good.
	if problems := r.Reload(); len(problems) == 0 || !strings.Contains(problems[0], "server.tls") {
		t.Errorf("a reload with a broken file: %v", problems)
	}
	files.issue(103)
	if problems := r.Reload(); len(problems) > 0 {
		t.Error(problems)
	}
	if got := files.serial(address); got != 103 {
		t.Errorf("after a reload: serial %d, want 103", got)
	}
}

func TestClientCertificates(t *testing.T) {
	files := newCertified(t)
	rest := everything(newUpstream(t).URL) + tenant("team-a", "prometheus-a", "one")
	toml := func(auth string) string {
		return withTLS(files.table(fmt.Sprintf("client_auth = %q\nclient_ca_file = %q", auth, files.path("ca.pem"))), rest)
	}
	r := start(t, toml("required"))
	own, other := files.Pair(t, "client", 2), inboundtest.NewAuthority(t, "other").Pair(t, "client", 2)
	for _, c := range []struct {
		auth   string
		shown  []tls.Certificate
		served bool
	}{
		{"required", []tls.Certificate{own}, true},
		{"required", nil, false},
		{"required", []tls.Certificate{other}, false},
		{"optional", []tls.Certificate{own}, true},
		{"optional", nil, true},
		{"optional", []tls.Certificate{other}, false},
	} {
		t.Run(fmt.Sprint(c.auth, " ", len(c.shown), " ", c.served), func(t *testing.T) {
			r.write(toml(c.auth))
			if problems := r.Reload(); len(problems) > 0 {
				t.Fatal(problems)
			}
			client := files.client()
			if len(c.shown) > 0 { // whatever authorities the server names
				client.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &c.shown[0], nil
				}
			}
			a, err := request{method: "POST", url: "https://" + r.Addrs()[0].String() + "/api/v1/push", user: "prometheus-a", password: "one", body: "x"}.send(client)
			if served := err == nil && a.status == 200; served != c.served {
				t.Errorf("served %t (%d, %v), want %t", served, a.status, err, c.served)
			}
		})
	}
	eventually(t, "failed handshakes are counted", func() bool {
		return strings.Contains(request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body, "\nheadgate_tls_handshake_errors_total 3\n")
	})
	if !strings.Contains(r.log.String(), "a client and TLS did not agree") {
		t.Error("the log does not name the clients that were turned away")
	}
}

// TestAnAuthorityOfAnUpstreamIsReadAgain lets an upstream change its authority: first nobody knows it, then the file
// that names it is written, and nothing else happens.
func TestAnAuthorityOfAnUpstreamIsReadAgain(t *testing.T) {
	files := newCertified(t)
	next := inboundtest.NewAuthority(t, "next")
	cortex := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	cortex.TLS = &tls.Config{
		Certificates: []tls.Certificate{next.Pair(t, "cortex.test", 1)},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: next.Pool,
	}
	cortex.Config.ErrorLog = log.New(io.Discard, "", 0)
	cortex.StartTLS()
	t.Cleanup(cortex.Close)
	ours := func(a *inboundtest.Authority) {
		cert, key := a.Issue(t, "headgate", 7)
		files.put("ours.pem", cert)
		files.put("ours.key", key)
	}
	ours(files.Authority)
	rest := "[upstreams.all]\nurl = \"" + cortex.URL + "\"\nidle_timeout = \"50ms\"\n[upstreams.all.tls]\n" +
		fmt.Sprintf("ca_file = %q\ncert_file = %q\nkey_file = %q\nserver_name = \"cortex.test\"\n", files.path("ca.pem"), files.path("ours.pem"), files.path("ours.key")) +
		tenant("team-a", "prometheus-a", "one")
	r := start(t, gate(rest))
	client := newClient(t)
	query := request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-a", password: "one"}
	if a := query.must(t, client); a.status != 503 || a.header.Get("X-Headgate-Reason") != "connect_failed" {
		t.Fatalf("with an authority that nobody knows: %d %q", a.status, a.body)
	}
	// What is in the configuration file by now waits for a reload of its own.
	r.write(gate(rest) + tenant("team-b", "prometheus-b", "two"))
	files.put("ca.pem", next.PEM)
	ours(next)
	eventually(t, "the new authority is trusted", func() bool { return query.must(t, client).status == 200 })
	if a := (request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-b", password: "two"}).must(t, client); a.status != 401 {
		t.Errorf("the configuration file was read again: %d", a.status)
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
	if !strings.Contains(metrics, `headgate_certificate_expiry_timestamp_seconds{certificate="upstreams.all.tls"} `) {
		t.Error("the metrics do not show our own certificate")
	}
	files.put("ca.pem", []byte("no certificate"))
	eventually(t, "a broken file is noticed", func() bool {
		return strings.Contains(request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body, "\nheadgate_certificate_last_reload_successful 0\n")
	})
	if a := query.must(t, client); a.status != 200 {
		t.Errorf("with a broken file: %d %q", a.status, a.body)
	}
	files.put("ca.pem", next.PEM)
	eventually(t, "what was there before is there again", func() bool {
		metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
		return strings.Contains(metrics, "\nheadgate_certificate_last_reload_successful 1\n") && strings.Contains(metrics, "\nheadgate_config_last_reload_successful 1\n")
	})
}

// TestAPasswordFileIsReadAgain rotates a password without a signal.
func TestAPasswordFileIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	r := start(t, gate(everything(newUpstream(t).URL)+"[[tenants]]\nid = \"team-a\"\nusername = \"a\"\npassword_file = \""+file+"\"\n"))
	client := newClient(t)
	status := func(password string) int {
		return request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "a", password: password}.must(t, client).status
	}
	if got := status("one"); got != 200 {
		t.Fatalf("the first password: %d", got)
	}
	put("two")
	eventually(t, "the second password is good", func() bool { return status("two") == 200 })
	if got := status("one"); got != 401 {
		t.Errorf("the first password, once it has gone: %d", got)
	}
	put("")
	eventually(t, "the log says that it is empty", func() bool { return strings.Contains(r.log.String(), "changed files not used") })
	if got := status("two"); got != 200 {
		t.Errorf("with an empty file: %d", got)
	}
}
