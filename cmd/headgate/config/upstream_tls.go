package config

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
)

// validateTLS makes the TLS configuration of an upstream.
func (u *Upstream) validateTLS(on *checks, key string) {
	t := &u.TLS
	if !u.https {
		if *t != (UpstreamTLS{}) {
			on.errorf(key, "is there, but no URL of this upstream is https; want https URLs, or no TLS settings")
		}
		return
	}
	u.tls = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, // #nosec G402 -- the operator's choice
	}
	if _, err := netip.ParseAddr(t.ServerName); t.ServerName != "" && err != nil && !hostName(t.ServerName) {
		on.errorf(key+".server_name", "%s is not a host name; want the one that the certificate is for", show(t.ServerName))
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		on.errorf(key, "has one of cert_file and key_file; want both or none")
	}
	if ca := on.content(key+".ca_file", t.CAFile); ca != nil {
		u.tls.RootCAs = x509.NewCertPool()
		if !u.tls.RootCAs.AppendCertsFromPEM(ca) {
			on.errorf(key+".ca_file", "%s holds no certificate; want PEM", show(t.CAFile))
		}
	}
	cert := on.content(key+".cert_file", t.CertFile)
	secret := on.content(key+".key_file", t.KeyFile)
	if cert != nil && secret != nil {
		pair, err := tls.X509KeyPair(cert, secret)
		if err != nil {
			on.errorf(key, "cert_file %s and key_file %s are no pair: %v", show(t.CertFile), show(t.KeyFile), err)
		}
		u.tls.Certificates = []tls.Certificate{pair}
		on.warnExposed(key+".key_file", t.KeyFile)
	}
}
