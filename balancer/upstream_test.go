package balancer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// upstream is a machine that a test plays: it accepts connections, and the test says what happens on each.
type upstream struct {
	net.Listener
	accepted chan net.Conn
}

// listen starts an upstream on addr; with a TLS configuration every accepted connection is one of TLS.
func listen(t testing.TB, addr string, config *tls.Config) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("this machine cannot listen on %s: %v", addr, err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	u := &upstream{Listener: l, accepted: make(chan net.Conn, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if handshaker, ok := c.(*tls.Conn); ok {
				go func() { _ = handshaker.Handshake() }()
			}
			u.accepted <- c
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		close(u.accepted)
		for c := range u.accepted {
			_ = c.Close()
		}
	})
	return u
}

// next returns the next connection that came; the test closes it at its end.
func (u *upstream) next(t testing.TB) net.Conn {
	t.Helper()
	select {
	case c := <-u.accepted:
		t.Cleanup(func() { _ = c.Close() })
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("no connection came")
		return nil
	}
}

// none fails the test when there was a connection that nobody has taken.
func (u *upstream) none(t testing.TB) {
	t.Helper()
	select {
	case <-u.accepted:
		t.Error("there was one more connection than there should be")
	default:
	}
}

func (u *upstream) target() Target {
	addr := u.Addr().(*net.TCPAddr).AddrPort()
	return Target{Literal, addr.Addr().Unmap().String(), addr.Port()}
}

// hostOf returns the only host of a new pool with options o that sends to u.
func hostOf(t testing.TB, u *upstream, o Options) *Host {
	t.Helper()
	o.Name, o.Targets = "distributor", []Target{u.target()}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 30 * time.Second // the machine may be busy
	}
	p := New(o, nil)
	t.Cleanup(p.Close)
	return p.Hosts()[0]
}

func acquire(t testing.TB, h *Host) *Conn {
	t.Helper()
	c, err := h.Acquire(time.Now(), 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange sends one byte to the upstream's end of the connection and one back.
func exchange(t testing.TB, c *Conn, end net.Conn) {
	t.Helper()
	for _, step := range []struct{ from, to net.Conn }{{c.NetConn(), end}, {end, c.NetConn()}} {
		send(t, step.from, "x")
		if _, err := io.ReadFull(step.to, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

func send(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func tcpOf(c *conn) *net.TCPConn {
	switch s := c.socket.(type) {
	case plainSocket:
		return s.TCPConn
	case *tlsSocket:
		return s.wire.TCPConn
	default:
		panic("unknown socket")
	}
}

// arrived waits until the connection has something to read: bytes, an end, an error.
func arrived(t testing.TB, k *conn) {
	t.Helper()
	raw, err := tcpOf(k).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	_ = raw.Control(func(fd uintptr) {
		for {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
			if err != syscall.EINTR {
				return
			}
		}
	})
	if n != 1 || err != nil {
		t.Fatalf("nothing arrived: %d, %v", n, err)
	}
}

// authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = sign(t, template, template, nil)
	a.pool.AddCert(a.cert)
	return a
}

// issue returns a certificate for the names, which may be addresses.
func (a *authority) issue(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	cert, key := sign(t, template, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// sign makes a certificate from template; without the parent's key it signs itself.
func sign(
	t testing.TB, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey,
) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parentKey == nil {
		parentKey = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}
