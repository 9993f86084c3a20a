package balancer

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/balancer/latency"
)

// Metrics writes the series of all pools of a process, headgate_upstream_*, into one metrics.Set. While one pool replaces
// another, and when a route has connections of its own, several pools and hosts have the same labels: their gauges are
// those of an Upstream and of an Address, their counters are shared, and the series go when the last of them goes. A nil
// *Metrics keeps nothing.
type Metrics struct {
	mu    sync.Mutex
	pools map[string]*poolSeries
	hosts map[hostLabels]*hostSeries
}

// NewMetrics returns the place for the series of all pools whose Options name it. It is written out with set and can not
// be taken out of it again.
func NewMetrics(set *metrics.Set) *Metrics {
	m := &Metrics{pools: make(map[string]*poolSeries), hosts: make(map[hostLabels]*hostSeries)}
	set.RegisterMetricsWriter(m.write)
	return m
}

type hostLabels struct{ upstream, host string }

// poolSeries are the series of all pools with one name.
type poolSeries struct {
	lookups, lookupFailures atomic.Uint64
	pools                   Upstream // guarded by Metrics.mu
}

// hostSeries are the series of all hosts with the same labels.
type hostSeries struct {
	dials, dialErrors, stale, noConnection atomic.Uint64
	passedOver, probes, probeFailures      atomic.Uint64

	latency latency.Histogram // of answers
	errors  [errorKinds]atomic.Uint64
	repeats atomic.Uint64
	clock   clock
	gone    atomic.Uint64 // requests of hosts that went

	hosts Address // guarded by Metrics.mu
}

