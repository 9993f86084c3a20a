package proxy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// keepable are the statuses below 500 that headgate itself may give on a write route: for what is wrong and always will
// be. Prometheus drops what gets any of them.
var keepable = []int{400, 401, 403, 405, 413, 417, 431}

// TestRefusalsOnWriteRoutes: a refusal that another try could turn into success must be one that Prometheus repeats.
func TestRefusalsOnWriteRoutes(t *testing.T) {
	t.Parallel()
	reason := regexp.MustCompile(`^[a-z]+(_[a-z0-9]+)*$`)
	names := make(map[string]bool)
	for _, r := range Refusals() {
		switch {
		case slices.Contains(keepable, r.Write):
		case r.Write == 404 && r.Reason == "no_route": // a push path always has a route
		case r.Write >= 501 && r.Write <= 505:
		default:
			t.Errorf("%s: %d on write routes would lose data", r.Reason, r.Write)
		}
		if r.Write < 500 && r.Status != r.Write {
			t.Errorf("%s: %d on write routes and %d elsewhere: what is wrong for ever is so everywhere", r.Reason, r.Write, r.Status)
		}
		if names[r.Reason] {
			t.Errorf("%s: is there twice", r.Reason)
		}
		names[r.Reason] = true
		if !reason.MatchString(r.Reason) {
			t.Errorf("%q is no word for a label", r.Reason)
		}
		if r.Text == "" || strings.HasSuffix(r.Text, ".") || strings.ContainsAny(r.Text, "\r\n") {
			t.Errorf("%s: %q is not one line of advice", r.Reason, r.Text)
		}
	}
}

// TestRefusalsAreExplained: every reason has its place in the documents.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	const page = "../docs/troubleshooting.md"
	text, err := os.ReadFile(page)
	if os.IsNotExist(err) {
		t.Skipf("%s has not been written yet", page)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Refusals() {
		if !strings.Contains(string(text), "`"+r.Reason+"`") {
			t.Errorf("%s does not explain `%s`", page, r.Reason)
		}
	}
}
