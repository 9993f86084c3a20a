package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
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

// noCertificate is the text of crypto/tls, which has no type for it, of a client that shows none where one is required.
const noCertificate = "tls: client didn't provide a certificate"

// maxCertificateDetail is how much is logged of what is wrong with a certificate, in bytes: names of its issuers may be in it.
const maxCertificateDetail = 256

// refusedCertificate writes of a connection whose handshake failed, if it did for the client's certificate.
func (a *auditLog) refusedCertificate(peer net.Addr, err error) {
	shown := authcache.Credential{Scheme: authcache.Certificate}
	unverified, bad := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case bad:
		if names := authcache.CertificateNames(unverified.UnverifiedCertificates[0]); len(names) > 0 {
			shown.User = names[0]
		}
		err = unverified.Err
	case err.Error() != noCertificate:
		return
	}
	sender := []slog.Attr{slog.String("verdict", authcache.Rejected.String()), slog.String("scheme", shown.Scheme.String())}
	if name := nameOf(shown); name != "" {
		sender = append(sender, slog.String("sender", name))
	}
	a.refusedConnection(refuseFor(unauthorized, shorten([]byte(err.Error()), maxCertificateDetail)), peer, sender...)
}
