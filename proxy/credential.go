package proxy

import "github.com/headgate/headgate/authcache"

// authenticate finds out who sent the request, from its Authorization alone.
func (x *exchange) authenticate() *failure {
	if x.head.Authorization == nil {
		return refuse(unauthorized)
	}
	var space [authcache.MaxBasicSize]byte
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
