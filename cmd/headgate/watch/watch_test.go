package watch

import (
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
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

// link makes a link, in the place of another if there is one.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path+".next"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// TestAChangeIsTold changes one thing that is watched, alone, in every way that operators and their tools have.
func TestAChangeIsTold(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		name, watched string
		change        func(t *testing.T, dir string)
	}{
		{"a file is written", "file", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "file"), "new text") }},
		{"a file is replaced by another", "file", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "next"), "old")
			if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "file")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a file goes", "file", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "file")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a file gets another owner", "file", func(t *testing.T, dir string) {
			if err := os.Chown(filepath.Join(dir, "file"), -1, os.Getgid()); err != nil {
				t.Fatal(err)
			}
		}},
		{"a missing file comes", "missing", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "missing"), "text") }},
		{"a missing folder comes", "release/missing/file", func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "release", "missing", "file"), 0o700); err != nil {
				t.Fatal(err)
			}
		}},
		{"a folder gets an entry", "folder", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "folder", "a.toml"), "") }},
		{"a link leads elsewhere", "link/target", func(t *testing.T, dir string) { link(t, "two", filepath.Join(dir, "link")) }},
		{"a link far above leads elsewhere", "release/link/folder", func(t *testing.T, dir string) {
			link(t, "../two", filepath.Join(dir, "release", "link"))
		}},
		{"a folder that is a link leads elsewhere", "link", func(t *testing.T, dir string) { link(t, "two", filepath.Join(dir, "link")) }},
		{"the folder behind a link is replaced", "release/link", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "one"), filepath.Join(dir, "before")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "two"), filepath.Join(dir, "one")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the file behind a link is written", "link/target", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "one", "target"), "new text")
		}},
		{"the file behind a link in a folder is written", "folder", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "two", "target"), "new text")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, folder := range []string{"folder", "one/folder", "two/folder", "release"} {
				if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "file"), "old")
			write(t, filepath.Join(dir, "one", "target"), "old")
			write(t, filepath.Join(dir, "two", "target"), "other")
			link(t, "one", filepath.Join(dir, "link"))
			link(t, "../one/", filepath.Join(dir, "release", "link"))
			link(t, "../two/target", filepath.Join(dir, "folder", "linked"))
			told := make(chan struct{}, 10)
			w := New(func() { told <- struct{}{} }, slog.New(slog.DiscardHandler))
			defer w.Close()
			w.Set([]string{filepath.Join(dir, c.watched)})
			await(t, told) // it is new to it
			c.change(t, dir)
			await(t, told)
		})
	}
}

// Looking for links opens nothing but folders: a pipe would keep whoever opens it until somebody writes.
func TestAPipeIsNotOpened(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := places(pipe); len(got) != 1 || got[0] != filepath.Dir(pipe) {
		t.Errorf("events of %q are asked for", got)
	}
}

// A path that leads in a circle, or through more links than the system follows, has an end.
func TestLinksInACircleHaveAnEnd(t *testing.T) {
	dir := t.TempDir()
	link(t, "b", filepath.Join(dir, "a"))
	link(t, "a", filepath.Join(dir, "b"))
	for _, place := range places(filepath.Join(dir, "a", "file")) {
		if place != dir {
			t.Errorf("events of %s are asked for", place)
		}
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
