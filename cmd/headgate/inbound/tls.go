package inbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Files are what TLS is made of, by the names of their files.
type Files struct {
	Cert, Key  string // PEM; the certificate with its chain
	ClientCA   string // PEM; "": client certificates are not asked for
	ClientAuth tls.ClientAuthType
	MinVersion uint16
}

// TLS holds the certificate that is in use and replaces it when its files have changed. All methods may be called from
// any goroutine.
type TLS struct {
	current atomic.Pointer[tlsState]
}

type tlsState struct {
	config *tls.Config
	leaf   *x509.Certificate
}

// NewTLS reads the files. The error names the one that cannot be used.
func NewTLS(f Files) (*TLS, error) {
	t := &TLS{}
	return t, t.Reload(f)
}

// Reload reads the files again and uses what they hold for every handshake from now on; connections that are open stay
// as they are. When a file cannot be used, or the certificate and the key do not belong together because only one of
// them has been renewed yet, everything stays as it was and the error says why.
func (t *TLS) Reload(f Files) error {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return fmt.Errorf("certificate %q and key %q: %w", f.Cert, f.Key, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   f.MinVersion,
		NextProtos:   []string{"http/1.1"},
		ClientAuth:   f.ClientAuth,
	}
	if f.ClientCA != "" {
		if config.ClientCAs, err = readPool(f.ClientCA); err != nil {
			return err
		}
	}
	t.current.Store(&tlsState{config: config, leaf: pair.Leaf})
	return nil
}

func readPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("client CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client CA %q: %w", file, errNoCertificate)
	}
	return pool, nil
}

var errNoCertificate = errors.New("holds no certificate in PEM form")

// Expires is when the certificate in use ends.
func (t *TLS) Expires() time.Time { return t.current.Load().leaf.NotAfter }

// Listener makes connections from ln speak TLS, each with what is in use when it begins.
func (t *TLS) Listener(ln net.Listener) net.Listener {
	return tls.NewListener(ln, &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.current.Load().config, nil },
		// Asked for by NewListener, and never used: every handshake gets its configuration from above.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &t.current.Load().config.Certificates[0], nil
		},
	})
}
