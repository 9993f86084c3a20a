package proxy

import (
	"bytes"
	"fmt"
	"io"
)

// writeTenantUsage shows the limits of the tenants that have series of their own, beside what they have in use. What they
// use of a rate is the rate of their requests and bytes.
func (p *Proxy) writeTenantUsage(w io.Writer) {
	var b bytes.Buffer
	tenants, _ := p.seen.tenants.all()
	for _, t := range tenants {
		share, known := p.shares.tenants.find(t.tenant)
		if !known || t == p.seen.tenants.other {
			continue
		}
		limits := share.limits(p.shares)
		if limits == nil {
			continue
		}
		fmt.Fprintf(&b, "headgate_tenant_admitted_requests{tenant=%q} %d\n", t.tenant, share.inFlight.used.Load())
		fmt.Fprintf(&b, "headgate_tenant_admitted_requests_limit{tenant=%q} %d\n", t.tenant, limits.MaxInFlight)
		fmt.Fprintf(&b, "headgate_tenant_requests_per_second_limit{tenant=%q} %g\n", t.tenant, limits.RequestsPerSecond)
		fmt.Fprintf(&b, "headgate_tenant_request_body_bytes_per_second_limit{tenant=%q} %d\n", t.tenant, limits.BytesPerSecond)
	}
	_, _ = w.Write(b.Bytes())
}
