package main

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestDemoPrintsCommandsThatWork pastes what the demo prints into a shell.
func TestDemoPrintsCommandsThatWork(t *testing.T) {
	needProgram(t, "curl")
	command := exec.Command("headgate", "demo")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	command.Stderr = &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill() }()

	var pasted []string
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "It runs until Ctrl-C." {
		if line, ok := strings.CutPrefix(lines.Text(), "  "); ok && (strings.HasPrefix(line, "curl ") || strings.Contains(line, " explain --config")) {
			pasted = append(pasted, line)
		}
	}
	wanted := []string{"", "cellar_humidity 0.6", "garage_door_open 1", "garage_door_open 1", "401 Unauthorized", "headgate_build_info", "team-a"}
	if len(pasted) != len(wanted) {
		t.Fatalf("the demo printed %d commands, want %d: %q\n%s", len(pasted), len(wanted), pasted, complaints.String())
	}
	for i, line := range pasted {
		got, err := exec.Command("sh", "-c", line).Output()
		if err != nil || !strings.Contains(string(got), wanted[i]) {
			t.Errorf("%s\nwant %q, got (%v):\n%s", line, wanted[i], err, got)
		}
	}

	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil || complaints.Len() > 0 {
		t.Errorf("the demo ended with %v: %s", err, complaints.String())
	}
}
