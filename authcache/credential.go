package authcache

import (
	"fmt"
	"log/slog"
	"net/netip"
)

// Scheme is the way a secret is presented.
type Scheme uint8

// The schemes of the Authorization header, and what counts without one.
const (
	Basic       Scheme = iota // RFC 7617: user name and password
	Bearer                    // RFC 6750: a token, opaque or signed
	Certificate               // a verified client certificate: one of its names, see CertificateNames
	Anonymous                 // nothing at all: only the address counts
)

// String is the scheme's name; of the first two, as it stands in the header.
func (s Scheme) String() string {
	switch s {
	case Basic:
		return "Basic"
	case Bearer:
		return "Bearer"
	case Certificate:
		return "Certificate"
	case Anonymous:
		return "Anonymous"
	}
	return "unknown"
}

// Limits of what a request may present, in bytes. What is over them is Rejected without being looked at.
const (
	MaxBasicSize         = 1 << 10 // user name, colon and password, decoded
	MaxAuthorizationSize = 8 << 10 // the value of the Authorization header
)

// Credential is what a request presented. The slices are borrowed for the call; nothing keeps them.
type Credential struct {
	Scheme Scheme
	User   []byte     // of Basic the user name, of Certificate a name of it as CertificateNames gives them; else empty
	Secret []byte     `json:"-"` // the password or the token; else empty
	From   netip.Addr // the client's address, for credentials that are bound to some; zero: unknown
}

// oversized reports whether the credential is longer than one that could be configured.
func (c *Credential) oversized() bool {
	if c.Scheme != Bearer {
		return len(c.User)+1+len(c.Secret) > MaxBasicSize
	}
	return len(c.User)+len(c.Secret) > MaxAuthorizationSize
}

// Format keeps the secret out of everything that package fmt prints, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s %q:<secret>", c.Scheme, c.User)
}

// LogValue keeps the secret out of logs.
func (c Credential) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprint(c))
}
