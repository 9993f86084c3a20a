package proxy

import (
	"time"

	"github.com/headgate/headgate/balancer/latency"
)

// Traffic is what the gateway has served since it was started, as far as it is counted apart.
type Traffic struct {
	Routes  []RouteTraffic  // by name and scope
	Tenants []TenantTraffic // by name, those without series of their own as "other" at the end; empty with metrics.tenants = 0
}

// RouteTraffic is the requests of one scope to what Cortex calls one route.
type RouteTraffic struct {
	Route    string // "api_v1_push"; "other" for requests without a route
	Scope    string // "none" for them
	Requests uint64
	Refused  uint64 // of them: a status of 400 to 499, from whomever
	Failed   uint64 // of them: a status of 500 and more, from whomever, or no whole answer
	Time     time.Duration
}

// TenantTraffic is the requests of one tenant with a good credential.
type TenantTraffic struct {
	Tenant   string
	Requests uint64
	Bytes    uint64 // of request bodies
	Refused  uint64 // by headgate or by the upstream
}

// Traffic is a reading of the moment.
func (p *Proxy) Traffic() Traffic {
	var t Traffic
	for _, r := range p.seen.series.all() {
		t.Routes = append(t.Routes, r.traffic())
	}
	tenants, _ := p.seen.tenants.all()
	for _, s := range tenants {
		of := TenantTraffic{Tenant: s.tenant, Requests: s.requests.Load(), Bytes: s.bytes.Load()}
		for i := range s.refusals {
			of.Refused += s.refusals[i].Load()
		}
		t.Tenants = append(t.Tenants, of)
	}
	return t
}

func (r *routeSeries) traffic() RouteTraffic {
	cut := r.unanswered.Load()
	t := RouteTraffic{Route: r.label, Scope: r.scope.String(), Requests: cut, Failed: cut}
	r.each(func(from origin, _, status int, h *latency.Histogram) {
		var reading latency.Reading
		reading.Add(h)
		n := reading.Count()
		t.Requests += n
		t.Time += reading.Sum()
		switch {
		case from == cutOff || status >= 500:
			t.Failed += n
		case status >= 400:
			t.Refused += n
		}
	})
	return t
}
