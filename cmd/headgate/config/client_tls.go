package config

import (
	"bytes"
	"crypto/tls"
	"net/netip"
	"slices"
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

// SameTLS reports whether two configurations of clients make the same connections.
func SameTLS(a, b *tls.Config) bool {
	if a == nil || b == nil {
		return a == b
	}
	sameRoots := a.RootCAs == b.RootCAs || a.RootCAs != nil && b.RootCAs != nil && a.RootCAs.Equal(b.RootCAs)
	// The key of a certificate is not compared: it belongs to the certificate, or the pair would not have loaded.
	sameCertificates := slices.EqualFunc(a.Certificates, b.Certificates, func(a, b tls.Certificate) bool {
		return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
	})
	return sameRoots && sameCertificates && a.ServerName == b.ServerName && a.InsecureSkipVerify == b.InsecureSkipVerify
}
