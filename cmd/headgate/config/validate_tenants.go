package config

import (
	"bytes"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

func (c *Config) validateTenants(on *checks) {
	if len(c.Tenants) == 0 {
		on.warnf("tenants", "there is none, so every request is refused; want [[tenants]]")
	}
	users := make(map[string]int, len(c.Tenants)) // first entry of each user name
	same := make(map[userSecret]int)
	for i := range c.Tenants {
		t := &c.Tenants[i]
		key := indexKey("tenants", i)
		t.validate(on, key, c.Cortex.TenantFederation)
		if t.Username == "" {
			continue
		}
		first, taken := users[t.Username]
		if !taken {
			users[t.Username] = i
			continue
		}
		if id := c.Tenants[first].ID; id != t.ID {
			on.errorf(key+".username", "%s is also that of %s, which has another id, %s; want a user name of its own for each tenant",
				show(t.Username), indexKey("tenants", first), show(id))
			continue
		}
		// Only users with several entries get here, and those are few.
		one := userSecret{t.Username, c.Tenants[first].secret()}
		if _, there := same[one]; !there {
			same[one] = first
		}
		one.secret = t.secret()
		other, there := same[one]
		if !there {
			same[one] = i
		} else if one.secret != "" && !c.identity(&c.Tenants[other]).Equal(c.identity(t)) {
			on.errorf(key, "has the user name and the password of %s, but another name or other scopes; want the same, or one entry",
				indexKey("tenants", other))
		}
	}
}

func (t *Tenant) validate(on *checks, key string, federation TenantFederation) {
	t.validateID(on, key+".id", federation)
	if t.Authentication != "" && t.Authentication != "basic" {
		on.errorf(key+".authentication", `%s is not a way to authenticate; want "basic"`, show(t.Authentication))
	}
	t.validateUsername(on, key+".username")
	t.validatePassword(on, key)
	if t.Scopes != nil {
		parseScopes(on, key+".scopes", t.Scopes)
	}
}

// userSecret is one credential as a client presents it.
type userSecret struct {
	user   string
	secret Secret
}

// secret is what the entry verifies against: the password, or else its hash.
func (t *Tenant) secret() Secret {
	switch {
	case t.Password != "":
		return t.Password
	case t.FromFile != "":
		return t.FromFile
	}
	return t.PasswordHash
}

func (t *Tenant) validateID(on *checks, key string, federation TenantFederation) {
	if t.ID == "" {
		on.errorf(key, "is missing; want the tenant that Cortex knows")
		return
	}
	if err := authcache.ValidTenant(t.ID); err != nil {
		on.errorf(key, "Cortex would refuse it: %v", err)
		return
	}
	if federation.RegexMatcherEnabled && strings.ContainsAny(t.ID, ".*()'") {
		on.errorf(key, "%s would be read as a pattern by Cortex with regex_matcher_enabled; want none of . * ( ) '", show(t.ID))
	}
}

func (t *Tenant) validateUsername(on *checks, key string) {
	switch {
	case t.Username == "":
		on.errorf(key, "is missing; want the user name of the client")
	case strings.Contains(t.Username, ":"):
		on.errorf(key, `%s holds ":", which ends the user name in basic authentication; want another name`, show(t.Username))
	case hasControl(t.Username):
		on.errorf(key, "%s holds a control character; want a name without", show(t.Username))
	}
}

// validatePassword looks at the three ways to give a password, and reads the one
// in a file.
func (t *Tenant) validatePassword(on *checks, key string) {
	var given []string
	if t.Password != "" {
		given = append(given, "password")
	}
	if t.PasswordFile != "" {
		given = append(given, "password_file")
	}
	if t.PasswordHash != "" {
		given = append(given, "password_hash")
	}
	switch len(given) {
	case 0:
		on.errorf(key, "has no password; want exactly one of password, password_file and password_hash, not empty")
		return
	case 1:
	default:
		on.errorf(key, "has %s; want exactly one of them", strings.Join(given, " and "))
		return
	}
	switch given[0] {
	case "password":
		t.checkPlain(on, key+".password", t.Password)
	case "password_hash":
		if _, err := verify.ParseBcrypt(string(t.PasswordHash)); err != nil {
			on.errorf(key+".password_hash", `%v; "headgate hash-password" prints a good one`, err)
		}
	case "password_file":
		t.readPassword(on, key+".password_file")
	}
}

func (t *Tenant) readPassword(on *checks, key string) {
	text := on.content(key, t.PasswordFile)
	if text == nil {
		return
	}
	text = dropNewline(text)
	if len(text) == 0 {
		on.errorf(key, "%s is empty; want a password in it", show(t.PasswordFile))
		return
	}
	t.FromFile = Secret(text)
	t.checkPlain(on, key, t.FromFile)
	on.warnExposed(key, t.PasswordFile)
}

// checkPlain refuses a password that no client can send (RFC 7617, section 2), or
// that is too long for the credential cache.
func (t *Tenant) checkPlain(on *checks, key string, password Secret) {
	if size := len(t.Username) + 1 + len(password); size > authcache.MaxBasicSize {
		on.errorf(key, "user name and password have %d bytes together; want at most %d", size, authcache.MaxBasicSize)
	}
	if hasControl(string(password)) {
		on.errorf(key, "the password holds a control character or a line break, which no client can send; want it in one line")
	}
}

// dropNewline takes one line end off the end of a secret.
func dropNewline(text []byte) []byte {
	if cut, ok := bytes.CutSuffix(text, []byte("\n")); ok {
		return bytes.TrimSuffix(cut, []byte("\r"))
	}
	return text
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
