package proxy

import (
	"errors"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// tenantHeader is the one header that Cortex trusts.
const tenantHeader = "X-Scope-OrgID"

// nameTenant decides whose data the request is about: the identity's own tenant, or what the client named of those that
// the identity may name. A tenant that was sent and not used is noticed, because it shows a client that believes
// otherwise.
func (x *exchange) nameTenant() *failure {
	answer, err := x.snapshot.tenants.Tenant(x.identity, x.ask())
	if err != nil {
		return ofTenant(err)
	}
	x.tenant = answer.Tenant
	if answer.Ignored {
		x.proxy.seen.tenantIgnored(x)
	}
	return nil
}

// ask is what the client says of the tenant, and where it says it. It is good as long as the head is.
func (x *exchange) ask() authcache.TenantAsk {
	ask := authcache.TenantAsk{LookAlike: true}
	if x.route != nil {
		ask.Scope, ask.Federated = x.route.Scope, x.route.Federated
	}
	if !x.head.Has(wire.Scope) {
		return ask
	}
	for i := range x.head.Fields {
		f := &x.head.Fields[i]
		if f.Role != wire.Scope || !isTenantHeader(f.Name) {
			continue
		}
		exact := wire.EqualFold(f.Name, "x-scope-orgid")
		if ask.Headers == 0 || exact && ask.LookAlike {
			ask.Sent, ask.LookAlike = f.Value, !exact
		}
		ask.Headers++
	}
	return ask
}

// isTenantHeader reports whether a name is that of the tenant header, "-" and "_" and the case of letters aside.
func isTenantHeader(name []byte) bool {
	const folded = "xscopeorgid"
	i := 0
	for _, c := range name {
		switch {
		case c == '-' || c == '_':
			continue
		case i == len(folded) || c|0x20 != folded[i]:
			return false
		}
		i++
	}
	return i == len(folded)
}

// ofTenant is the failure that an error of authcache.TenantRules asks for.
func ofTenant(err error) *failure {
	refused, ok := errors.AsType[*authcache.TenantError](err)
	if ok && !refused.Denied() {
		return refuseFor(tenantMalformed, err.Error())
	}
	return refuseFor(tenantDenied, err.Error())
}

// Tenant decides which tenant a request of this identity gets on a route that Match found, when it sends these values of
// X-Scope-OrgID; or its refusal, and what is to be said beyond its text.
func (s *Snapshot) Tenant(r *Route, identity *authcache.Identity, sent ...string) (tenant string, _ *Refusal, detail string) {
	ask := authcache.TenantAsk{Scope: r.Scope, Federated: r.Federated, Headers: len(sent)}
	if len(sent) > 0 {
		ask.Sent = []byte(sent[0])
	}
	answer, err := s.tenants.Tenant(identity, ask)
	if err != nil {
		f := ofTenant(err)
		return "", f.Refusal, f.detail
	}
	return answer.Tenant, nil, ""
}
