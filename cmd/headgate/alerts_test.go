package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runbook is where the links of the alerts lead.
const runbook = "https://github.com/headgate/headgate/blob/main/docs/troubleshooting.md#"

// alerting is one rule of the shipped alerts.
type alerting struct{ name, expression, severity, limit, runbook string }

// shippedAlerts reads deploy/alerts, whose rules are written one like the other.
func shippedAlerts(t *testing.T) (found []alerting) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "deploy", "alerts", "headgate.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	first := func(pattern, rule string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(rule); m != nil {
			return m[1]
		}
		return ""
	}
	for _, rule := range strings.Split(string(text), "      - alert: ")[1:] {
		name, _, _ := strings.Cut(rule, "\n")
		found = append(found, alerting{
			name:       name,
			expression: first(`(?s)expr: (.*?)\n +for: `, rule),
			severity:   first(`severity: (\S+)`, rule),
			limit:      first(`\n +limit: (.+)\n`, rule),
			runbook:    first(`runbook_url: (\S+)`, rule),
		})
	}
	if n := strings.Count(string(text), "alert:"); len(found) == 0 || n != len(found) {
		t.Fatalf("%d of %d rules were read", len(found), n)
	}
	return found
}

// TestAlertsAskForWhatIsExportedAndHaveRunbooks: who is woken finds what to do.
func TestAlertsAskForWhatIsExportedAndHaveRunbooks(t *testing.T) {
	_, explained, _ := sections(t, troubleshooting, "Alerts")
	left := make(map[string]bool)
	for _, s := range explained {
		left[s.title] = s.text != ""
	}
	text, err := os.ReadFile(filepath.Join(repository, "deploy", "alerts", "headgate.rules.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	cases := string(text)
	for _, a := range shippedAlerts(t) {
		checkExpression(t, a.name, a.expression)
		if a.severity != "page" && a.severity != "ticket" {
			t.Errorf("%s: severity %q", a.name, a.severity)
		}
		if want := runbook + strings.ToLower(a.name); a.runbook != want {
			t.Errorf("%s: its runbook is %q, want %q", a.name, a.runbook, want)
		}
		if _, there := left[a.name]; !there {
			t.Errorf("%s: %s does not say what to do", a.name, troubleshooting)
		}
		left[a.name] = false
		asked := "alertname: " + a.name + "\n        exp_alerts:"
		if !strings.Contains(cases, asked+"\n") || !strings.Contains(cases, asked+" []\n") {
			t.Errorf("%s: no case shows when it fires, and when it does not", a.name)
		}
	}
	for name, is := range left {
		if is {
			t.Errorf("%s explains %s, which there is not", troubleshooting, name)
		}
	}
}

// TestAlertsFireWhenTheyShould lets Prometheus's own tool check the rules and run their cases.
func TestAlertsFireWhenTheyShould(t *testing.T) {
	needProgram(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "headgate.rules.yml"}, {"test", "rules", "headgate.rules.test.yml"}} {
		command := exec.Command("promtool", args...)
		command.Dir = filepath.Join(repository, "deploy", "alerts")
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
