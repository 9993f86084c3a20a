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
		if t == p.seen.tenants.other {
			continue
		}
		underWay, limits := p.shares.usage(t.tenant)
		if limits == nil {
			continue
		}
		fmt.Fprintf(&b, "headgate_tenant_admitted_requests{tenant=%q} %d\n", t.tenant, underWay)
		fmt.Fprintf(&b, "headgate_tenant_admitted_requests_limit{tenant=%q} %d\n", t.tenant, limits.MaxInFlight)
		fmt.Fprintf(&b, "headgate_tenant_requests_per_second_limit{tenant=%q} %g\n", t.tenant, limits.RequestsPerSecond)
		fmt.Fprintf(&b, "headgate_tenant_request_body_bytes_per_second_limit{tenant=%q} %d\n", t.tenant, limits.BytesPerSecond)
	}
	_, _ = w.Write(b.Bytes())
}

// usage is how many requests of a tenant are under way, and the limits in force for it, nil if there are none. A tenant that
// is not known has nothing under way, and the limits of all others.
func (s *Shares) usage(tenant string) (underWay int64, limits *TenantLimits) {
	if share, known := s.tenants.find(tenant); known {
		return share.inFlight.used.Load(), share.limits(s)
	}
	return 0, s.others.Load()
}
