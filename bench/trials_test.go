package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrials builds both programs and lets each trial run as short as it goes: what is measured means nothing, but
// everything runs.
func TestTrials(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds headgate")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("taskset is not installed")
	}
	dir := t.TempDir()
	bench, headgate := filepath.Join(dir, "bench"), filepath.Join(dir, "headgate")
	for _, build := range []*exec.Cmd{exec.Command("go", "build", "-o", bench, "."), exec.Command("go", "build", "-o", headgate, "./cmd/headgate")} {
		if build.Args[len(build.Args)-1] != "." {
			build.Dir = ".."
		}
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	for _, trial := range []struct{ args, want string }{
		{"coldstart -clients 20 -cost 0", "password_sha256            20       20"},
		{"coldstart -clients 5 -cost 4", "bcrypt of cost 4            5        5"},
		{"flood -clients 2 -cost 4 -window 200ms", "wrong passwords:"},
		{"timing -samples 5 -pause 20ms", "Mann–Whitney U, two-sided, all samples: z = "},
		{"reload -tenants 10 -times 1 -pause 10ms -window 100ms", "reload of 10 tenants, one of them changed"},
		{"fleet -clients 10000 -changes 5 -pause 10ms -window 100ms", "10000 clients in etcd"},
	} {
		t.Run(strings.Fields(trial.args)[0], func(t *testing.T) {
			text, err := exec.CommandContext(context.Background(), bench, append(strings.Fields(trial.args), "-headgate", headgate)...).CombinedOutput()
			if err != nil && strings.Contains(string(text), "share core") {
				t.Skip("one core only")
			}
			if err != nil && strings.Contains(string(text), "etcd is not installed") && os.Getenv("CI") == "" {
				t.Skip("etcd is not installed")
			}
			if err != nil || !strings.Contains(string(text), trial.want) {
				t.Errorf("%v, want %q in\n%s", err, trial.want, text)
			}
		})
	}
}
