package sources

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/cmd/headgate/watch"
)

// withoutDescriptors runs something while no file can be opened.
func withoutDescriptors(t *testing.T, run func()) {
	t.Helper()
	free, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	lowest := free.Fd()
	_ = free.Close()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	none := before
	none.Cur = uint64(lowest)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	run()
}

// one is the hash of "one", as Apache's htpasswd writes it.
const one = "{SHA}/gW83NxJKAEngaXxoqd8u1OY4QY="

// A file that could not be read for a moment is read again within 30 s, although it looks as it did and nobody gives notice:
// the files themselves, the secrets that they name, and the keys of tokens.
func TestWhatCouldNotBeReadIsReadAgain(t *testing.T) {
	const (
		named = "[[tenants]]\nid = \"team-2\"\nusername = \"client-2\"\npassword_file = \"secret\"\n"
		keys  = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	)
	dir, folder := tenantsFolder(t)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeTenants(t, filepath.Join(folder, "a.toml"), 0, 1, "one")
	put("tenants.d/b.toml", named)
	put("secret", "one")
	put("users", "client-1:"+one+"\n")
	put("keys", keys)
	for _, c := range []struct {
		name          string
		configuration string
		change        func()
	}{
		{"a file of tenants", "tenants_dir = \"tenants.d\"\n", func() { writeTenants(t, filepath.Join(folder, "a.toml"), 0, 1, "two") }},
		{"a secret that it names", "tenants_dir = \"tenants.d\"\n", func() { put("secret", "two") }},
		{"an htpasswd file", "htpasswd_file = \"users\"\n", func() { put("users", "client-1:"+one+"\nclient-3:"+one+"\n") }},
		{"keys", "[auth.jwt]\njwks_file = \"keys\"\n", func() { put("keys", keys+" ") }},
	} {
		cfg := configuration(t, dir, "[auth]\n"+c.configuration)
		synctest.Test(t, func(t *testing.T) {
			s, cache, _ := loadFolder(t, dir)
			s.newWatcher = watch.NewDeaf
			s.Use(cfg)
			s.Watch()
			doubt := func() error { return cache.Sources()[0].Err }
			time.Sleep(time.Minute)
			if err := doubt(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			c.change()
			withoutDescriptors(t, func() { time.Sleep(time.Minute) })
			if doubt() == nil {
				t.Fatalf("%s: it could be read without a descriptor", c.name)
			}
			time.Sleep(31 * time.Second)
			if err := doubt(); err != nil {
				t.Errorf("%s: it can be read now, and its source still says: %v", c.name, err)
			}
		})
	}
}

// What two sources say of one client is a conflict only for as long as both say it: the folder is read before the htpasswd
// file, and yet has what that has lost at the same look.
func TestAConflictOfTheFolderWithHtpasswdEnds(t *testing.T) {
	dir, folder := tenantsFolder(t)
	users := filepath.Join(dir, "users")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(users, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	put("client-1:" + one + "\nother:" + one + "\n")
	writeTenants(t, filepath.Join(folder, "a.later"), 1, 2, "two")
	cfg := configuration(t, dir, "[auth]\ntenants_dir = \"tenants.d\"\nhtpasswd_file = \"users\"\n")
	s, cache, _ := loadFolder(t, dir)
	writeTenants(t, filepath.Join(folder, "b.toml"), 2, 3, "two")
	s.Use(cfg)
	if err := os.Rename(filepath.Join(folder, "a.later"), filepath.Join(folder, "a.toml")); err != nil {
		t.Fatal(err)
	}
	s.changed()
	if !accepted(cache, 1, "one") || accepted(cache, 1, "two") {
		t.Fatal("of two sources it is not the first that has the client")
	}
	put("other:" + one + "\n")
	s.changed()
	if !accepted(cache, 1, "two") || accepted(cache, 1, "one") {
		t.Error("the htpasswd file has lost the client, and the folder does not have it")
	}
	for _, source := range cache.Sources() {
		if source.Err != nil {
			t.Errorf("%s still says: %v", source.Name, source.Err)
		}
	}
}

// A removal that was accepted is, also of a file that was in conflict until the next source was read.
func TestAnAcceptedRemovalOutlastsAConflict(t *testing.T) {
	dir, folder := tenantsFolder(t)
	path, users := filepath.Join(folder, "a.toml"), filepath.Join(dir, "users")
	long := time.Unix(1, 0)
	put := func(write func()) {
		t.Helper()
		write()
		for n, name := range []string{path, users} {
			if err := os.Chtimes(name, long, long.Add(time.Duration(n))); err != nil {
				t.Fatal(err)
			}
		}
		long = long.Add(time.Second)
	}
	htpasswd := func(text string) {
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(func() { writeTenants(t, path, 0, 12, "two"); htpasswd("client-50:" + one + "\n") })
	s, cache, _ := loadFolder(t, dir)
	s.Use(configuration(t, dir, "[auth]\ntenants_dir = \"tenants.d\"\nhtpasswd_file = \"users\"\n"))
	put(func() { writeTenants(t, path, 50, 51, "two"); htpasswd("other:" + one + "\n") })
	s.AcceptRemovals()
	if !accepted(cache, 50, "two") || accepted(cache, 0, "two") {
		t.Errorf("what was accepted is not in force: %v", cache.Sources())
	}
}
