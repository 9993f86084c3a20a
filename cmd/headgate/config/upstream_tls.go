package config

import (
	"crypto/tls"
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
		u.tls.RootCAs = on.authorities(key+".ca_file", t.CAFile, ca)
	}
	cert := on.content(key+".cert_file", t.CertFile)
	secret := on.content(key+".key_file", t.KeyFile)
	if pair, ok := on.pair(key, namedPair{t.CertFile, t.KeyFile}, cert, secret); ok {
		u.tls.Certificates = []tls.Certificate{pair}
	}
}
