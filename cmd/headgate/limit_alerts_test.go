package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/exposition"
)

// limitFamilies are the metrics that are limits.
func limitFamilies() (limits []exposition.Family) {
	for _, section := range exposition.Table() {
		for _, f := range section.Families {
			if f.Bounds != "" {
				limits = append(limits, f)
			}
		}
	}
	return limits
}

// compares reports whether an expression divides what a limit bounds by the limit. Where there is none it must not divide
// by 0.
func compares(expression string, limit exposition.Family) bool {
	used := regexp.QuoteMeta(limit.Bounds) + `\{[^}]*\}`
	if families()[limit.Bounds].Kind == exposition.Counter {
		used = `rate\(` + used + `\[[^]]+\]\)`
	}
	return regexp.MustCompile(used + ` / \(` + limit.Name + `(\{[^}]*\})? > 0\)`).MatchString(expression)
}

// TestEveryLimitHasAnAlertAndAPanel compares the table of metrics with the alerts and the dashboard, both ways.
func TestEveryLimitHasAnAlertAndAPanel(t *testing.T) {
	var near []alerting
	for _, a := range shippedAlerts(t) {
		if a.name == "HeadgateLimitNear" {
			near = append(near, a)
		}
	}
	var drawn []string
	for _, p := range dashboard(t) {
		if p.Title == "Used of each limit" {
			for _, target := range p.Targets {
				drawn = append(drawn, strings.ReplaceAll(target.Expr, `{job="$job",instance=~"$instance"}`, "{}"))
			}
		}
	}
	for _, limit := range limitFamilies() {
		of := func(a alerting) bool { return compares(a.expression, limit) }
		if !slices.ContainsFunc(near, of) {
			t.Errorf("no HeadgateLimitNear compares %s with %s", limit.Bounds, limit.Name)
		}
		if !slices.ContainsFunc(drawn, func(expression string) bool { return compares(expression, limit) }) {
			t.Errorf("the dashboard does not show how much of %s is used", limit.Name)
		}
		for _, a := range near {
			if of(a) && strings.Contains(a.limit, ".") && !strings.Contains(limit.Help, a.limit) {
				t.Errorf("the alert calls %s %s, its help text does not", limit.Name, a.limit)
			}
		}
	}
	said := make(map[string]bool)
	for _, a := range near {
		if !slices.ContainsFunc(limitFamilies(), func(limit exposition.Family) bool { return compares(a.expression, limit) }) {
			t.Errorf("%s is no limit of the table", a.expression)
		}
		if said[a.limit] || a.limit == "" || !strings.HasSuffix(a.expression, "> 0.8") {
			t.Errorf("%s: limit %q, asked for twice, or not at 80 %%", a.expression, a.limit)
		}
		said[a.limit] = true
	}
}

// TestEveryLimitIsShownBesideItsValue: in a scrape each series of a limit has one of what it bounds, with the same labels.
func TestEveryLimitIsShownBesideItsValue(t *testing.T) {
	series := make(map[string]bool)
	for line := range strings.Lines(metricsOf(t, busy(t))) {
		if parts := sample.FindStringSubmatch(strings.TrimSuffix(line, "\n")); parts != nil {
			series[parts[1]+parts[2]] = true
		}
	}
	for _, limit := range limitFamilies() {
		found := 0
		for name := range series {
			labels, is := strings.CutPrefix(name, limit.Name)
			if !is || labels != "" && labels[0] != '{' {
				continue
			}
			if found++; !series[limit.Bounds+labels] {
				t.Errorf("%s stands without %s%s", name, limit.Bounds, labels)
			}
		}
		if found == 0 {
			t.Errorf("%s is not exported", limit.Name)
		}
	}
}
