package proxy

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const securityDoc = "../docs/security.md"

// The generated part of docs/security.md stands between these lines.
const (
	comparisonStart = "<!-- who lets what through: go test ./proxy -run TestWhoLetsWhatThrough -update -->\n"
	comparisonEnd   = "<!-- end of it -->\n"
)

// checkComparison holds the table of docs/security.md against what headgate did, or writes it.
func checkComparison(t *testing.T, cases []rawCase, tallies []*tally) {
	t.Helper()
	doc, err := os.ReadFile(securityDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), comparisonStart)
	written, after, ok2 := strings.Cut(rest, comparisonEnd)
	if !ok || !ok2 {
		t.Fatalf("%s: want the lines %q and %q around the table", securityDoc, comparisonStart, comparisonEnd)
	}
	now := comparison(cases, tallies)
	if *update && len(tallies) == 1+len(rivals) { // without every rival the table would lose columns
		if err := os.WriteFile(securityDoc, []byte(before+comparisonStart+now+comparisonEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, got := ownColumns(now), ownColumns(written); !slices.Equal(want, got) {
		t.Errorf("%s is out of step, run go test ./proxy -run TestWhoLetsWhatThrough -update:\nit says %q\nwant    %q", securityDoc, got, want)
	}
}

// comparison is the table in Markdown: by kind, how many cases got through each gateway that must not, and which.
func comparison(cases []rawCase, tallies []*tally) string {
	var b strings.Builder
	b.WriteString("\n| kind | what is bent | cases |")
	for _, y := range tallies {
		fmt.Fprintf(&b, " %s |", y.name)
	}
	b.WriteString("\n|---|---|---:|" + strings.Repeat("---:|", len(tallies)) + "\n")
	total, good := 0, 0
	for _, k := range rawKinds {
		n := 0
		for i := range cases {
			if cases[i].kind() == k.kind {
				if n++; cases[i].Expect == "accept" {
					good++
				}
			}
		}
		total += n
		fmt.Fprintf(&b, "| `%s` | %s | %d |", k.kind, k.what, n)
		for _, y := range tallies {
			fmt.Fprintf(&b, " %s |", y.cell(k.kind+"-"))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "| | **got through** | %d |", total)
	for _, y := range tallies {
		fmt.Fprintf(&b, " **%s** |", y.cell(""))
	}
	fmt.Fprintf(&b, "\n| | good requests refused | %d |", good)
	for _, y := range tallies {
		fmt.Fprintf(&b, " %d |", len(y.refused))
	}
	b.WriteString("\n\n")
	for _, y := range tallies[1:] {
		slices.Sort(y.through)
		slices.Sort(y.refused)
		fmt.Fprintf(&b, "Through %s: `%s`.\n", y.name, strings.Join(y.through, "` `"))
		if len(y.refused) > 0 {
			fmt.Fprintf(&b, "Good, but refused by it: `%s`.\n", strings.Join(y.refused, "` `"))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ownColumns are the cells of a table that do not depend on the rivals: all up to headgate's.
func ownColumns(table string) (rows []string) {
	for line := range strings.SplitSeq(table, "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 5 && !strings.HasPrefix(line, "|---") {
			rows = append(rows, strings.Join(cells[1:5], "|"))
		}
	}
	return rows
}

// TestTheSecurityPageNamesTestsThatExist looks for the tests and fuzz targets that docs/security.md relies on.
func TestTheSecurityPageNamesTestsThatExist(t *testing.T) {
	doc, err := os.ReadFile(securityDoc)
	if err != nil {
		t.Fatal(err)
	}
	exists := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, folder := range []string{".", "wire", "../authcache", "../balancer", "../cmd", "../e2e"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range declared.FindAllSubmatch(text, -1) {
				exists[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(doc, -1)
	for _, match := range named {
		if !exists[string(match[1])] {
			t.Errorf("%s relies on %s, which does not exist", securityDoc, match[1])
		}
	}
	if len(named) < 50 {
		t.Errorf("%s names %d tests only", securityDoc, len(named))
	}
}

func TestEveryRawCaseIsOfAKindInTheTable(t *testing.T) {
	for _, file := range []string{"testdata/raw-http.jsonl", "testdata/raw-http-more.jsonl"} {
		for _, c := range readRawCases(t, file) {
			known := false
			for _, k := range rawKinds {
				known = known || c.kind() == k.kind
			}
			if !known {
				t.Errorf("%s: %s is of no kind that docs/security.md shows", file, c.ID)
			}
		}
	}
}
