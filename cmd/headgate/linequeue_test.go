package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// stuckWriter takes nothing until it is opened.
type stuckWriter struct {
	open chan struct{}
	mu   sync.Mutex
	b    bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.open
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *stuckWriter) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Split(strings.TrimSuffix(w.b.String(), "\n"), "\n")
}

// TestALogThatNobodyReadsHoldsUpNoRequest: lines of requests are dropped, counted, and the count told once somebody reads
// again; those that were kept come whole and in order.
func TestALogThatNobodyReadsHoldsUpNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuckWriter{open: make(chan struct{})}
		set := metrics.NewSet()
		o := newLogOutput(w, set)
		o.apply(config.Default().Log)
		const all = 3 * queuedLines
		for i := range all {
			o.requests.Info("line", "n", i) // in synctest, waiting here would be a deadlock
		}
		synctest.Wait()
		dropped := int64(set.GetOrCreateCounter("headgate_log_lines_dropped_total").Get())
		if dropped < all-queuedLines-1000 || dropped >= all {
			t.Errorf("%d of %d lines are dropped, with room for %d", dropped, all, queuedLines)
		}
		close(w.open)
		synctest.Wait()
		o.close()
		o.requests.Info("after the end") // at once
		lines := w.lines()
		if n := int64(len(lines)); n != all-dropped+2 {
			t.Errorf("%d lines came through, want %d, one for those dropped and one after the end", n, all-dropped)
		}
		told, next := 0, 0
		for _, line := range lines {
			switch {
			case strings.Contains(line, "lines were dropped"):
				told++
				if want := fmt.Sprintf(`"count":%d}`, dropped); !strings.HasSuffix(line, want) {
					t.Errorf("%s, want %s", line, want)
				}
			case strings.Contains(line, `"msg":"line"`):
				if !strings.HasSuffix(line, fmt.Sprintf(`"n":%d}`, next)) {
					t.Fatalf("%s, want number %d", line, next)
				}
				next++
			}
		}
		if told != 1 {
			t.Errorf("told %d times that lines were dropped", told)
		}
	})
}

// TestTheEndDoesNotWaitForALogThatNobodyReads for longer than a moment.
func TestTheEndDoesNotWaitForALogThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuckWriter{open: make(chan struct{})}
		o := newLogOutput(w, metrics.NewSet())
		o.requests.Info("line")
		o.close() // would be a deadlock
		close(w.open)
	})
}

// TestLinesOfRequestsHaveSwitchesOfTheirOwn: the level of the log is for the program.
func TestLinesOfRequestsHaveSwitchesOfTheirOwn(t *testing.T) {
	log := &lockedBuffer{}
	o := newLogOutput(log, metrics.NewSet())
	o.apply(config.Log{Level: "error", Format: "logfmt"})
	o.requests.Info("of a request", "text", "a\nb\x1b[2J")
	o.changes.Info("of a change")
	o.events.Warn("of an event")
	o.logger.Warn("of the program")
	o.close()
	said := log.String()
	for text, want := range map[string]bool{
		`msg="of a request" text="a\nb\x1b[2J"`: true, "of a change": true, "of an event": false, "of the program": false,
	} {
		if strings.Contains(said, text) != want {
			t.Errorf("%q is in the log: %v, want %v:\n%s", text, !want, want, said)
		}
	}
}
