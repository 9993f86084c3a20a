package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/pace"
)

// subject is whose traffic is counted.
type subject struct {
	kind  subjectKind
	group string // the upstream of a host, the scope of a route
	name  string
}

type subjectKind uint8

const (
	ofAll subjectKind = iota
	ofHost
	ofTenant
	ofRoute
)

// counts reads the counters of everything that the status page shows the pace of.
func (a *App) counts() map[subject]pace.Count {
	counts := make(map[subject]pace.Count)
	for name, upstream := range a.current.Load().upstreams() {
		for _, address := range upstream.Addresses() {
			t := address.Traffic()
			counts[subject{ofHost, name, address.String()}] = pace.Count{Requests: t.Requests, Errors: t.Errors, Answers: t.Answers, Time: t.AnswerTime}
		}
	}
	t := a.proxy.Traffic()
	for _, of := range t.Tenants {
		counts[subject{ofTenant, "", of.Tenant}] = pace.Count{Requests: of.Requests, Refused: of.Refused, Bytes: of.Bytes}
	}
	var all pace.Count
	for _, of := range t.Routes {
		c := pace.Count{Requests: of.Requests, Refused: of.Refused, Errors: of.Failed, Answers: of.Requests, Time: of.Time}
		counts[subject{ofRoute, of.Scope, of.Route}] = c
		all.Requests += c.Requests
		all.Refused += c.Refused
		all.Errors += c.Errors
		all.Answers += c.Answers
		all.Time += c.Time
	}
	counts[subject{}] = all
	return counts
}

// keepPace reads the counters again and again, until the App ends.
func (a *App) keepPace() {
	ticker := time.NewTicker(pace.Every)
	defer ticker.Stop()
	for {
		a.recent.Note(time.Now(), a.counts())
		select {
		case <-a.ending.Done():
			return
		case <-ticker.C:
		}
	}
}

// traffic is a count and its pace as the admin listener shows them.
func traffic(c pace.Count, p pace.Pace) admin.Traffic {
	return admin.Traffic{
		Requests: c.Requests, Errors: c.Errors, RequestsPerSecond: p.PerSecond(), ErrorsPerSecond: p.ErrorsPerSecond(),
		LatencySeconds: p.Mean().Seconds(),
	}
}

func refusals(c pace.Count, p pace.Pace) admin.Refusals {
	return admin.Refusals{Refused: c.Refused, RefusedPerSecond: p.RefusedPerSecond()}
}

// mostTenantsShown bounds the list of the busiest tenants.
const mostTenantsShown = 10

// busiest are the tenants that send most now, and then those that have sent most.
func busiest(counts map[subject]pace.Count, paces map[subject]pace.Pace) []admin.Tenant {
	tenants := []admin.Tenant{}
	for s, c := range counts {
		if p := paces[s]; s.kind == ofTenant && c.Requests > 0 {
			tenants = append(tenants, admin.Tenant{
				Tenant: s.name, Requests: c.Requests, RequestsPerSecond: p.PerSecond(), Refusals: refusals(c, p),
				BytesPerSecond: p.BytesPerSecond(),
			})
		}
	}
	slices.SortFunc(tenants, func(a, b admin.Tenant) int {
		return cmp.Or(cmp.Compare(b.RequestsPerSecond, a.RequestsPerSecond), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Tenant, b.Tenant))
	})
	return tenants[:min(len(tenants), mostTenantsShown)]
}

// uses are the routes that have had requests.
func uses(counts map[subject]pace.Count, paces map[subject]pace.Pace) []admin.Use {
	list := []admin.Use{}
	for s, c := range counts {
		if p := paces[s]; s.kind == ofRoute && c.Requests > 0 {
			list = append(list, admin.Use{Route: s.name, Scope: s.group, Traffic: traffic(c, p), Refusals: refusals(c, p)})
		}
	}
	slices.SortFunc(list, func(a, b admin.Use) int {
		return cmp.Or(cmp.Compare(b.RequestsPerSecond, a.RequestsPerSecond), cmp.Compare(b.Requests, a.Requests),
			cmp.Compare(a.Route, b.Route), cmp.Compare(a.Scope, b.Scope))
	})
	return list
}
