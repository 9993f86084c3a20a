package config

import "github.com/headgate/headgate/authcache"

// The ways to authenticate, as a configuration has them.
const (
	methodBasic  = "basic"
	methodBearer = "bearer"
	methodMTLS   = "mtls"
	methodNone   = "none"
)

var authMethods = []string{methodBasic, methodBearer, methodMTLS, methodNone}

// method is how the credential is presented: as the entry says, or by the keys
// that are given.
func (t *Tenant) method() string {
	switch {
	case t.Authentication != "":
		return t.Authentication
	case t.Token != "" || t.TokenFile != "" || t.TokenSHA256 != "":
		return methodBearer
	case t.CommonName != "" || t.SAN != "":
		return methodMTLS
	}
	return methodBasic
}

// givenKey is a key of an entry that is not empty, and the method it is for.
type givenKey struct{ name, method string }

// given are the keys that say what is presented.
func (t *Tenant) given() []givenKey {
	all := make([]givenKey, 0, 3)
	add := func(name, method, value string) {
		if value != "" {
			all = append(all, givenKey{name, method})
		}
	}
	add("username", methodBasic, t.Username)
	add("password", methodBasic, string(t.Password))
	add("password_file", methodBasic, t.PasswordFile)
	add("password_hash", methodBasic, string(t.PasswordHash))
	add("password_sha256", methodBasic, string(t.PasswordSHA256))
	add("token", methodBearer, string(t.Token))
	add("token_file", methodBearer, t.TokenFile)
	add("token_sha256", methodBearer, string(t.TokenSHA256))
	add("common_name", methodMTLS, t.CommonName)
	add("san", methodMTLS, t.SAN)
	return all
}

// claim is a credential as a client presents it, or what it is checked against.
type claim struct {
	method, name string
	secret       Secret
}

func (t *Tenant) claim() claim {
	c := claim{method: t.method()}
	switch c.method {
	case methodBasic:
		c.name = t.Username
		c.secret = t.Password + t.FromFile + t.PasswordHash + t.PasswordSHA256 // one of them is not empty
	case methodBearer:
		c.secret = t.Token + t.FromFile + t.TokenSHA256
	case methodMTLS:
		c.name = t.certificateName()
	}
	return c
}

// whole reports whether the claim can be told from others.
func (c claim) whole() bool {
	switch c.method {
	case methodBasic:
		return c.name != "" && c.secret != ""
	case methodBearer:
		return c.secret != ""
	case methodMTLS:
		return c.name != ""
	}
	return false
}

// certificateName is the name of the certificate as package authcache has it.
func (t *Tenant) certificateName() string {
	if t.CommonName != "" {
		return authcache.CommonName + t.CommonName
	}
	return t.SAN
}