// add shows p and returns its counters.
func (m *Metrics) add(p *Pool) *poolSeries {
	if m == nil {
		return &poolSeries{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.pools[p.o.Name]
	if s == nil {
		s = &poolSeries{}
		m.pools[p.o.Name] = s
	}
	s.pools = append(s.pools, p)
	return s
}

// remove ends add.
func (m *Metrics) remove(p *Pool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p.series.pools = slices.DeleteFunc(p.series.pools, func(other *Pool) bool { return other == p })
	if len(p.series.pools) == 0 {
		delete(m.pools, p.o.Name)
	}
}

// host shows h and returns its counters and the function that takes it out again.
func (m *Metrics) host(upstream string, h *Host) (*hostSeries, func()) {
	if m == nil {
		return &hostSeries{}, func() {}
	}
	labels := hostLabels{upstream, h.addr}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.hosts[labels]
	if s == nil {
		s = &hostSeries{}
		m.hosts[labels] = s
	}
	s.hosts = append(s.hosts, h)
	return s, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		s.hosts = slices.DeleteFunc(s.hosts, func(other *Host) bool { return other == h })
		s.gone.Add(h.begun.Load())
		if len(s.hosts) == 0 {
			delete(m.hosts, labels)
		}
	}
}

// poolMetric and hostMetric say how one series is read.
type poolMetric struct {
	name  string
	value func(*poolSeries) uint64
	names bool // only of pools that look something up
}

type hostMetric struct {
	name  string
	value func(*hostSeries) uint64
}

var poolMetrics = []poolMetric{
	{name: "headgate_upstream_hosts", value: func(s *poolSeries) uint64 { return uint64(len(s.pools.Addresses())) }},
	{name: "headgate_upstream_hosts_available", value: func(s *poolSeries) uint64 { return s.pools.count(Condition.Available) }},
	{name: "headgate_upstream_hosts_healthy", value: func(s *poolSeries) uint64 { return s.pools.count(Condition.Healthy) }},
	{name: "headgate_upstream_dns_lookups_total", names: true, value: func(s *poolSeries) uint64 { return s.lookups.Load() }},
	{name: "headgate_upstream_dns_lookup_failures_total", names: true, value: func(s *poolSeries) uint64 {
		return s.lookupFailures.Load()
	}},
	{name: "headgate_upstream_dns_resolved_timestamp_seconds", names: true, value: func(s *poolSeries) uint64 {
		if _, at := s.pools.Resolved(); !at.IsZero() {
			return uint64(at.Unix())
		}
		return 0
	}},
}

var hostMetrics = []hostMetric{
	{"headgate_upstream_host_available", func(s *hostSeries) uint64 { return oneIf(s.hosts.Condition().Available()) }},
	{"headgate_upstream_host_healthy", func(s *hostSeries) uint64 { return oneIf(s.hosts.Condition().Healthy()) }},
	{"headgate_upstream_host_requests_total", func(s *hostSeries) uint64 { return s.requests(s.hosts) }},
	{"headgate_upstream_host_retries_total", func(s *hostSeries) uint64 { return s.repeats.Load() }},
	{"headgate_upstream_host_in_flight", func(s *hostSeries) uint64 { return uint64(max(s.hosts.InFlight(), 0)) }},
	{"headgate_upstream_host_connections", func(s *hostSeries) uint64 {
		open, _, _ := s.hosts.Connections()
		return uint64(open)
	}},
	{"headgate_upstream_host_idle_connections", func(s *hostSeries) uint64 {
		_, idle, _ := s.hosts.Connections()
		return uint64(idle)
	}},
	{"headgate_upstream_host_max_connections", func(s *hostSeries) uint64 {
		_, _, most := s.hosts.Connections()
		return uint64(most)
	}},
	{"headgate_upstream_host_dials_total", func(s *hostSeries) uint64 { return s.dials.Load() }},
	{"headgate_upstream_host_dial_errors_total", func(s *hostSeries) uint64 { return s.dialErrors.Load() }},
	{"headgate_upstream_host_stale_connections_total", func(s *hostSeries) uint64 { return s.stale.Load() }},
	{"headgate_upstream_host_no_connection_total", func(s *hostSeries) uint64 {
		return s.noConnection.Load()
	}},
	{"headgate_upstream_host_passed_over_total", func(s *hostSeries) uint64 { return s.passedOver.Load() }},
	{"headgate_upstream_host_probes_total", func(s *hostSeries) uint64 { return s.probes.Load() }},
	{"headgate_upstream_host_probe_failures_total", func(s *hostSeries) uint64 {
		return s.probeFailures.Load()
	}},
}

// requests counts those of hosts with these series, and of those that went.
func (s *hostSeries) requests(hosts []*Host) uint64 {
	n := s.gone.Load()
	for _, h := range hosts {
		n += h.begun.Load()
	}
	return n
}

// answers reads the histogram.
func (s *hostSeries) answers() *latency.Reading {
	var r latency.Reading
	r.Add(&s.latency)
	return &r
}

// writeMore writes what is more than one number, and asks for the next answer's Date.
func (s *hostSeries) writeMore(w io.Writer, labels string) {
	for kind := range errorKinds {
		fmt.Fprintf(w, "headgate_upstream_host_errors_total{%s,kind=%q} %d\n", labels, kind, s.errors[kind].Load())
	}
	s.answers().Write(w, "headgate_upstream_host_duration_seconds", labels)
	ahead := time.Duration(s.clock.ahead.Load())
	fmt.Fprintf(w, "headgate_upstream_host_clock_skew_seconds{%s} %g\n", labels, ahead.Seconds())
	s.clock.wanted.Store(true)
}

func oneIf(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// write writes every series, sorted, each family in one block. It collects them first: whoever reads slowly must not
// hold the lock that a reload needs.
func (m *Metrics) write(w io.Writer) {
	var b bytes.Buffer
	m.mu.Lock()
	names := slices.Sorted(maps.Keys(m.pools))
	for _, metric := range poolMetrics {
		for _, name := range names {
			if metric.names && !m.pools[name].pools.looksUp() {
				continue
			}
			fmt.Fprintf(&b, "%s{upstream=%s} %d\n", metric.name, strconv.Quote(name), metric.value(m.pools[name]))
		}
	}
	labels := slices.SortedFunc(maps.Keys(m.hosts), func(a, b hostLabels) int {
		return cmp.Or(cmp.Compare(a.upstream, b.upstream), cmp.Compare(a.host, b.host))
	})
	for _, metric := range hostMetrics {
		for _, l := range labels {
			fmt.Fprintf(&b, "%s{upstream=%s,host=%s} %d\n",
				metric.name, strconv.Quote(l.upstream), strconv.Quote(l.host), metric.value(m.hosts[l]))
		}
	}
	for _, l := range labels {
		m.hosts[l].writeMore(&b, "upstream="+strconv.Quote(l.upstream)+",host="+strconv.Quote(l.host))
	}
	m.mu.Unlock()
	_, _ = w.Write(b.Bytes())
}
