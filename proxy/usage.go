package proxy

import (
	"fmt"
	"io"
	"strings"

	"github.com/VictoriaMetrics/metrics"
)

// Usage is how much is in use of what a limit bounds.
type Usage struct {
	Used  int64
	Limit int64 // 0: none
}

// Usages are the limits of the process and what is in use of them.
type Usages struct {
	Connections Usage // of clients
	Reads       Usage // requests that are reads
	Others      Usage // all other requests
	HeldBytes   Usage // of bodies that are kept for a further attempt
}

// Usages are a reading of the moment.
func (p *Proxy) Usages() Usages {
	u := Usages{
		Connections: Usage{Used: int64(p.conns.count())},
		Reads:       p.reads.usage(),
		Others:      p.writes.usage(),
		HeldBytes:   Usage{Used: p.held.used.Load(), Limit: p.held.limit.Load()},
	}
	if s := p.snapshot.Load(); s != nil {
		u.Connections.Limit = int64(s.maxConnections)
	}
	return u
}

// Memory is what the runtime holds of the system's memory, and what it may hold; no limit where none is known.
func (p *Proxy) Memory() Usage { return Usage{Used: p.memory.inUse(), Limit: p.memory.limit} }

// usage counts those who hold a slot. A try that is about to fail is counted for a moment, never above the limit.
func (s *slots) usage() Usage {
	u := Usage{Used: s.used.Load(), Limit: s.limit.Load()}
	if u.Limit > 0 {
		u.Used = min(u.Used, u.Limit)
	}
	return u
}

// exportUsage shows each limit beside what is in use of it; 0 as a limit is none.
func (p *Proxy) exportUsage(set *metrics.Set) {
	export := func(name, labels string, usage func(Usages) Usage) {
		set.NewGauge(name+labels, func() float64 { return float64(usage(p.Usages()).Used) })
		set.NewGauge(name+"_limit"+labels, func() float64 { return float64(usage(p.Usages()).Limit) })
	}
	export("headgate_client_connections", "", func(u Usages) Usage { return u.Connections })
	export("headgate_admitted_requests", `{kind="read"}`, func(u Usages) Usage { return u.Reads })
	export("headgate_admitted_requests", `{kind="other"}`, func(u Usages) Usage { return u.Others })
	export("headgate_held_body_bytes", "", func(u Usages) Usage { return u.HeldBytes })
	set.NewGauge(`headgate_queued_requests{kind="read"}`, func() float64 { return float64(p.reads.waiting.Load()) })
	set.NewGauge(`headgate_queued_requests{kind="other"}`, func() float64 { return float64(p.writes.waiting.Load()) })
	set.NewGauge("headgate_memory_bytes", func() float64 { return float64(p.Memory().Used) })
	set.NewGauge("headgate_memory_bytes_limit", func() float64 { return float64(p.Memory().Limit) })
	set.RegisterMetricsWriter(p.writeRouteUsage)
	set.RegisterMetricsWriter(p.writeTenantUsage)
}

// writeRouteUsage shows the routes that have a max_in_flight of their own.
func (p *Proxy) writeRouteUsage(w io.Writer) {
	s := p.snapshot.Load()
	if s == nil {
		return
	}
	for _, metric := range []struct {
		name  string
		value func(Usage) int64
	}{
		{"headgate_route_admitted_requests", func(u Usage) int64 { return u.Used }},
		{"headgate_route_admitted_requests_limit", func(u Usage) int64 { return u.Limit }},
	} {
		for _, r := range s.routes.all {
			if r.MaxInFlight == 0 {
				continue
			}
			path := r.Path
			if r.Prefix {
				path += "/*"
			}
			fmt.Fprintf(w, "%s{path=%q,methods=%q} %d\n", metric.name, path, strings.Join(r.Methods, ","), metric.value(r.slots.usage()))
		}
	}
}
