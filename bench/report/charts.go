package report

import (
	"fmt"
	"slices"
)

// charts are the pictures of a run.
func charts(r *Run) []chart {
	return []chart{
		r.scenarios(chart{
			file: "cpu.svg", title: "CPU per request at full speed, best variant of each", unit: "µs of one core", log: true,
		}, ByCPU, "push-1KiB", "push-32KiB", "push-512KiB", "query-1KiB", "query-5MiB"),
		r.scenarios(chart{
			file: "tenants.svg", title: "CPU per push of 1 KiB by the number of tenants, the last one sending", unit: "µs of one core",
			log: true, connected: true,
		}, ByCPU, "push-1KiB", "tenants-10000", "tenants-100000"),
		r.scenarios(chart{
			file: "credentials.svg", title: "CPU per push of 1 KiB by credential and transport", unit: "µs of one core", log: true,
		}, ByCPU, "push-1KiB", "bcrypt", "tls-1KiB"),
		r.scenarios(chart{
			file: "memory.svg", title: "Memory with 64 and with 5,000 connections", unit: "RSS in MB",
		}, ByRSS, "push-1KiB", "idle-5000", "busy-5000-1KiB", "busy-5000-32KiB"),
		r.series(chart{
			file: "methods.svg", title: "CPU per push of 1 KiB by how the client proves who it is", unit: "µs of one core",
		}, "methods"),
		r.series(chart{
			file: "by-tenants.svg", title: "CPU per push of 1 KiB by the number of tenants, which send in turn", unit: "µs of one core", connected: true,
		}, "by-tenants", "million-tenants"),
		r.latency("push-1KiB"),
		r.latency("push-32KiB"),
		r.latency("push-512KiB"),
	}
}

// scenarios fills a chart with one quantity at several scenarios.
func (r *Run) scenarios(c chart, of func(Summary) float64, names ...string) chart {
	c.places = names
	for _, proxy := range charted {
		s := series{proxy: proxy, values: make([]float64, len(names))}
		for i, name := range names {
			if found, ok := r.find(name); ok {
				if subject, measured := found.shown(proxy, of); measured {
					s.values[i] = of(Summarize(subject))
				}
			}
		}
		c.series = append(c.series, s)
	}
	return c
}

// series fills a chart with the subjects of scenarios in which all are headgate.
func (r *Run) series(c chart, names ...string) chart {
	s := series{proxy: "headgate"}
	for _, name := range names {
		found, _ := r.find(name)
		for _, subject := range found.Subjects {
			if cpu := Summarize(subject).CPU; cpu > 0 && !slices.Contains(c.places, subject.Name) {
				c.places, s.values = append(c.places, subject.Name), append(s.values, cpu)
			}
		}
	}
	if len(s.values) > 0 {
		c.series = append(c.series, s)
	}
	return c
}

// shown is the subject that stands for a proxy: of a rival the best one, of headgate the one with its defaults.
func (s Scenario) shown(proxy string, of func(Summary) float64) (Subject, bool) {
	if proxy == "headgate" {
		return s.Find(proxy)
	}
	best, _, found := s.Best(proxy, of)
	return best, found
}

// latency is the chart of a scenario's latencies in the open loop, with those of the load and the upstream alone.
func (r *Run) latency(name string) chart {
	c := chart{
		file: "latency-" + name + ".svg", unit: "µs from when the request was due", log: true, connected: true,
		title: "Latency of " + name + " at a fixed rate", places: []string{"p50", "p99", "p99.9"},
	}
	found, ok := r.find(name)
	if !ok {
		return c
	}
	if ours, measured := found.Find("headgate"); measured {
		c.title = fmt.Sprintf("Latency of %s at %.0f requests a second", name, Summarize(ours).Rate)
	}
	for _, proxy := range append(charted, Direct) {
		subject, measured := found.shown(proxy, ByCPU)
		if !measured {
			continue
		}
		sum := Summarize(subject)
		c.series = append(c.series, series{proxy: proxy, values: []float64{sum.P50, sum.P99, sum.P999}})
	}
	return c
}
