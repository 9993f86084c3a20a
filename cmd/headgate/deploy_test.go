package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnitsAreGood lets systemd's own tool look at the units, with this binary in the place of the installed one.
func TestUnitsAreGood(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("systemd-analyze is not installed, and CI must have it")
	}
	if err != nil {
		t.Skip("systemd-analyze is not installed: nothing to look at the units with (apt-get install systemd)")
	}
	program, err := exec.LookPath("headgate") // this test binary under that name, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"verify"}
	for _, name := range []string{"headgate.service", "headgate.socket"} {
		text, err := os.ReadFile(filepath.Join(repository, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/bin/headgate", program)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestUnitsFitTheProgram compares what the units say with what the program takes them to say.
func TestUnitsFitTheProgram(t *testing.T) {
	for name, lines := range map[string][]string{
		"headgate.service": {"Type=notify", "NotifyAccess=main", "WatchdogSec=30s", "ExecReload=/bin/kill -HUP $MAINPID"},
		"headgate.socket":  {"FileDescriptorName=" + namedForTenants, "ListenStream=8080"},
	} {
		text, err := os.ReadFile(filepath.Join(repository, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains("\n"+string(text), "\n"+line+"\n") {
				t.Errorf("%s has no line %s", name, line)
			}
		}
	}
}
