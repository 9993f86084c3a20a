package authcache

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/headgate/headgate/authcache/verify"
)

// Entry is one configured credential, as a source gives it. Exactly one of Password and Hash is set. The cache copies
// what it keeps, except Identity, and never keeps Password.
type Entry struct {
	Identity *Identity // who presents it; must not change any more
	Scheme   Scheme
	User     string // of Basic; empty for Bearer
	Password string `json:"-"` // the password or token in plain text
	Hash     string `json:"-"` // a slow hash of the password, as verify.ParseHash reads it; Basic only
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
	if (e.Password == "") == (e.Hash == "") {
		return errors.New("want exactly one of a password and a password hash")
	}
	switch e.Scheme {
	case Basic:
		return e.validateBasic()
	case Bearer:
		return e.validateBearer()
	}
	return fmt.Errorf("scheme %d is unknown; want Basic or Bearer", e.Scheme)
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
	if e.Password == "" {
		return errors.New("a bearer token has a slow hash; want the token")
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

// digestOf returns what the entry is found by, and its slow hash, nil when the secret is known in plain text.
func (c *Cache) digestOf(e *Entry) (digest, verify.Hash, error) {
	if e.Password != "" {
		return c.digester.sum(presented+kind(e.Scheme), []byte(e.User), []byte(e.Password)), nil, nil
	}
	hash, err := c.parseHash(e.Hash)
	if err != nil {
		return digest{}, nil, err
	}
	return c.digester.sum(storedHash+kind(e.Scheme), []byte(e.User), []byte(e.Hash)), hash, nil
}
