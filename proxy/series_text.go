package proxy

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/headgate/headgate/balancer/latency"
)

// all lists the routes by label and scope.
func (s *series) all() []*routeSeries {
	s.mu.Lock()
	defer s.mu.Unlock()
	routes := make([]*routeSeries, 0, len(s.routes))
	for _, r := range s.routes {
		routes = append(routes, r)
	}
	slices.SortFunc(routes, func(a, b *routeSeries) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.scope, b.scope))
	})
	return routes
}

// write writes everything that follows from the histograms.
func (s *series) write(w io.Writer) {
	var b bytes.Buffer
	routes := s.all()
	writeDurations(&b, routes)
	for _, r := range routes {
		r.counts().write(&b, r)
	}
	writeUpstreamRefusals(&b, routes)
	_, _ = w.Write(b.Bytes())
}

// writeDurations writes all histograms, sorted, in the form that Cortex's dashboards expect. Routes of several scopes
// are one to them, and so are answers of several origins.
func writeDurations(w io.Writer, routes []*routeSeries) {
	type key struct {
		method int
		status int
	}
	for len(routes) > 0 {
		same := 1
		for same < len(routes) && routes[same].label == routes[0].label {
			same++
		}
		readings := make(map[key]*latency.Reading)
		for _, r := range routes[:same] {
			r.each(func(_ origin, method, status int, h *latency.Histogram) {
				k := key{method, status}
				if readings[k] == nil {
					readings[k] = new(latency.Reading)
				}
				readings[k].Add(h)
			})
		}
		keys := make([]key, 0, len(readings))
		for k := range readings {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b key) int { return cmp.Or(a.method-b.method, a.status-b.status) })
		for _, k := range keys {
			labels := fmt.Sprintf("method=%q,route=%q,status_code=\"%d\",ws=\"false\"", methodName(k.method), routes[0].label, k.status)
			readings[k].Write(w, "cortex_request_duration_seconds", labels)
		}
		routes = routes[same:]
	}
}

// routeCounts is how many requests of a route ended how.
type routeCounts struct {
	classes [2][6]uint64 // by origin, upstream's and ours; by status divided by 100
	cut     uint64
}

// counts adds up the histograms.
func (r *routeSeries) counts() *routeCounts {
	c := &routeCounts{cut: r.unanswered.Load()}
	r.each(func(from origin, _, status int, h *latency.Histogram) {
		var reading latency.Reading
		reading.Add(h)
		if from == cutOff {
			c.cut += reading.Count()
		} else {
			c.classes[from][status/100] += reading.Count()
		}
	})
	return c
}

func (c *routeCounts) write(w io.Writer, r *routeSeries) {
	line := func(status, origin string, n uint64) {
		fmt.Fprintf(w, "headgate_requests_total{route=%q,scope=%q,status=%q,origin=%q} %d\n", r.label, scopeName(r.scope), status, origin, n)
	}
	for class := 2; class <= 5; class++ {
		status := string(rune('0'+class)) + "xx"
		if r.scope != 0 {
			line(status, "upstream", c.classes[byUpstream][class])
		}
		if class >= 4 || r.scope == 0 && class == 2 { // without a route there is the answer of the health path
			line(status, "headgate", c.classes[byHeadgate][class])
		}
	}
	line("cut", "headgate", c.cut)
}

// writeUpstreamRefusals writes what upstreams refused, for each scope that has a route.
func writeUpstreamRefusals(w io.Writer, routes []*routeSeries) {
	var counts [len(scopeNames)][]uint64 // nil: no route has the scope
	for _, r := range routes {
		of := &counts[scopeIndex(r.scope)]
		if r.scope != 0 && *of == nil {
			*of = make([]uint64, len(reasons))
		}
		r.each(func(from origin, _, status int, h *latency.Histogram) {
			if from != byUpstream || status < 400 {
				return
			}
			var reading latency.Reading
			reading.Add(h)
			(*of)[upstreamReason(status)] += reading.Count()
		})
	}
	for scope, of := range counts {
		for i := range of {
			if reasons[i].origin == byUpstream {
				writeRefusals(w, reasons[i], scopeNames[scope], of[i])
			}
		}
	}
}
