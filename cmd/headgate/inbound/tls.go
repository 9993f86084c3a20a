package inbound

import (
	"crypto/tls"
	"net"
	"sync/atomic"
)

// TLS holds how clients are greeted now: the certificate, and what they have to show. All methods may be called from any
// goroutine. The zero value greets nobody, and is good for Use.
type TLS struct{ current atomic.Pointer[tls.Config] }

// Use makes every handshake from now on use this, which has a certificate and must not change any more; connections that
// are open stay as they are.
func (t *TLS) Use(c *tls.Config) { t.current.Store(c) }

// Listener makes connections from ln speak TLS, each with what is in use when it begins. Use must have been called
// before the first connection.
func (t *TLS) Listener(ln net.Listener) net.Listener {
	return tls.NewListener(ln, &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.current.Load(), nil },
		// Asked for by NewListener, and never used: every handshake gets its configuration from above.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &t.current.Load().Certificates[0], nil
		},
	})
}
