package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/exposition"
)

// panel is what the tests want to know of a panel of a Grafana dashboard.
type panel struct {
	ID      int
	Title   string
	Type    string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr, LegendFormat string }
	Panels  []panel // of a row that is closed
}

// variable is one of the choices above the panels.
type variable struct{ Name, Type, Definition string }

// readDashboard reads the one that is shipped, the panels of closed rows among the others.
func readDashboard(t *testing.T) (panels []panel, variables []variable) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "deploy", "grafana", "headgate.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels     []panel
		Templating struct{ List []variable }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		panels = append(append(panels, p), p.Panels...)
	}
	queries := 0
	for _, p := range panels {
		queries += len(p.Targets)
	}
	if n := strings.Count(string(text), `"expr":`); n != queries {
		t.Errorf("the dashboard has %d queries, of which %d are looked at", n, queries)
	}
	return panels, d.Templating.List
}

func dashboard(t *testing.T) []panel {
	t.Helper()
	panels, _ := readDashboard(t)
	return panels
}

// families are those of the table by name, and the one that Prometheus itself adds.
func families() map[string]exposition.Family {
	all := map[string]exposition.Family{"up": {Name: "up", Kind: exposition.Gauge}}
	for _, section := range exposition.Table() {
		for _, f := range section.Families {
			all[f.Name] = f
		}
	}
	return all
}

// familyOf finds the family of a series by its name.
func familyOf(name string) (exposition.Family, bool) {
	all := families()
	if f, ok := all[name]; ok {
		return f, f.Kind != exposition.Histogram
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, cut := strings.CutSuffix(name, suffix); cut {
			f := all[base]
			return f, f.Kind == exposition.Histogram || f.Kind == exposition.Summary
		}
	}
	return exposition.Family{}, false
}

var (
	metricName = regexp.MustCompile(`\b(?:headgate|cortex|go|process)_[a-z0-9_]+|\bup\b`)
	selectors  = regexp.MustCompile(`([a-z0-9_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouping   = regexp.MustCompile(`\bby \(([a-z_, ]+)\)`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
	legend     = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)
)

// checkExpression wants an expression to ask only for metrics that the program exports, by labels that they have, and
// returns the labels that its result has.
func checkExpression(t *testing.T, where, expression string) []string {
	t.Helper()
	names := metricName.FindAllString(grouping.ReplaceAllString(quoted.ReplaceAllString(expression, ""), ""), -1)
	if len(names) == 0 {
		t.Errorf("%s: %s asks for nothing of ours", where, expression)
	}
	labels := []string{"job", "instance"} // Prometheus adds these
	for _, name := range names {
		f, ok := familyOf(name)
		if !ok {
			t.Errorf("%s: %s is not exported", where, name)
		}
		labels = append(labels, f.Labels...)
	}
	for _, s := range selectors.FindAllStringSubmatch(expression, -1) {
		f, _ := familyOf(s[1])
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(append([]string{"job", "instance"}, f.Labels...), m[1]) {
				t.Errorf("%s: %s has no label %s", where, s[1], m[1])
			}
		}
	}
	var grouped []string
	groups := grouping.FindAllStringSubmatch(expression, -1)
	for _, group := range groups {
		for label := range strings.SplitSeq(group[1], ", ") {
			if label != "le" && !slices.Contains(labels, label) {
				t.Errorf("%s: %s: no metric in it has the label %s", where, expression, label)
			}
			grouped = append(grouped, label)
		}
	}
	if len(groups) > 0 {
		return grouped
	}
	return labels
}

// TestDashboardAsksForWhatIsExported looks at every query of the shipped dashboard, and at its shape.
func TestDashboardAsksForWhatIsExported(t *testing.T) {
	ids := make(map[int]bool)
	for _, p := range dashboard(t) {
		if ids[p.ID] || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q: id %d, place %+v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			labels := checkExpression(t, p.Title, target.Expr)
			for _, m := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(labels, m[1]) {
					t.Errorf("%s: the legend names %s, which %s has not", p.Title, m[1], target.Expr)
				}
			}
		}
	}
}

// TestVariablesOfTheDashboardAskForWhatIsExported: label_values(METRIC, LABEL), both of which there must be.
func TestVariablesOfTheDashboardAskForWhatIsExported(t *testing.T) {
	_, variables := readDashboard(t)
	asked := 0
	for _, v := range variables {
		if v.Type != "query" {
			continue
		}
		asked++
		expression, label, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")"), ", ")
		if !ok || !slices.Contains(checkExpression(t, v.Name, expression), label) {
			t.Errorf("the variable %s asks %q, want label_values of a metric and a label that it has", v.Name, v.Definition)
		}
	}
	if asked == 0 {
		t.Error("no variable asks for anything: this test sees too little")
	}
}

// TestQueriesOfTheDashboardParse lets Prometheus's own tool read them, as rules.
func TestQueriesOfTheDashboardParse(t *testing.T) {
	needProgram(t, "promtool")
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", "headgate", "$instance", ".*")
	n := 0
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			n++
			fmt.Fprintf(&rules, "  - record: panel_%d_%d\n    expr: %q\n", p.ID, n, variables.Replace(target.Expr))
		}
	}
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("promtool", "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}
