package systemd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Priority is what a line of the journal weighs, by syslog's scale (sd-daemon(3)): journalctl -p warning shows lines of
// Warning and below.
type Priority uint8

// The priorities that are used.
const (
	Err     Priority = 3
	Warning Priority = 4
	Info    Priority = 6
	Debug   Priority = 7
)

// Journal is a stream that systemd's journal reads. What is written to it as it is are complaints, of priority Err.
type Journal struct{ Stream io.Writer }

// Standard returns w, a stream of this process, as a Journal where the service manager has connected it to the journal, and
// otherwise as it is (systemd.exec(5), JOURNAL_STREAM).
func Standard(w io.Writer, env func(name string) string) io.Writer {
	file, ok := w.(*os.File)
	if !ok {
		return w
	}
	info, err := file.Stat()
	if err != nil {
		return w
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || env("JOURNAL_STREAM") != fmt.Sprintf("%d:%d", s.Dev, s.Ino) {
		return w
	}
	return Journal{w}
}

// Write writes complaints.
func (j Journal) Write(lines []byte) (int, error) {
	if _, err := j.Stream.Write(Err.mark(lines)); err != nil {
		return 0, err
	}
	return len(lines), nil
}

// Lines returns a writer that writes to w what it is given, each line with this priority.
func (p Priority) Lines(w io.Writer) io.Writer { return marking{p, w} }

type marking struct {
	priority Priority
	w        io.Writer
}

// Write implements io.Writer.
func (m marking) Write(lines []byte) (int, error) {
	if _, err := m.w.Write(m.priority.mark(lines)); err != nil {
		return 0, err
	}
	return len(lines), nil
}

// mark puts the priority before every line.
func (p Priority) mark(lines []byte) []byte {
	marked := make([]byte, 0, len(lines)+len("<0>"))
	for line := range bytes.Lines(lines) {
		marked = append(append(marked, '<', '0'+byte(p), '>'), line...)
	}
	return marked
}
