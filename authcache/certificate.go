package authcache

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// The kinds of names in a certificate. A name is its kind and its value: "dns:gateway.example".
const (
	CommonName = "cn:"
	nameURI    = "uri:"
	nameDNS    = "dns:"
	nameEmail  = "email:"
)

var certificateKinds = []string{CommonName, nameURI, nameDNS, nameEmail}

// maxCertificateNames is how many names of one certificate are looked up beside the common name.
const maxCertificateNames = 32

// CertificateNames lists the names by which a verified client certificate can be known, the most exact kind first: its
// URIs, DNS names, email addresses, and the common name of its subject. They are compared byte by byte, so a wildcard in
// a certificate is the name with the asterisk and nothing else. A connection keeps one list for all its requests.
func CertificateNames(certificate *x509.Certificate) [][]byte {
	var names [][]byte
	add := func(kind, value string) {
		if value != "" && len(kind)+len(value) < MaxBasicSize && (len(names) < maxCertificateNames || kind == CommonName) {
			names = append(names, []byte(kind+value))
		}
	}
	for _, uri := range certificate.URIs {
		add(nameURI, uri.String())
	}
	for _, name := range certificate.DNSNames {
		add(nameDNS, name)
	}
	for _, address := range certificate.EmailAddresses {
		add(nameEmail, address)
	}
	add(CommonName, certificate.Subject.CommonName)
	return names
}

// knowsName reports whether there is an entry of this name, whatever its terms.
func (c *Cache) knowsName(name []byte) bool {
	d := c.digester.sum(presented+kind(Certificate), name, nil)
	return c.static.slot(&d) != nil
}

// validateCertificate checks the name that an entry is known by.
func (e *Entry) validateCertificate() error {
	for _, kind := range certificateKinds {
		if value, found := strings.CutPrefix(e.User, kind); found {
			switch {
			case value == "":
				return fmt.Errorf("the certificate name %q has nothing behind the kind; want a name", e.User)
			case len(e.User)+1 > MaxBasicSize:
				return fmt.Errorf("the certificate name has %d bytes; want at most %d", len(e.User), MaxBasicSize-1)
			}
			return nil
		}
	}
	return fmt.Errorf(`the certificate name %q is of an unknown kind; want "cn:…", "dns:…", "uri:…" or "email:…"`, e.User)
}
