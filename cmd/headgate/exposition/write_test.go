package exposition

import (
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func text(t *testing.T, sources ...func(io.Writer)) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, sources...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func lines(s string) func(io.Writer) {
	return func(w io.Writer) { _, _ = io.WriteString(w, s) }
}

func TestSeriesStandInFamiliesBehindTheirHelp(t *testing.T) {
	got := text(t,
		lines("headgate_refusals_total{reason=\"b\"} 1\nheadgate_draining 0\nheadgate_new_thing 3\n\n# HELP headgate_draining of another\n"),
		lines("headgate_auth_verify_seconds_bucket{le=\"+Inf\"} 2\nheadgate_auth_verify_seconds_sum 0.5\nheadgate_auth_verify_seconds_count 2\nheadgate_refusals_total{reason=\"a\"} 2\n"))
	want := `# HELP headgate_auth_verify_seconds Time that a check against a slow hash or a key took
# TYPE headgate_auth_verify_seconds histogram
headgate_auth_verify_seconds_bucket{le="+Inf"} 2
headgate_auth_verify_seconds_sum 0.5
headgate_auth_verify_seconds_count 2
# HELP headgate_draining 1 while the gateway goes away
# TYPE headgate_draining gauge
headgate_draining 0
# HELP headgate_refusals_total HELP
# TYPE headgate_refusals_total counter
headgate_refusals_total{reason="b"} 1
headgate_refusals_total{reason="a"} 2
headgate_new_thing 3
`
	got = regexp.MustCompile(`(# HELP headgate_refusals_total) .*`).ReplaceAllString(got, "$1 HELP")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTheRuntimeAndTheProcessTellAllThatTheTableHas: a name that a new version of Go does not know any more would go
// missing without a word.
func TestTheRuntimeAndTheProcessTellAllThatTheTableHas(t *testing.T) {
	runtime.GC()
	got := text(t, WriteRuntime, WriteProcess(time.Now()))
	for _, f := range append(goRuntime, process...) {
		if f.When != "" && runtime.GOOS != "linux" {
			continue
		}
		value := regexp.MustCompile(`(?m)^` + f.Name + `(_count)?(\{version="go[^"]+"\})? ([0-9.e+]+)$`).FindStringSubmatch(got)
		if value == nil || value[3] == "0" {
			t.Errorf("%s is missing or 0", f.Name)
		}
	}
}

func TestNamesAndHelpTextsAreInOrder(t *testing.T) {
	seen := make(map[string]bool)
	for _, section := range Table() {
		for _, f := range section.Families {
			if seen[f.Name] {
				t.Errorf("%s is there twice", f.Name)
			}
			seen[f.Name] = true
			if f.Help == "" || strings.HasSuffix(f.Help, ".") || strings.Contains(f.Help, "\n") {
				t.Errorf("%s: %q is not one sentence without its period", f.Name, f.Help)
			}
			if (f.Kind == Counter) != strings.HasSuffix(f.Name, "_total") {
				t.Errorf("%s is a %s", f.Name, f.Kind)
			}
		}
	}
}

// TestEveryLimitSaysWhatItBounds: by that the documents, the alerts and the dashboard are compared with the table.
func TestEveryLimitSaysWhatItBounds(t *testing.T) {
	named := regexp.MustCompile(`_limit$|_max_|_limit_`)
	for _, section := range Table() {
		for _, f := range section.Families {
			switch bounded := byName[f.Bounds]; {
			case f.Bounds == "" && named.MatchString(f.Name):
				t.Errorf("%s is a limit, of what it does not say", f.Name)
			case f.Bounds == "":
			case bounded == nil || bounded.Kind == Histogram || f.Kind != Gauge:
				t.Errorf("%s bounds %s, which no number is compared with", f.Name, f.Bounds)
			case !slices.Equal(f.Labels, bounded.Labels):
				t.Errorf("%s has the labels %v, what it bounds has %v", f.Name, f.Labels, bounded.Labels)
			}
		}
	}
}
