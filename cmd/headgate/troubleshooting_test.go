package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/proxy"
)

var troubleshooting = filepath.Join(repository, "docs", "troubleshooting.md")

// section is a heading of the third level and what stands below it.
type section struct{ title, text string }

// sections reads the part of a page below one heading of the second level.
func sections(t *testing.T, path, heading string) (before string, found []section, after string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no part %q", path, heading)
	}
	before += "\n## " + heading + "\n"
	if at := strings.Index(rest, "\n## "); at >= 0 {
		rest, after = rest[:at], rest[at:]
	}
	parts := strings.Split(rest, "\n### ")
	for _, part := range parts[1:] {
		title, text, _ := strings.Cut(part, "\n")
		found = append(found, section{strings.Trim(title, "`"), strings.TrimSpace(text)})
	}
	return before + parts[0], found, after
}

// explained is a refusal as a page explains it.
type explained struct {
	reason, text  string
	status, write int
}

// TestEveryRefusalIsExplained: each has a part of its own, in the order of the table, that begins with what the code says
// of it and goes on with what a person does. make golden writes the beginnings.
func TestEveryRefusalIsExplained(t *testing.T) {
	var ofTenants, ofOperators []explained
	for _, r := range proxy.Refusals() {
		ofTenants = append(ofTenants, explained{r.Reason, r.Text, r.Status, r.Write})
	}
	for _, r := range admin.AllRefusals() {
		ofOperators = append(ofOperators, explained{r.Reason, r.Text, r.Status, r.Status})
	}
	checkExplained(t, "What headgate answers", ofTenants)
	checkExplained(t, "What the admin listener answers", ofOperators)
}

// checkExplained compares a part of the page with a table.
func checkExplained(t *testing.T, heading string, refusals []explained) {
	t.Helper()
	before, found, after := sections(t, troubleshooting, heading)
	prose := make(map[string]string)
	for _, s := range found {
		first, rest, _ := strings.Cut(s.text, "\n\n")
		if !strings.HasPrefix(first, "> ") {
			first, rest = "", s.text
		}
		prose[s.title] = strings.TrimSpace(rest)
	}
	var page strings.Builder
	page.WriteString(strings.TrimRight(before, "\n") + "\n")
	for _, r := range refusals {
		status := fmt.Sprint(r.status)
		if r.write != r.status {
			status = fmt.Sprintf("%d, on write routes %d", r.status, r.write)
		}
		fmt.Fprintf(&page, "\n### `%s`\n\n> %s: %s\n\n%s\n", r.reason, status, r.text, prose[r.reason])
		if prose[r.reason] == "" {
			t.Errorf("%s, %s: does not say what %s means and what to do about it", troubleshooting, heading, r.reason)
		}
		delete(prose, r.reason)
	}
	for reason := range prose {
		t.Errorf("%s, %s: explains %s, which there is not", troubleshooting, heading, reason)
	}
	rewritten(t, troubleshooting, page.String()+after)
}

// TestLinksWithinTroubleshootingLeadSomewhere: symptoms lead to headings that are there.
func TestLinksWithinTroubleshootingLeadSomewhere(t *testing.T) {
	text, err := os.ReadFile(troubleshooting)
	if err != nil {
		t.Fatal(err)
	}
	anchors := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^#+ (.+)$").FindAllStringSubmatch(string(text), -1) {
		anchors[strings.ReplaceAll(strings.Trim(strings.ToLower(m[1]), "`"), " ", "-")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if !anchors[m[1]] {
			t.Errorf("%s links to #%s, which is not there", troubleshooting, m[1])
		}
	}
}
