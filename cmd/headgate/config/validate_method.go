package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// validateMethod looks at what the client presents.
func (t *Tenant) validateMethod(on *checks, key string) {
	method := t.method()
	if !slices.Contains(authMethods, method) {
		on.errorf(key+".authentication", "%s", notOneOf("way to authenticate", method, authMethods))
		return
	}
	var own []string // the keys that say what is presented, without username
	for _, k := range t.given() {
		switch {
		case k.method != method:
			on.errorf(key+"."+k.name, "is for authentication = %s, and this entry has %s; want an entry of its own", show(k.method), show(method))
		case k.name != "username":
			own = append(own, k.name)
		}
	}
	switch method {
	case methodBasic:
		t.validateUsername(on, key)
		if exactlyOne(on, key, own, "password", "password, password_file, password_hash and password_sha256") {
			t.validatePassword(on, key+"."+own[0], own[0])
		}
	case methodBearer:
		if exactlyOne(on, key, own, "token", "token, token_file and token_sha256") {
			t.validateToken(on, key+"."+own[0], own[0])
		}
	case methodMTLS:
		if exactlyOne(on, key, own, "certificate name", "common_name and san") {
			t.validateCertificate(on, key+"."+own[0])
		}
	case methodNone:
		if len(t.AllowFrom) == 0 {
			on.errorf(key+".allow_from", `is missing, and authentication = "none" would let everybody in; want the addresses of the clients, such as ["10.0.0.0/8"]`)
		}
	}
}

// exactlyOne reports whether one key was given, and if not, what is wrong with it.
func exactlyOne(on *checks, key string, keys []string, what, wanted string) bool {
	switch len(keys) {
	case 0:
		on.errorf(key, "has no %s; want exactly one of %s, not empty", what, wanted)
	case 1:
		return true
	default:
		on.errorf(key, "has %s; want exactly one of them", strings.Join(keys, " and "))
	}
	return false
}

func (t *Tenant) validateUsername(on *checks, key string) {
	switch {
	case t.Username == "":
		on.errorf(key+".username", "is missing; want the user name of the client")
	case strings.Contains(t.Username, ":"):
		on.errorf(key+".username", `%s holds ":", which ends the user name in basic authentication; want another name`, show(t.Username))
	case hasControl(t.Username):
		on.errorf(key+".username", "%s holds a control character; want a name without", show(t.Username))
	case len(t.Username)+1 > authcache.MaxBasicSize:
		on.errorf(key+".username", "the user name has %d bytes; want at most %d", len(t.Username), authcache.MaxBasicSize-1)
	}
}

// validatePassword looks at the one way in which the password is given.
func (t *Tenant) validatePassword(on *checks, key, given string) {
	switch given {
	case "password":
		t.checkPlain(on, key, t.Password)
	case "password_file":
		if t.readSecret(on, key, t.PasswordFile, "password") {
			t.checkPlain(on, key, t.FromFile)
		}
	case "password_hash":
		if _, err := verify.ParseBcrypt(string(t.PasswordHash)); err != nil {
			on.errorf(key, `%v; "headgate hash-password" prints a good one`, err)
		}
	case "password_sha256":
		checkSHA256(on, key, t.PasswordSHA256)
	}
}

// validateToken looks at the one way in which the token is given.
func (t *Tenant) validateToken(on *checks, key, given string) {
	switch given {
	case "token":
		checkToken(on, key, t.Token)
	case "token_file":
		if t.readSecret(on, key, t.TokenFile, "token") {
			checkToken(on, key, t.FromFile)
		}
	case "token_sha256":
		checkSHA256(on, key, t.TokenSHA256)
	}
}

func (t *Tenant) validateCertificate(on *checks, key string) {
	if t.SAN != "" {
		kind, value, _ := strings.Cut(t.SAN, ":")
		if !slices.Contains([]string{"dns", "uri", "email"}, kind) || value == "" {
			on.errorf(key, `%s is no name of a certificate; want one such as "dns:gateway.example", "uri:spiffe://…" or "email:…"`, show(t.SAN))
			return
		}
	}
	if size := len(t.certificateName()); size >= authcache.MaxBasicSize {
		on.errorf(key, "the name has %d bytes; want at most %d", size, authcache.MaxBasicSize-1)
	}
}

// readSecret reads the file of a password or token, and reports whether there is
// one now.
func (t *Tenant) readSecret(on *checks, key, name, what string) bool {
	text := on.content(key, name)
	if text == nil {
		return false
	}
	text = DropNewline(text)
	if len(text) == 0 {
		on.errorf(key, "%s is empty; want a %s in it", show(name), what)
		return false
	}
	t.FromFile = Secret(text)
	on.warnExposed(key, name)
	return true
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

// shortToken is how long a token is at least that nobody guesses, in bytes: 64
// bits as hexadecimal digits.
const shortToken = 16

// checkToken refuses a token that no client can send (RFC 6750, section 2.1).
func checkToken(on *checks, key string, token Secret) {
	const most = authcache.MaxAuthorizationSize - len("Bearer ")
	body := strings.TrimRight(string(token), "=")
	switch {
	case len(token) > most:
		on.errorf(key, "the token has %d bytes; want at most %d", len(token), most)
	case body == "" || strings.ContainsFunc(body, notInToken):
		on.errorf(key, "the token holds a character that no header can carry; want letters, digits and -._~+/ in one line")
	case len(token) < shortToken:
		on.warnf(key, "the token has %d characters and can be guessed; want %d or more, drawn at random", len(token), shortToken)
	}
}

func notInToken(r rune) bool {
	letter := r|0x20 >= 'a' && r|0x20 <= 'z'
	digit := r >= '0' && r <= '9'
	return !letter && !digit && !strings.ContainsRune("-._~+/", r)
}

func checkSHA256(on *checks, key string, sum Secret) {
	if !isSHA256(sum) {
		on.errorf(key, `is no SHA-256; want 64 hexadecimal digits, as "headgate new-password" prints them`)
	}
}

func isSHA256(sum Secret) bool {
	decoded, err := hex.DecodeString(string(sum))
	return err == nil && len(decoded) == sha256.Size
}

// DropNewline takes one line end off the end of a secret, of Windows too.
func DropNewline(text []byte) []byte {
	if cut, ok := bytes.CutSuffix(text, []byte("\n")); ok {
		return bytes.TrimSuffix(cut, []byte("\r"))
	}
	return text
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
