package proxy

import (
	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// appendChallenges appends a WWW-Authenticate line for each way to authenticate that is open at the moment (RFC 9110
// §11.6.1). A 401 has to have one, so where only certificates are taken it names the scheme that was once proposed for
// them (draft-thomson-httpbis-cant), for which no client asks its user for a password.
func (x *exchange) appendChallenges(head []byte) []byte {
	credentials, realm := x.snapshot.credentials, x.snapshot.realm
	bearer := credentials.Knows(authcache.Bearer)
	switch {
	case credentials.Knows(authcache.Basic):
		head = appendBasic(head, realm)
	case bearer:
	case credentials.Knows(authcache.Certificate):
		return wire.AppendLine(head, challengeName, "ClientCertificate realm="+realm)
	default: // nobody can be let in by what they show, and something has to stand here
		return appendBasic(head, realm)
	}
	if bearer {
		fault := ""
		if x.sender.scheme == authcache.Bearer && x.failure.Refusal == unauthorized {
			fault = `, error="invalid_token"` // RFC 6750 §3: only where a token was sent, and is no good
		}
		head = wire.AppendLine(head, challengeName, "Bearer realm="+realm+fault)
	}
	return head
}

const challengeName = "WWW-Authenticate"

func appendBasic(head []byte, realm string) []byte {
	return wire.AppendLine(head, challengeName, "Basic realm="+realm+`, charset="UTF-8"`)
}

// appendScopeNeeded tells the bearer of a token that is good for other things what this one needs (RFC 6750 §3.1).
func (x *exchange) appendScopeNeeded(head []byte) []byte {
	return wire.AppendLine(head, challengeName,
		"Bearer realm="+x.snapshot.realm+`, error="insufficient_scope", scope="`+x.scope().String()+`"`)
}
