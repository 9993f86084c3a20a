package sources

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/cmd/headgate/watch"
)

// Half of a file that is TOML all the same is not read while it may still grow; what is complete is read in the end.
func TestHalfAFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "tenants.d")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "a.toml")
	writeTenants(t, path, 0, 4, "one")
	s, cache, cfg := loadFolder(t, dir)
	s.Use(cfg)

	// As a writer leaves it for a moment: the times are given, so that no slow machine makes the moment pass.
	written := func(at time.Time) {
		t.Helper()
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		now := time.Now()
		r := &reading{sources: s, now: now}
		s.folder.read(r)
		if unfinished := now.Sub(at) < quiet; r.unfinished != unfinished {
			t.Errorf("a file written %s ago: unfinished is %v", now.Sub(at), r.unfinished)
		}
	}
	writeTenants(t, path, 0, 2, "one")
	written(time.Now())
	if !accepted(cache, 3, "one") || cache.Sources()[0].Err != nil {
		t.Error("half of a file is in force")
	}
	writeTenants(t, path, 0, 4, "two")
	written(time.Now())
	if !accepted(cache, 3, "one") {
		t.Error("a file is in force that was written this moment")
	}
	written(time.Now().Add(-time.Minute))
	if !accepted(cache, 3, "two") || accepted(cache, 3, "one") {
		t.Error("a file that is complete is not in force")
	}
}

// A writer that never rests does not keep its file from being read for ever.
func TestAWriterWithoutRestIsReadAllTheSame(t *testing.T) {
	begin := time.Now()
	var since time.Time
	dir := t.TempDir()
	writeTenants(t, filepath.Join(dir, "x"), 0, 1, "one")
	f := file{path: filepath.Join(dir, "x"), good: true}
	for now, waited := begin, 0; ; now, waited = now.Add(quiet/2), waited+1 {
		if err := os.Chtimes(f.path, now, now); err != nil {
			t.Fatal(err)
		}
		if !stillWritten(watch.Look(f.path), now, &since) {
			if least := int(patience / (quiet / 2)); waited != least {
				t.Errorf("it was read after %d looks, want %d", waited, least)
			}
			return
		}
	}
}
