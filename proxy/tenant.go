package proxy

import (
	"bytes"

	"github.com/headgate/headgate/proxy/wire"
)

// tenantHeader is the one header that Cortex trusts.
const tenantHeader = "X-Scope-OrgID"

// nameTenant decides whose data the request is about: the identity's own tenant. What the client sent for it never
// counts, but it is noticed, because it shows a client that believes otherwise.
func (x *exchange) nameTenant() *failure {
	x.tenant = x.identity.Tenant
	for _, f := range x.head.Fields {
		if isTenantHeader(f.Name) && string(f.Value) != x.tenant {
			x.proxy.seen.tenantIgnored(x)
			break
		}
	}
	return nil
}

// isTenantHeader reports whether a name is that of the tenant header, "-" and "_" and the case of letters aside.
func isTenantHeader(name []byte) bool {
	return wire.ScopeLike(name) && bytes.EqualFold(bytes.ReplaceAll(bytes.ReplaceAll(name, dash, nil), underscore, nil), foldedTenant)
}

var (
	dash         = []byte("-")
	underscore   = []byte("_")
	foldedTenant = []byte("xscopeorgid")
)
