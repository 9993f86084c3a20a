package verify

import (
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Reason is why a token is refused, in one word: a label of metrics and a field of logs.
type Reason string

// The reasons.
const (
	Malformed    Reason = "malformed"     // it is no signed token, too long, or a claim is of the wrong kind
	BadHeader    Reason = "header"        // it brings or points to a key of its own, or wants what we do not know
	BadAlgorithm Reason = "algorithm"     // none, or one that no key of the issuer is for or will be
	BadIssuer    Reason = "issuer"        // nobody whose tokens are taken
	UnknownKey   Reason = "unknown_key"   // no key of the issuer has its key ID, or its algorithm where it has no ID
	BadSignature Reason = "signature"     // no key verifies it
	Expired      Reason = "expired"       // or it has no exp, where one is required
	NotYetValid  Reason = "not_yet_valid" // nbf or iat is still to come
	BadAudience  Reason = "audience"      // it is for somebody else
	BadVersion   Reason = "version"       // version is missing or too low
	Revoked      Reason = "revoked"       // its jti is on the list
)

// Reasons lists all of them.
func Reasons() []Reason {
	return []Reason{Malformed, BadHeader, BadAlgorithm, BadIssuer, UnknownKey, BadSignature, Expired, NotYetValid, BadAudience, BadVersion, Revoked}
}

// Refusal is why a token is not good. Its text is for logs and for who holds the token; it never repeats the token.
type Refusal struct {
	Reason Reason
	Text   string
	// Again is closed when another reading of the issuer's keys is over, after which the token should be looked at once
	// more; nil when there will be none.
	Again <-chan struct{}
	// Doubt says that the issuer's keys were not read since a token of this key was first seen, and will not be at once:
	// the token may be good.
	Doubt bool
	// Unread says that the issuer's keys were never read, and that its token may be good.
	Unread bool
}

// Error implements error.
func (r *Refusal) Error() string { return r.Text }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, args...)}
}

// refusalOf puts what the library found in our words. A Refusal of ours is passed through as it is.
func refusalOf(err error) *Refusal {
	if ours, ok := errors.AsType[*Refusal](err); ok {
		return ours
	}
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return refuse(Malformed, "the token is malformed; want three parts of base64url, of which two are JSON objects")
	case errors.Is(err, jwt.ErrTokenExpired):
		return refuse(Expired, "the token has expired (exp)")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return refuse(NotYetValid, "the token is not valid yet (nbf)")
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return refuse(NotYetValid, "the token was issued in the future (iat); look at the clocks")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return refuse(BadIssuer, "the token is of another issuer (iss)")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return refuse(BadAudience, "the token is for somebody else (aud)")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refuse(Malformed, "the token lacks a claim that is required: one of exp, iss, aud")
	case errors.Is(err, jwt.ErrInvalidType):
		return refuse(Malformed, "a claim of the token is of the wrong kind")
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return refuse(BadSignature, "the signature of the token is wrong")
	}
	return refuse(BadAlgorithm, "the algorithm of the token is unknown (alg)")
}
