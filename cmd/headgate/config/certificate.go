package config

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// soon is how long before its end a certificate is worth a warning.
const soon = 14 * 24 * time.Hour

// namedPair are the names of a certificate file and of the file with its key, as
// they were written.
type namedPair struct{ cert, key string }

// pair reads a certificate and its key, which are at table+".cert_file" and
// table+".key_file". It is false when one of them is nil, and when they do not go
// together, which is reported.
func (on *checks) pair(table string, names namedPair, cert, secret []byte) (tls.Certificate, bool) {
	if cert == nil || secret == nil {
		return tls.Certificate{}, false
	}
	on.warnExposed(table+".key_file", names.key)
	pair, err := tls.X509KeyPair(cert, secret)
	if err != nil {
		on.errorAbout([]string{table + ".cert_file", table + ".key_file"}, table, "cert_file %s and key_file %s are no pair: %v", show(names.cert), show(names.key), err)
		return tls.Certificate{}, false
	}
	on.warnTimes(table+".cert_file", names.cert, pair.Leaf)
	return pair, true
}

// authorities are the certificates of a CA file.
func (on *checks) authorities(key, name string, text []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		on.errorf(key, "%s holds no certificate; want PEM", show(name))
	}
	return pool
}

// warnTimes reports a certificate that nobody accepts, or soon will not.
func (on *checks) warnTimes(key, name string, cert *x509.Certificate) {
	switch {
	case on.now.After(cert.NotAfter):
		on.warnf(key, "the certificate in %s ended on %s; want a new one", show(name), day(cert.NotAfter))
	case cert.NotAfter.Sub(on.now) < soon:
		on.warnf(key, "the certificate in %s ends on %s; want a new one by then", show(name), day(cert.NotAfter))
	case on.now.Before(cert.NotBefore):
		on.warnf(key, "the certificate in %s begins only on %s; want one that is good now", show(name), day(cert.NotBefore))
	}
}

// day is a moment as problems print it.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
