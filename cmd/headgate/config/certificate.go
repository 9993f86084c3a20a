package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"github.com/headgate/headgate/authcache/verify"
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
	if _, err := verify.DecodePEM(cert); err != nil {
		on.errorf(table+".cert_file", "%s: %v", show(names.cert), err)
		return tls.Certificate{}, false
	}
	pair, err := tls.X509KeyPair(cert, secret)
	if err != nil {
		on.errorAbout([]string{table + ".cert_file", table + ".key_file"}, table, "cert_file %s and key_file %s are no pair: %v", show(names.cert), show(names.key), err)
		return tls.Certificate{}, false
	}
	on.warnTimes(table+".cert_file", names.cert, pair.Leaf)
	return pair, true
}

// authorities are the certificates of a CA file. One that is damaged is an error: those whom it vouches for would be
// strangers. One that is whole and of a form that Go refuses is not, as old authorities in the files of systems are.
func (on *checks) authorities(key, name string, text []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	blocks, err := verify.DecodePEM(text)
	if err != nil {
		on.errorf(key, "%s: %v", show(name), err)
		return pool
	}
	for n, block := range blocks {
		if block.Type != "CERTIFICATE" {
			continue
		}
		var whole asn1.RawValue
		if rest, err := asn1.Unmarshal(block.Bytes, &whole); err != nil || len(rest) > 0 {
			on.errorf(key, "%s: certificate %d is damaged; want it whole, or not at all", show(name), n+1)
			return pool
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			on.warnf(key, "%s: certificate %d counts for nothing (%v); want it out of the file, or a newer one", show(name), n+1, err)
		}
	}
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
