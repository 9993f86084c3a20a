package systemd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOnlyTheJournalGetsPriorities: JOURNAL_STREAM is inherited by whatever a service starts, whose standard error may be
// another file.
func TestOnlyTheJournalGetsPriorities(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stream")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	for _, tc := range []struct {
		stream string
		want   bool
	}{
		{fmt.Sprintf("%d:%d", s.Dev, s.Ino), true},
		{fmt.Sprintf("%d:%d", s.Dev, s.Ino+1), false},
		{fmt.Sprintf("%d:%d", s.Dev+1, s.Ino), false},
		{"", false},
	} {
		env := func(name string) string { return map[string]string{"JOURNAL_STREAM": tc.stream}[name] }
		if _, is := Standard(file, env).(Journal); is != tc.want {
			t.Errorf("JOURNAL_STREAM=%s: the journal reads it: %v, want %v", tc.stream, is, tc.want)
		}
		if w := Standard(io.Discard, env); w != io.Discard {
			t.Errorf("what is no file became %v", w)
		}
	}
}

func TestEachLineBeginsWithItsPriority(t *testing.T) {
	var got bytes.Buffer
	for _, w := range []io.Writer{Journal{&got}, Warning.Lines(&got), Info.Lines(&got), Debug.Lines(&got)} {
		if n, err := io.WriteString(w, "one\ntwo\n"); n != len("one\ntwo\n") || err != nil {
			t.Errorf("%d bytes written, %v", n, err)
		}
	}
	const want = "<3>one\n<3>two\n<4>one\n<4>two\n<6>one\n<6>two\n<7>one\n<7>two\n"
	if got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}
