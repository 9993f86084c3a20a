package sources

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// readings are looks at a folder at given moments, so that no slow machine makes a moment pass.
type readings struct {
	*Sources
	t      *testing.T
	folder string
	begin  time.Time
}

// readFolder begins with a folder of these files, which were written long ago.
func readFolder(t *testing.T, names ...string) (*readings, *authcache.Cache) {
	t.Helper()
	dir, folder := tenantsFolder(t)
	r := &readings{t: t, folder: folder, begin: time.Now()}
	for i, name := range names {
		r.write(name, i, i+1, "one", -time.Hour)
	}
	s, cache, cfg := loadFolder(t, dir)
	s.Use(cfg)
	r.Sources = s
	return r, cache
}

// write writes a file at a moment, counted from the beginning.
func (r *readings) write(name string, first, last int, password string, at time.Duration) {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	writeTenants(r.t, path, first, last, password)
	if err := os.Chtimes(path, r.begin.Add(at), r.begin.Add(at)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *readings) remove(name string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.folder, name)); err != nil {
		r.t.Fatal(err)
	}
}

// at looks at a moment, and checks whether it has to look again.
func (r *readings) at(moment time.Duration, unfinished bool) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	one := &reading{sources: r.Sources, now: r.begin.Add(moment)}
	r.Sources.folder.read(one)
	if one.unfinished != unfinished {
		r.t.Errorf("at %s: unfinished is %v", moment, one.unfinished)
	}
}

// Half of a file that is TOML all the same is not read while it may still grow; what is complete is read in the end.
func TestHalfAFileIsNotRead(t *testing.T) {
	r, cache := readFolder(t, "a.toml")
	r.write("a.toml", 0, 4, "one", -time.Hour)
	r.at(0, false)
	r.write("a.toml", 0, 2, "one", 0)
	r.at(0, true)
	if !accepted(cache, 3, "one") || cache.Sources()[0].Err != nil {
		t.Error("half of a file is in force")
	}
	r.write("a.toml", 0, 4, "two", watch.Quiet)
	r.at(watch.Quiet, true)
	if !accepted(cache, 3, "one") {
		t.Error("a file is in force that was written this moment")
	}
	r.at(2*watch.Quiet, false)
	if !accepted(cache, 3, "two") || accepted(cache, 3, "one") {
		t.Error("a file that is complete is not in force")
	}
}

// A file that is away at one look may be on its way to a new version: editors, configuration tools and git take the old one
// away first. Its clients are not refused meanwhile, and nobody is told of an error.
func TestAFileThatIsAwayForAMomentIsNotGone(t *testing.T) {
	r, cache := readFolder(t, "a.toml", "b.toml")
	r.remove("a.toml")
	r.at(0, true)
	r.at(watch.Quiet-1, true)
	if !accepted(cache, 0, "one") || cache.Sources()[0].Err != nil {
		t.Fatal("a file that is away for a moment takes its clients with it")
	}
	r.write("a.toml", 0, 1, "two", watch.Quiet)
	r.at(watch.Quiet, true)
	if !accepted(cache, 0, "one") {
		t.Error("its clients go when it comes back")
	}
	r.at(2*watch.Quiet, false)
	if !accepted(cache, 0, "two") {
		t.Error("the new version is not in force")
	}

	// What stays away is gone.
	r.remove("a.toml")
	r.at(3*watch.Quiet, true)
	r.at(4*watch.Quiet, false)
	if accepted(cache, 0, "two") || !accepted(cache, 1, "one") {
		t.Error("a file is gone, and its clients are not")
	}
}

// What one file loses another may be about to get.
func TestNoFileIsGoneWhileAnotherIsWritten(t *testing.T) {
	r, cache := readFolder(t, "a.toml", "b.toml")
	r.remove("a.toml")
	for at := time.Duration(0); at < watch.Patience; at += watch.Quiet / 2 {
		r.write("b.toml", 0, int(at/watch.Quiet)%2, "two", at)
		r.at(at, true)
		if !accepted(cache, 0, "one") {
			t.Fatalf("after %s a file is gone, although another is being written", at)
		}
	}
	r.write("b.toml", 0, 1, "two", watch.Patience)
	r.at(watch.Patience+watch.Quiet, false)
	if !accepted(cache, 0, "two") || accepted(cache, 0, "one") {
		t.Error("a client that moved is not where it moved to")
	}

	// But not for ever: two that are written in turn would never rest together.
	const later = 10 * watch.Patience
	r.write("a.toml", 3, 4, "one", 0)
	r.write("c.toml", 4, 5, "one", 0)
	r.at(later, false)
	r.remove("a.toml")
	for at := time.Duration(0); at <= watch.Patience; at += watch.Quiet / 2 {
		r.write("b.toml", 0, 1, "two", later+at)
		if at >= watch.Patience/2 {
			r.write("c.toml", 4, 5, "one", later+at)
		}
		r.at(later+at, true)
	}
	if accepted(cache, 3, "one") {
		t.Error("writers without rest keep a file that is gone")
	}
}

