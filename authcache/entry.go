package authcache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Entry is one configured credential, as a source gives it. Of Basic and Bearer exactly one of Password, Hash and SHA256
// is set; a Certificate has only its name, and Anonymous only the addresses it is taken from (Identity.Terms.AllowFrom).
// The cache copies what it keeps, except Identity, and never keeps Password.
type Entry struct {
	Identity *Identity // who presents it; must not change any more
	Scheme   Scheme
	User     string // of Basic; of Certificate its kind and name, "cn:prometheus" (CertificateNames); else empty
	Password string `json:"-"` // the password or token in plain text
	Hash     string `json:"-"` // a slow hash of the password, as verify.ParseHash reads it; Basic only
	SHA256   string `json:"-"` // the SHA-256 of a generated password or token, 64 hex digits
	Where    string // where it is written, for the texts of errors: "tenants[3]"
}

// Format keeps the secrets out of everything that package fmt prints, whatever the verb.
func (e Entry) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s: %s %q:<secret>", e.Where, e.Scheme, e.User)
}

// LogValue keeps the secrets out of logs.
func (e Entry) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprint(e))
}

// validate reports what makes the entry unusable: it could not be presented, or must not be sent upstream.
func (e *Entry) validate() error {
	if e.Identity == nil {
		return errors.New("the entry has no identity")
	}
	if err := ValidTenant(e.Identity.Tenant); err != nil {
		return err
	}
	if SafeClient(e.Identity.Client) != e.Identity.Client {
		return errors.New("the client's name is empty, over 128 bytes or not visible ASCII; want what SafeClient makes of it")
	}
	if err := e.Identity.Terms.validate(); err != nil {
		return err
	}
	secrets := 0
	for _, secret := range []string{e.Password, e.Hash, e.SHA256} {
		if secret != "" {
			secrets++
		}
	}
	switch e.Scheme {
	case Basic, Bearer:
		if secrets != 1 {
			return errors.New("want exactly one of a password, a password hash and a SHA-256")
		}
	case Certificate, Anonymous:
		if secrets != 0 {
			return errors.New("a credential without a secret has one; want it to be of another kind, or none")
		}
	}
	switch e.Scheme {
	case Basic:
		return e.validateBasic()
	case Bearer:
		return e.validateBearer()
	case Certificate:
		return e.validateCertificate()
	case Anonymous:
		return e.validateAnonymous()
	}
	return fmt.Errorf("scheme %d is unknown; want Basic, Bearer, Certificate or Anonymous", e.Scheme)
}

// validateAnonymous wants addresses: without them, everybody would be let in.
func (e *Entry) validateAnonymous() error {
	if e.User != "" {
		return fmt.Errorf("a credential of nobody has user name %q; want none", e.User)
	}
	if e.Identity.Terms == nil || len(e.Identity.Terms.AllowFrom) == 0 {
		return errors.New("authentication \"none\" lets everybody in; want allow_from")
	}
	return nil
}

func (e *Entry) validateBasic() error {
	switch {
	case e.User == "":
		return errors.New("the user name is empty; want one")
	case strings.ContainsRune(e.User, ':'):
		return fmt.Errorf("user name %q has a colon, where basic authentication ends the name; want one without", e.User)
	case hasControl(e.User):
		return fmt.Errorf("user name %q has a control character; want one without", e.User)
	case len(e.User)+1+len(e.Password) > MaxBasicSize:
		return fmt.Errorf("user name and password have %d bytes; want at most %d", len(e.User)+1+len(e.Password), MaxBasicSize)
	}
	return nil
}

func (e *Entry) validateBearer() error {
	if e.User != "" {
		return fmt.Errorf("a bearer token has user name %q; want none", e.User)
	}
	if e.Hash != "" {
		return errors.New("a bearer token has a slow hash; want the token, or its SHA-256")
	}
	if e.SHA256 != "" {
		return nil
	}
	if len("Bearer ")+len(e.Password) > MaxAuthorizationSize {
		return fmt.Errorf("the bearer token has %d bytes; want at most %d", len(e.Password), MaxAuthorizationSize-len("Bearer "))
	}
	body := strings.TrimRight(e.Password, "=")
	for i := range len(body) {
		if !isToken68(body[i]) {
			return fmt.Errorf("the bearer token has a character at position %d that no header can carry; want letters, digits and -._~+/", i)
		}
	}
	if body == "" {
		return errors.New("the bearer token is nothing but padding; want letters, digits and -._~+/")
	}
	return nil
}

// digestOf returns what the entry is found by, and what its secret is checked against, nil when the digest says it all.
func (c *Cache) digestOf(e *Entry) (digest, *hashedSecret, error) {
	switch {
	case e.Hash != "":
		hash, err := c.parseHash(e.Hash)
		if err != nil {
			return digest{}, nil, err
		}
		d := c.digester.sum(storedHash+kind(e.Scheme), []byte(e.User), []byte(e.Hash))
		return d, &hashedSecret{digest: d, hash: hash}, nil
	case e.SHA256 != "":
		sum, err := hex.DecodeString(e.SHA256)
		if err != nil || len(sum) != sha256.Size {
			return digest{}, nil, errors.New("the SHA-256 is damaged; want 64 hex digits (headgate new-password makes one)")
		}
		d := c.digester.sum(storedSHA256+kind(e.Scheme), []byte(e.User), sum)
		return d, &hashedSecret{digest: d}, nil
	case e.Scheme == Anonymous:
		return c.digester.sum(presented+kind(e.Scheme), nil, prefixText(e.Identity.Terms.AllowFrom)), nil, nil
	}
	return c.digester.sum(presented+kind(e.Scheme), []byte(e.User), []byte(e.Password)), nil, nil
}
