package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// selfSigned is a certificate that nobody trusts.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"gw.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secured gives the client's end of a connection and the Conn that speaks TLS on the other, and where the latter tells
// of handshakes that fail.
func secured(t *testing.T) (net.Conn, *Conn, <-chan error) {
	t.Helper()
	failed := make(chan error, 1)
	limits := testLimits
	limits.HandshakeFailed = func(_ net.Addr, err error) { failed <- err }
	client, server := net.Pipe()
	config := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	return client, NewConn(tls.Server(server, config), &limits), failed
}

func TestAClientThatDoesNotGreetHasTheTimeOfAHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, c, failed := secured(t)
		defer client.Close()
		start := time.Now()
		if _, err := c.Read(make([]byte, 4096)); err != io.EOF {
			t.Errorf("%v, want an end", err)
		}
		if took := time.Since(start); took < testLimits.HeaderTimeout || took > testLimits.HeaderTimeout*9/8 {
			t.Errorf("it took %v, want the %v of a head", took, testLimits.HeaderTimeout)
		}
		if err := <-failed; !IsTimeout(err) {
			t.Errorf("told %v, want a timeout", err)
		}
		c.Close()
	})
}

// TestAGreetedClientMayBeIdle waits longer than a head may take before the first request, and before the second one
// that wants to be told to go on.
func TestAGreetedClientMayBeIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, c, _ := secured(t)
		defer client.Close()
		secure := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		done := make(chan string, 1)
		go func() {
			if err := secure.Handshake(); err != nil {
				t.Error(err)
			}
			for range 2 {
				time.Sleep(testLimits.HeaderTimeout * 4)
				if _, err := io.WriteString(secure, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"); err != nil {
					t.Error(err)
				}
				b := make([]byte, len(continueLine))
				if _, err := io.ReadFull(secure, b); err != nil || string(b) != string(continueLine) {
					t.Errorf("%q, %v; want to be told to go on", b, err)
				}
				if _, err := io.WriteString(secure, "x"); err != nil {
					t.Error(err)
				}
			}
			done <- "sent"
		}()
		for i := range 2 {
			if _, err := c.Read(make([]byte, 4096)); err != nil || c.Fault() != nil {
				t.Fatalf("request %d: %v, %v", i, err, c.Fault())
			}
			if body, err := io.ReadAll(readerFunc(c.ReadBody)); string(body) != "x" || err != nil {
				t.Fatalf("request %d: body %q, %v", i, body, err)
			}
		}
		<-done
		c.Close()
	})
}

func TestAClientThatComesAndGoesIsNotToldOf(t *testing.T) {
	client, c, failed := secured(t)
	client.Close()
	if _, err := c.Read(make([]byte, 4096)); err != io.EOF {
		t.Errorf("%v, want an end", err)
	}
	select {
	case err := <-failed:
		t.Errorf("told %v", err)
	default:
	}
}
