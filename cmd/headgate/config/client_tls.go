package config

import (
	"crypto/tls"
	"net/netip"
)

// config makes the TLS configuration of a client.
func (t *ClientTLS) config(on *checks, key string) *tls.Config {
	made := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if _, err := netip.ParseAddr(t.ServerName); t.ServerName != "" && err != nil && !hostName(t.ServerName) {
		on.errorf(key+".server_name", "%s is not a host name; want the one that the certificate is for", show(t.ServerName))
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		on.errorf(key, "has one of cert_file and key_file; want both or none")
	}
	if ca := on.content(key+".ca_file", t.CAFile); ca != nil {
		made.RootCAs = on.authorities(key+".ca_file", t.CAFile, ca)
	}
	cert := on.content(key+".cert_file", t.CertFile)
	secret := on.content(key+".key_file", t.KeyFile)
	if pair, ok := on.pair(key, namedPair{t.CertFile, t.KeyFile}, cert, secret); ok {
		made.Certificates = []tls.Certificate{pair}
	}
	return made
}
