package proxy

import (
	"github.com/headgate/headgate/authcache"
)

// maxCredential is the longest decoded basic credential, in bytes (authcache refuses longer ones).
const maxCredential = 1 << 10

// authenticate finds out who sent the request, from its Authorization alone.
func (x *exchange) authenticate() *failure {
	if x.head.Authorization == nil {
		return refuse(unauthorized)
	}
	var space [maxCredential]byte
	credential, ok := authcache.ParseAuthorization(x.head.Authorization, space[:])
	if !ok {
		return refuse(unauthorized)
	}
	identity, verdict := x.snapshot.credentials.Authenticate(credential)
	switch verdict {
	case authcache.Accepted:
		x.identity = identity
		return nil
	case authcache.Unready:
		return refuse(credsUnready)
	case authcache.Busy:
		return refuse(authBusy)
	default:
		return refuse(unauthorized)
	}
}
