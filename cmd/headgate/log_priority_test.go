package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/systemd"
)

// TestLinesOfTheJournalSayTheirPriority: journalctl -p warning shows warnings and errors, and nothing else.
func TestLinesOfTheJournalSayTheirPriority(t *testing.T) {
	log := &lockedBuffer{}
	o := newLogOutput(systemd.Journal{Stream: log}, metrics.NewSet())
	o.apply(config.Log{Level: "debug", Format: "json"})
	said := o.logger.With("upstream", "all")
	said.Debug("d")
	said.Info("i")
	said.Warn("w")
	said.Error("e")
	o.changes.Info("c")
	for range 3 {
		o.requests.WithGroup("g").Warn("r", "a", "b") // through the queue, several in one write
	}
	o.close()
	weights := ""
	for line := range strings.Lines(log.String()) {
		if len(line) < 3 || !json.Valid([]byte(line[3:])) {
			t.Errorf("%q is no priority before a record", line)
			continue
		}
		weights += line[:3]
	}
	if weights != "<7><6><4><3><6><4><4><4>" {
		t.Errorf("the priorities are %s in\n%s", weights, log)
	}

	o.apply(config.Log{Level: "warn", Format: "logfmt"})
	before := len(log.String())
	o.logger.Info("i")
	o.logger.Warn("w")
	if got := log.String()[before:]; !strings.HasPrefix(got, "<4>time=") || strings.Count(got, "\n") != 1 {
		t.Errorf("from level warn on, as logfmt: %q", got)
	}
}

// TestTheProgramFindsTheJournal runs it as a service manager does, whose journal reads standard error.
func TestTheProgramFindsTheJournal(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "headgate.toml")
	if err := os.WriteFile(file, []byte("[server]\nlistn = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, journal := range []bool{true, false} {
		stream, err := os.Create(filepath.Join(dir, "stream"))
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		info, err := stream.Stat()
		if err != nil {
			t.Fatal(err)
		}
		s := info.Sys().(*syscall.Stat_t)
		command := exec.Command("headgate", "run", "--config", file)
		command.Stderr = stream
		want := "headgate: "
		if journal {
			command.Env = append(os.Environ(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", s.Dev, s.Ino))
			want = "<3>headgate: "
		}
		if err := command.Run(); err == nil {
			t.Error("it runs with a broken configuration")
		}
		text, err := os.ReadFile(stream.Name())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, want) {
				t.Errorf("journal %v: %q does not begin with %q", journal, line, want)
			}
		}
		if len(text) == 0 {
			t.Error("nothing is said of a broken configuration")
		}
	}
}
