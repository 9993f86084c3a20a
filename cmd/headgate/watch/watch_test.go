package watch

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds the waiting for something that must happen.
const patience = 10 * time.Second

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// await waits for a call.
func await(t *testing.T, told <-chan struct{}) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatal("nothing was told")
	}
}

// TestAChangeIsTold changes what is watched in every way that operators and their tools have.
func TestAChangeIsTold(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		name   string
		change func(t *testing.T, dir string)
	}{
		{"a file is written", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "file"), "new text") }},
		{"a file is replaced by another", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "next"), "old")
			if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "file")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a file goes", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "file")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a missing file comes", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "missing"), "text") }},
		{"a folder gets an entry", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "folder", "a.toml"), "") }},
		{"a link leads elsewhere", func(t *testing.T, dir string) {
			if err := os.Symlink(filepath.Join(dir, "two"), filepath.Join(dir, "link.next")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "link.next"), filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the file behind a link is written", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "one", "target"), "new text")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, folder := range []string{"folder", "one", "two"} {
				if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "file"), "old")
			write(t, filepath.Join(dir, "one", "target"), "old")
			write(t, filepath.Join(dir, "two", "target"), "other")
			if err := os.Symlink(filepath.Join(dir, "one"), filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			told := make(chan struct{}, 10)
			w := New(func() { told <- struct{}{} }, slog.New(slog.DiscardHandler))
			defer w.Close()
			w.Set([]string{
				filepath.Join(dir, "file"), filepath.Join(dir, "missing"), filepath.Join(dir, "folder"),
				filepath.Join(dir, "link", "target"),
			})
			await(t, told) // they are new to it
			c.change(t, dir)
			await(t, told)
		})
	}
}

// TestWhatIsNotWatchedIsNotTold touches a neighbour and then the file itself: one call, not two.
func TestWhatIsNotWatchedIsNotTold(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "old")
	looked := make(chan bool, 10)
	w := &Watcher{log: slog.New(slog.DiscardHandler)}
	w.Set([]string{file})
	write(t, filepath.Join(dir, "neighbour"), "text")
	looked <- w.look()
	write(t, file, "new text")
	looked <- w.look()
	looked <- w.look()
	for i, want := range []bool{false, true, false} {
		if got := <-looked; got != want {
			t.Errorf("look %d: told %v, want %v", i, got, want)
		}
	}
}

func TestADoubtIsToldWithoutAChange(t *testing.T) {
	defer goleak.VerifyNone(t)
	told := make(chan struct{}, 10)
	w := New(func() { told <- struct{}{} }, slog.New(slog.DiscardHandler))
	defer w.Close()
	missing := []string{filepath.Join(t.TempDir(), "missing")}
	w.Set(missing)
	await(t, told) // it may have been there before
	w.Doubt()
	await(t, told)
}
