package proxy

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/headgate/headgate/authcache"
)

// sender is who a request claims to come from. The identity is who it does come from; this is what there is to say of a
// request that was refused before it had one.
type sender struct {
	scheme  authcache.Scheme  // of what was shown; Anonymous: nothing, or nothing that can be read
	verdict authcache.Verdict // on it
	name    string            // of who was refused, as SafeClient gives it: a user name, a certificate's, or a token's digits; else empty
}

// authenticate finds out who sent the request: from its Authorization alone if there is one, right or wrong; else from
// the certificate of its connection; else from where it comes.
func (x *exchange) authenticate() *failure {
	if x.head.Authorization != nil {
		return x.byAuthorization()
	}
	if shown := x.conn.certificate(); shown != nil {
		return x.byCertificate(shown)
	}
	identity, verdict := x.snapshot.credentials.Authenticate(authcache.Credential{Scheme: authcache.Anonymous, From: x.from})
	return x.judge(identity, verdict, authcache.Credential{Scheme: authcache.Anonymous})
}

func (x *exchange) byAuthorization() *failure {
	var space [authcache.MaxBasicSize]byte
	credential, ok := authcache.ParseAuthorization(x.head.Authorization, space[:])
	if !ok {
		x.sender.scheme, x.sender.verdict = authcache.Anonymous, authcache.Rejected
		return refuse(unauthorized)
	}
	credential.From = x.from
	identity, verdict := x.snapshot.credentials.Authenticate(credential)
	return x.judge(identity, verdict, credential)
}

// byCertificate takes the names of the certificate that TLS verified when the connection began. One that has expired
// since is not refused but cut off: its sender comes back on another connection, with a new one if it has one.
func (x *exchange) byCertificate(shown *certificate) *failure {
	if !x.conn.Began().Before(shown.until) {
		return hangUp(certificateExpired)
	}
	identity, verdict := x.snapshot.credentials.AuthenticateCertificate(shown.names, x.from)
	credential := authcache.Credential{Scheme: authcache.Certificate}
	if len(shown.names) > 0 {
		credential.User = shown.names[0]
	}
	return x.judge(identity, verdict, credential)
}

// judge makes a verdict what becomes of the request. Whoever may not use a credential that is right learns no more than
// who shows a wrong one; the log does.
func (x *exchange) judge(identity *authcache.Identity, verdict authcache.Verdict, shown authcache.Credential) *failure {
	x.sender.scheme, x.sender.verdict = shown.Scheme, verdict
	if verdict == authcache.Accepted {
		x.identity = identity
		return nil
	}
	x.sender.name = nameOf(shown)
	switch verdict {
	case authcache.Unready:
		return refuse(credsUnready)
	case authcache.Busy:
		return refuse(authBusy)
	case authcache.Forbidden:
		return refuseFor(tenantDenied, "the token names no tenant, or one that Cortex would not take")
	default:
		return refuse(unauthorized)
	}
}

// nameOf names a credential in a log, without its secret.
func nameOf(c authcache.Credential) string {
	switch c.Scheme {
	case authcache.Basic, authcache.Certificate:
		if len(c.User) > 0 {
			return authcache.SafeClient(string(c.User))
		}
	case authcache.Bearer:
		sum := sha256.Sum256(c.Secret)
		return "sha256:" + hex.EncodeToString(sum[:4])
	}
	return ""
}