// A secret that changes while it is read is read once more: how it looks is noted before.
func TestASecretThatChangesWhileItIsRead(t *testing.T) {
	dir := t.TempDir()
	secret, path := filepath.Join(dir, "secret"), filepath.Join(dir, "a.toml")
	past := time.Now().Add(-time.Hour)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, past, past); err != nil {
			t.Fatal(err)
		}
	}
	put(secret, "one")
	put(path, "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword_file = \"secret\"\n")
	s, _, cfg := loadFolder(t, dir)
	f := &file{path: path}
	read := func(meanwhile string) string {
		t.Helper()
		f.refresh(&reading{sources: s, now: time.Now()}, func(path string, text []byte, o config.Options) (config.Credentials, config.Problems) {
			found, problems := cfg.ParseTenants(path, text, o)
			if meanwhile != "" {
				put(secret, meanwhile)
			}
			return found, problems
		})
		return f.entries[0].Password
	}
	if got := read("another"); got != "one" {
		t.Fatalf("the password is %q", got)
	}
	if got := read(""); got != "another" {
		t.Errorf("the password is %q, and nobody will look again", got)
	}
}

// One secret of a file that cannot be used holds back neither the others nor the file.
func TestASecretThatIsAwayHoldsBackOnlyItself(t *testing.T) {
	r, cache := readFolder(t)
	secret := func(name, text string) {
		t.Helper()
		path := filepath.Join(filepath.Dir(r.folder), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, r.begin, r.begin); err != nil {
			t.Fatal(err)
		}
	}
	write := func(more string) {
		t.Helper()
		text := more
		for i := range 2 {
			text += fmt.Sprintf("[[tenants]]\nid = \"t-%d\"\nusername = \"client-%d\"\npassword_file = \"s%d\"\n", i, i, i)
		}
		path := filepath.Join(r.folder, "a.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, r.begin, r.begin); err != nil {
			t.Fatal(err)
		}
	}
	secret("s0", "one")
	secret("s1", "one")
	write("")
	r.at(time.Hour, false)
	r.remove("../s1")
	r.at(2*time.Hour, true) // an editor may be at it
	if cache.Sources()[0].Err != nil {
		t.Error("a secret that is away for a moment is an error")
	}
	secret("s0", "two-")
	write("# another version\n")
	r.at(3*time.Hour, false)
	if !accepted(cache, 0, "two-") || !accepted(cache, 1, "one") {
		t.Error("a secret that is away holds back another, or takes its client with it")
	}
	if err := cache.Sources()[0].Err; err == nil {
		t.Error("nothing is said of a secret that is away")
	}
	secret("s1", "two-")
	r.at(4*time.Hour, false)
	if !accepted(cache, 1, "two-") || cache.Sources()[0].Err != nil {
		t.Errorf("the secret is back: %v", cache.Sources()[0].Err)
	}
}

// TestAChangeIsInForceWithinASecond has a watcher on a faked clock tell of a change, and counts the time until it is in
// force: the notice settles, and the file rests.
func TestAChangeIsInForceWithinASecond(t *testing.T) {
	dir, folder := tenantsFolder(t)
	path := filepath.Join(folder, "a.toml")
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"a file is written", func() { writeTenants(t, path, 0, 1, "two") }},
		{"a file goes", func() {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		writeTenants(t, path, 0, 1, "one")
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			if err := os.Chtimes(path, now.Add(-time.Hour), now.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			cfg := configuration(t, dir, "[auth]\ntenants_dir = \"tenants.d\"\n")
			cache := authcache.New(authcache.Options{})
			s := New(Options{Cache: cache, Log: slog.New(slog.DiscardHandler)})
			s.newWatcher = watch.NewDeaf
			s.Use(cfg)
			s.Watch()
			defer func() { s.Close(); cache.Close() }()
			time.Sleep(time.Minute)
			if !accepted(cache, 0, "one") {
				t.Fatal("the folder is not in force")
			}
			begin := time.Now()
			c.change()
			_ = os.Chtimes(path, begin, begin) // it may be gone
			s.watcher.Doubt()                  // as a notice of the system
			for accepted(cache, 0, "one") && time.Since(begin) < time.Hour {
				time.Sleep(time.Millisecond)
			}
			if took := time.Since(begin); took >= time.Second {
				t.Errorf("%s: in force after %s", c.name, took)
			}
		})
	}
}

// TestAChangedFolderIsReadSlowly: reading it may take long, and holds up no request.
func TestAChangedFolderIsReadSlowly(t *testing.T) {
	dir, folder := tenantsFolder(t)
	path := filepath.Join(folder, "a.toml")
	writeTenants(t, path, 0, 1, "one")
	s, cache, cfg := loadFolder(t, dir)
	s.Use(cfg)
	slowly := 0
	s.options.Slowly = func(read func()) {
		slowly++
		if accepted(cache, 0, "other") {
			t.Error("the folder was read before")
		}
		read()
	}
	writeTenants(t, path, 0, 1, "other")
	past := time.Now().Add(-time.Minute) // nobody is writing it still
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	s.changed()
	if !accepted(cache, 0, "other") || slowly != 1 {
		t.Errorf("in force: %t, read slowly %d times, want once", accepted(cache, 0, "other"), slowly)
	}
}
