package proxy

import (
	"crypto/x509"
	"time"

	"github.com/headgate/headgate/authcache"
)

// certificate is what a client showed when its connection began and TLS verified: the same for all its requests, so it
// is looked at once.
type certificate struct {
	names [][]byte  // as authcache.CertificateNames gives them
	until time.Time // when it is good no longer, or its issuer's
}

// certificate is the one that the connection began with, nil when there is none.
func (c *client) certificate() *certificate {
	if !c.greeted {
		c.greeted = true
		c.shown = newCertificate(c.VerifiedChains())
	}
	return c.shown
}

func newCertificate(chains [][]*x509.Certificate) *certificate {
	if len(chains) == 0 {
		return nil
	}
	made := &certificate{names: authcache.CertificateNames(chains[0][0])}
	for _, chain := range chains {
		end := chain[0].NotAfter
		for _, issuer := range chain[1:] {
			if issuer.NotAfter.Before(end) {
				end = issuer.NotAfter
			}
		}
		if end.After(made.until) {
			made.until = end
		}
	}
	return made
}
