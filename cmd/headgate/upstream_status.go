package main

import (
	"maps"
	"slices"

	"github.com/headgate/headgate/balancer"
	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/pace"
)

// upstreamStatus tells of every upstream that a route leads to, and of its hosts.
func upstreamStatus(g *generation, counts map[subject]pace.Count, paces map[subject]pace.Pace) []admin.Upstream {
	upstreams := g.upstreams()
	status := make([]admin.Upstream, 0, len(upstreams))
	for _, name := range slices.Sorted(maps.Keys(upstreams)) {
		upstream, settings := upstreams[name], g.config.Upstreams[name]
		resolved, at := upstream.Resolved()
		u := admin.Upstream{Name: name, Policy: settings.Policy, Resolved: resolved, Hosts: []admin.Host{}}
		if slices.ContainsFunc(settings.Targets(), func(t balancer.Target) bool { return t.Kind != balancer.Literal }) {
			u.ResolvedAt = moment(at)
		}
		if err := upstream.ResolveError(); err != nil {
			u.Problem = err.Error()
		}
		for _, address := range upstream.Addresses() {
			s := subject{ofHost, name, address.String()}
			u.Hosts = append(u.Hosts, hostStatus(address, counts[s], paces[s]))
		}
		status = append(status, u)
	}
	return status
}

func hostStatus(address balancer.Address, c pace.Count, p pace.Pace) admin.Host {
	open, _, most := address.Connections()
	how := address.Condition()
	status := admin.Host{
		Address: address.String(), Available: how.Available(), State: admin.HostUp, Cause: how.Cause, Since: moment(how.Since),
		InFlight: address.InFlight(), Connections: open, MaxConnections: most,
		Traffic: traffic(c, p), ClockAheadSeconds: address.Traffic().ClockAhead.Seconds(),
	}
	switch {
	case how.PassedOver:
		status.State = admin.HostPassedOver
	case !how.Healthy():
		status.State = admin.HostIll
	}
	return status
}
