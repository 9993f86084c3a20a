package authcache

import (
	"bytes"
	"encoding/base64"
)

// basicEncoding is strict: left-over bits in the last character would let one credential be written in several ways.
var basicEncoding = base64.StdEncoding.Strict()

// ParseAuthorization reads the value of an Authorization header, and reports whether it is a well-formed credential of a
// scheme we know. It allocates nothing: a Basic credential is decoded into buf, which must hold MaxBasicSize bytes, and a
// Bearer token is a part of value, so the result is good for as long as both are left alone.
//
// It is strict, because two readers of one header must never see two credentials in it:
//
//   - the value is at most MaxAuthorizationSize bytes: scheme (in any case), one or more spaces, no tab, then the rest
//     to the very end;
//   - Basic is RFC 4648 base64 with padding and no line breaks, of at most MaxBasicSize bytes; the user name ends at the
//     first colon, is not empty and has no control characters. The password may be empty and may hold anything;
//   - Bearer is a b64token of RFC 6750, section 2.1.
func ParseAuthorization(value, buf []byte) (Credential, bool) {
	if len(buf) < MaxBasicSize {
		panic("BUG: the buffer for ParseAuthorization is shorter than MaxBasicSize")
	}
	if len(value) > MaxAuthorizationSize {
		return Credential{}, false
	}
	space := bytes.IndexByte(value, ' ')
	if space < 0 {
		return Credential{}, false
	}
	rest := bytes.TrimLeft(value[space:], " ")
	switch scheme := value[:space]; {
	case isFold(scheme, "basic"):
		return parseBasic(rest, buf)
	case isFold(scheme, "bearer"):
		return parseBearer(rest)
	}
	return Credential{}, false
}

func parseBasic(encoded, buf []byte) (Credential, bool) {
	padding := len(encoded) - len(bytes.TrimRight(encoded, "="))
	// Only of whole quanta is the decoded length what DecodedLen says, and buf large enough.
	if len(encoded)%4 != 0 || padding > 2 || basicEncoding.DecodedLen(len(encoded))-padding > MaxBasicSize {
		return Credential{}, false
	}
	if bytes.ContainsAny(encoded, "\r\n") { // the decoder would skip them
		return Credential{}, false
	}
	n, err := basicEncoding.Decode(buf, encoded)
	if err != nil {
		return Credential{}, false
	}
	user, password, found := bytes.Cut(buf[:n], []byte{':'})
	if !found || len(user) == 0 || hasControl(user) {
		return Credential{}, false
	}
	return Credential{Scheme: Basic, User: user, Secret: password}, true
}

func parseBearer(token []byte) (Credential, bool) {
	body := bytes.TrimRight(token, "=")
	if len(body) == 0 {
		return Credential{}, false
	}
	for _, c := range body {
		if !isToken68(c) {
			return Credential{}, false
		}
	}
	return Credential{Scheme: Bearer, Secret: token}, true
}

// isFold reports whether name is lower, a word of small ASCII letters, in any case.
func isFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i := range len(lower) {
		if name[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func hasControl[T []byte | string](text T) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return true
		}
	}
	return false
}

// isToken68 reports whether c may stand in a b64token before its padding (RFC 6750, section 2.1).
func isToken68(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		return true
	}
	return false
}
