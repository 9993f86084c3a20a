package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/bench/report"
)

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args string
		code int
		want string // in what is printed
	}{
		{"", 2, "usage:"},
		{"nothing", 2, `no command is called "nothing"`},
		{"list", 0, "haproxy-splice"},
		{"list too much", 2, "2 arguments: want 0"},
		{"run -nothing", 2, "flag provided but not defined"},
		{"run -scenarios nothing", 1, `no scenario begins with "nothing"`},
		{"run -only apache", 1, `no variant is called "apache"`},
		{"run -rounds 0", 1, "want 1 or more"},
		{"run -proxy-core 0 -load-core 0", 1, "share core 0"},
		{"report", 2, "0 arguments: want 1"},
		{"report missing.json", 1, "missing.json"},
	} {
		var out bytes.Buffer
		code := run(context.Background(), strings.Fields(test.args), &out, &out)
		if code != test.code || !strings.Contains(out.String(), test.want) {
			t.Errorf("%q: code %d, want %d; printed\n%s\nwant %q in it", test.args, code, test.code, out.String(), test.want)
		}
	}
}

// TestRun builds the program and lets it take two short rounds of whatever is installed, as a user would.
func TestRun(t *testing.T) {
	for _, program := range []string{"taskset", "haproxy"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	bench := filepath.Join(t.TempDir(), "bench")
	if text, err := exec.Command("go", "build", "-o", bench, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	results := t.TempDir()
	run := exec.Command(bench, "run", "-scenarios", "push-1KiB", "-only", "haproxy", "-rounds", "1", "-starts", "2",
		"-time", "100ms", "-warmup", "20ms", "-out", results)
	text, err := run.CombinedOutput()
	if err != nil && strings.Contains(string(text), "share core") {
		t.Skip("one core only")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	files, err := filepath.Glob(filepath.Join(results, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("results: %v, %v; printed\n%s", files, err, text)
	}
	r, err := report.Read(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range r.Scenarios[0].Subjects {
		names = append(names, s.Name)
		if sum := report.Summarize(s); sum.Throughput <= 0 || sum.Failed > 0 {
			t.Errorf("%s: %+v", s.Name, sum)
		}
	}
	if strings.Join(names, " ") != "direct haproxy" {
		t.Errorf("subjects %v, want direct and haproxy", names)
	}
	if charts, err := filepath.Glob(filepath.Join(results, "charts", "*.svg")); err != nil || len(charts) == 0 {
		t.Errorf("charts: %v, %v", charts, err)
	}
}
