package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// watched is a socket that counts what is written to it.
type watched struct {
	*net.TCPConn
	writes atomic.Int64
}

func (w *watched) Write(p []byte) (int, error) {
	w.writes.Add(1)
	return w.TCPConn.Write(p)
}

// sockets gives the client's end of a loopback connection and the server's.
func sockets(t *testing.T) (*net.TCPConn, *watched) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client.(*net.TCPConn), &watched{TCPConn: server.(*net.TCPConn)}
}

// greeted is a connection in TLS of one version, the handshake done: the client, the socket below it, and the server.
func greeted(t *testing.T, version uint16) (client *tls.Conn, below *watched, server *tls.Conn) {
	t.Helper()
	tcp, below := sockets(t)
	client = tls.Client(tcp, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	server = tls.Server(below, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := errors.Join(server.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return client, below, server
}

var versions = map[string]uint16{"plain": 0, "TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// TestGone: the end of a client's side is seen behind whatever it sent before, and nothing else is taken for it.
func TestGone(t *testing.T) {
	for name, version := range versions {
		for _, c := range []struct {
			name  string
			sends string
			does  func(c net.Conn, tcp *net.TCPConn) error
			gone  bool
		}{
			{"waits", "", nil, false},
			{"has sent more", "GET / HTTP/1.1\r\n", nil, false},
			{"closes", "", func(c net.Conn, _ *net.TCPConn) error { return c.Close() }, true},
			{"closes after it has sent more", "GET / HTTP/1.1\r\n", func(c net.Conn, _ *net.TCPConn) error { return c.Close() }, true},
			{"ends its side", "", func(_ net.Conn, tcp *net.TCPConn) error { return tcp.CloseWrite() }, true},
			{"ends its side after it has sent more", "GET", func(_ net.Conn, tcp *net.TCPConn) error { return tcp.CloseWrite() }, true},
			{"resets", "", func(_ net.Conn, tcp *net.TCPConn) error { return errors.Join(tcp.SetLinger(0), tcp.Close()) }, true},
			{"resets after it has sent more", "GET", func(_ net.Conn, tcp *net.TCPConn) error { return errors.Join(tcp.SetLinger(0), tcp.Close()) }, true},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				var client, server net.Conn
				var tcp *net.TCPConn
				if version == 0 {
					tcp, server = sockets(t)
					client = tcp
				} else {
					secure, _, s := greeted(t, version)
					client, server, tcp = secure, s, secure.NetConn().(*net.TCPConn)
				}
				if _, err := io.WriteString(client, c.sends); err != nil {
					t.Fatal(err)
				}
				for c.sends != "" && !Arrived(server) { // loopback is quick, but not at once
				}
				if Gone(server) {
					t.Fatal("it is taken for gone while it is there")
				}
				if c.does == nil {
					return
				}
				if err := c.does(client, tcp); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(10 * time.Second); !Gone(server); {
					if time.Now().After(deadline) {
						t.Fatal("it is taken for there when it has gone")
					}
				}
			})
		}
	}
}

// TestNobodyWaitsToSayGoodbye closes a connection whose client takes nothing any more. To tell it, crypto/tls would wait
// for 5 s.
func TestNobodyWaitsToSayGoodbye(t *testing.T) {
	for name, end := range map[string]func(*Conn){
		"close":  func(c *Conn) { c.Close() }, //nolint:errcheck // the client's end tells
		"linger": func(c *Conn) { c.Linger() },
	} {
		t.Run(name, func(t *testing.T) {
			client, below, server := greeted(t, tls.VersionTLS13)
			c := NewConn(server, &testLimits)
			for full := 0; full < 2; { // bytes may be on their way yet from one kernel buffer to the other
				below.SetWriteDeadline(time.Now().Add(5 * time.Millisecond)) //nolint:errcheck // the write tells
				n, err := below.Write(make([]byte, 1<<20))
				switch {
				case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
					t.Fatal(err)
				case n == 0 && !takesMore(server):
					full++
				default:
					full = 0
				}
			}
			writes := below.writes.Load()
			end(c)
			if n := below.writes.Load() - writes; n != 0 {
				t.Errorf("%d writes to a client that takes nothing", n)
			}
			if name == "close" {
				if _, err := below.TCPConn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the socket is still open: %v", err)
				}
			}
			client.Close()
		})
	}
}

// TestGoodbyeIsSaidWhereItCostsNothing: TLS tells the client that this end is meant.
func TestGoodbyeIsSaidWhereItCostsNothing(t *testing.T) {
	client, _, server := greeted(t, tls.VersionTLS12)
	if err := NewConn(server, &testLimits).Close(); err != nil {
		t.Fatal(err)
	}
	var first [1]byte
	if _, err := io.ReadFull(client.NetConn(), first[:]); err != nil || first[0] != tlsAlert {
		t.Errorf("read %d, %v; want an alert", first[0], err)
	}
}
