package verify

import (
	"math"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// farFuture is when a token ends whose exp is later than any clock will show; one that begins later never does.
const farFuture = 253402300799 // the last second of the year 9999

// read takes out of verified claims what headgate wants to know.
func (i *issuer) read(claims jwt.MapClaims) (*Token, *Refusal) {
	t := &Token{issued: issuerIn(claims), ScopesGiven: i.options.ScopesClaim != ""}
	var ok bool
	if t.Subject, ok = optionalString(claims, "sub"); !ok {
		return nil, refuse(Malformed, "the subject of the token is no string (sub)")
	}
	if t.ID, ok = optionalString(claims, "jti"); !ok {
		return nil, refuse(Malformed, "the ID of the token is no string (jti)")
	}
	if value, found := claims["exp"]; found {
		seconds, _ := value.(float64) // the library has seen to it
		if seconds <= 0 {             // 0 is "no exp" to the library, and long ago to everybody else
			return nil, refuse(Expired, "the token has expired (exp)")
		}
		t.Expires = time.Unix(int64(min(seconds, farFuture)), 0)
		t.until = t.Expires.Add(i.options.Leeway)
	}
	for _, name := range []string{"nbf", "iat"} {
		if seconds, _ := claims[name].(float64); seconds > farFuture { // long ago to the library, from 2^63 on
			return nil, refuse(NotYetValid, "the token is not valid yet (%s)", name)
		}
	}
	t.Tenants = i.tenants(claims)
	if t.ScopesGiven {
		t.Scopes = words(lookUp(claims, i.options.ScopesClaim))
	}
	return t, i.checkVersion(claims, t.Tenants)
}

// checkVersion refuses a token that is older than what its tenants, or all, are to use.
func (i *issuer) checkVersion(claims jwt.MapClaims, tenants []string) *Refusal {
	least := i.options.MinVersion
	for _, tenant := range tenants {
		least = max(least, i.options.TenantMinVersion[tenant])
	}
	if least <= 0 {
		return nil
	}
	version, ok := claims["version"].(float64)
	switch {
	case !ok || version != math.Trunc(version):
		return refuse(BadVersion, "the token has no integer version; want %d or higher", least)
	case version < float64(least):
		return refuse(BadVersion, "the token has version %.0f; want %d or higher", version, least)
	}
	return nil
}

// tenants are what the claim names, in its order, each once.
func (i *issuer) tenants(claims jwt.MapClaims) []string {
	var values []string
	switch value := lookUp(claims, i.options.TenantClaim).(type) {
	case string:
		values = []string{value}
	case []any:
		for _, element := range value {
			text, ok := element.(string)
			if !ok {
				return nil // half a list is not what the issuer meant
			}
			values = append(values, text)
		}
	}
	var tenants []string
	seen := map[string]bool{}
	for _, value := range values {
		if pattern := i.options.TenantPattern; pattern != nil {
			groups := pattern.FindStringSubmatch(value)
			if groups == nil {
				continue
			}
			value = groups[1]
		}
		if !seen[value] {
			seen[value] = true
			tenants = append(tenants, value)
		}
	}
	return tenants
}

// lookUp is the claim of this name, tried literally and then as a dotted path; nil when there is none.
func lookUp(claims map[string]any, name string) any {
	if value, found := claims[name]; found {
		return value
	}
	for {
		first, rest, dotted := strings.Cut(name, ".")
		value := claims[first]
		if !dotted {
			return value
		}
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		claims, name = inner, rest
	}
}

// words are the strings of a list, or of one string with blanks between them. Other values are passed over.
func words(value any) []string {
	switch v := value.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, element := range v {
			if text, ok := element.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// optionalString is a claim that may be missing, and reports whether it is a string if it is there.
func optionalString(claims jwt.MapClaims, name string) (string, bool) {
	value, found := claims[name]
	if !found {
		return "", true
	}
	text, ok := value.(string)
	return text, ok
}
