package inbound

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/headgate/headgate/cmd/headgate/inbound/inboundtest"
)

// echo serves a listener: whatever a connection sends comes back, behind the address it seems to come from.
func echo(t *testing.T, ln net.Listener) {
	t.Helper()
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 64)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					if _, err := io.WriteString(c, remoteHost(c)+" "+string(b[:n])); err != nil {
						return
					}
				}
			}()
		}
	}()
}

func remoteHost(c net.Conn) string {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return "?"
	}
	return host
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// say sends text on c and returns the answer; "" when the connection ended.
func say(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		return ""
	}
	b := make([]byte, 128)
	n, err := c.Read(b)
	if err != nil && !strings.Contains(err.Error(), "timeout") {
		return ""
	}
	return string(b[:n])
}

// greeting is how clients are greeted with a certificate of the authority.
func greeting(t *testing.T, ca *inboundtest.Authority, serial int64, auth tls.ClientAuthType) *tls.Config {
	t.Helper()
	return &tls.Config{
		Certificates: []tls.Certificate{ca.Pair(t, "gw.test", serial)}, ClientCAs: ca.Pool, ClientAuth: auth,
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}
}

func TestACertificateChangesWhileConnectionsAreOpen(t *testing.T) {
	ca := inboundtest.NewAuthority(t, "ca")
	state := &TLS{}
	state.Use(greeting(t, ca, 101, tls.NoClientCert))
	ln := loopback(t)
	echo(t, state.Listener(ln))
	dial := func() (*tls.Conn, int64) {
		c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "gw.test", NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("negotiated %q, want http/1.1", got)
		}
		return c, c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	old, serial := dial()
	if serial != 101 {
		t.Fatalf("serial %d, want 101", serial)
	}
	state.Use(greeting(t, ca, 102, tls.NoClientCert))
	if _, serial := dial(); serial != 102 {
		t.Errorf("after the renewal: serial %d, want 102", serial)
	}
	if got := say(t, old, "still here"); !strings.HasSuffix(got, "still here") {
		t.Errorf("the connection from before the renewal answered %q", got)
	}
}

func TestClientCertificates(t *testing.T) {
	ca, other := inboundtest.NewAuthority(t, "ca"), inboundtest.NewAuthority(t, "other")
	for _, c := range []struct {
		name   string
		auth   tls.ClientAuthType
		signer *inboundtest.Authority // of the client's certificate; nil: it has none
		max    uint16
		served bool
	}{
		{"required and there", tls.RequireAndVerifyClientCert, ca, 0, true},
		{"required and missing", tls.RequireAndVerifyClientCert, nil, 0, false},
		{"required and from another authority", tls.RequireAndVerifyClientCert, other, 0, false},
		{"optional and missing", tls.VerifyClientCertIfGiven, nil, 0, true},
		{"optional and from another authority", tls.VerifyClientCertIfGiven, other, 0, false},
		{"a version below the minimum", tls.NoClientCert, nil, tls.VersionTLS11, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := &TLS{}
			state.Use(greeting(t, ca, 1, c.auth))
			ln := loopback(t)
			echo(t, state.Listener(ln))
			config := &tls.Config{RootCAs: ca.Pool, ServerName: "gw.test", MaxVersion: c.max, MinVersion: tls.VersionTLS10}
			if c.signer != nil {
				pair := c.signer.Pair(t, "client", 2)
				// Offered whatever the server asks for, as somebody who tries would.
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
			}
			got := ""
			if conn, err := tls.Dial("tcp", ln.Addr().String(), config); err == nil {
				defer conn.Close()
				got = say(t, conn, "hello")
			}
			if served := got != ""; served != c.served {
				t.Errorf("served %v, want %v", served, c.served)
			}
		})
	}
}

func TestProxyHeaders(t *testing.T) {
	v2 := func(source string) string {
		h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP(source), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 80})
		b, err := h.Format()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	socketFile := "\r\n\r\n\x00\r\nQUIT\n\x21\x31\x00\xd8" + strings.Repeat("/run/client.sock"+strings.Repeat("\x00", 92), 2)
	loop := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		name    string
		trusted []netip.Prefix
		sent    string
		want    string
	}{
		{"version 1 from a trusted proxy", loop, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nhello", "192.0.2.7 hello"},
		{"version 1 with IPv6", loop, "PROXY TCP6 2001:db8::7 ::1 4711 80\r\nhello", "2001:db8::7 hello"},
		{"version 2 from a trusted proxy", loop, v2("192.0.2.9") + "hello", "192.0.2.9 hello"},
		{"a health check of the proxy itself", loop, "PROXY UNKNOWN\r\nhello", "127.0.0.1 hello"},
		{"a client that the proxy knows by a socket file", loop, socketFile + "hello", ""},
		{"a health check that says the same", loop, strings.Replace(socketFile, "\x21\x31", "\x20\x31", 1) + "hello", "127.0.0.1 hello"},
		{"no header from a trusted proxy", loop, "hello, this is no header at all", ""},
		{"a header cut short", loop, "PROXY TCP4 192.0.2.7\r\nhello", ""},
		{"no header from anybody else", nil, "hello", "127.0.0.1 hello"},
		{"a header from anybody else", nil, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nhello", ""},
		{"a header of version 2 from anybody else", nil, v2("192.0.2.9") + "hello", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ln := loopback(t)
			echo(t, WithProxyHeaders(ln, func() []netip.Prefix { return c.trusted }, 10*time.Second))
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got := say(t, conn, c.sent); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestAcceptDoesNotWaitForHeaders lets a client that sends nothing connect first: the next one is served all the same.
func TestAcceptDoesNotWaitForHeaders(t *testing.T) {
	ln := loopback(t)
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	echo(t, WithProxyHeaders(ln, func() []netip.Prefix { return trusted }, time.Minute))
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := say(t, conn, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nhello"); got != "192.0.2.7 hello" {
		t.Errorf("got %q", got)
	}
}
