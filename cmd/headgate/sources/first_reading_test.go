package sources

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// verdict is that on a user with the password "one".
func verdict(cache *authcache.Cache, user string) authcache.Verdict {
	_, verdict := cache.Authenticate(authcache.Credential{User: []byte(user), Secret: []byte("one")})
	return verdict
}

// What is being written when it is read for the first time is not the whole: nobody is refused for good until all of it has
// come to rest.
func TestAFirstReadingWaitsUntilNobodyWrites(t *testing.T) {
	dir, folder := tenantsFolder(t)
	writeTenants(t, filepath.Join(folder, "a.toml"), 0, 1, "one")
	writeTenants(t, filepath.Join(folder, "b.toml"), 1, 2, "one")
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte("client-2:"+one+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for name, written := range map[string]time.Duration{"tenants.d/a.toml": -time.Hour, "tenants.d/b.toml": 0, "users": 0} {
		if err := os.Chtimes(filepath.Join(dir, name), begin, begin.Add(written)); err != nil {
			t.Fatal(err)
		}
	}
	for source, text := range map[string]string{TenantsDir: "tenants_dir = \"tenants.d\"\n", HtpasswdFile: "htpasswd_file = \"users\"\n"} {
		s, cache, _ := loadFolder(t, dir)
		s.config = configuration(t, dir, "[auth]\n"+text)
		s.Expect(s.config)
		s.place()
		at := func(moment time.Duration) *reading {
			r := &reading{sources: s, now: begin.Add(moment)}
			if s.folder != nil {
				s.folder.read(r)
			} else {
				s.htpasswd.read(r)
			}
			return r
		}
		if r := at(0); !r.unfinished || cache.Len() != 0 || verdict(cache, "client-9") != authcache.Unready {
			t.Errorf("%s: unfinished %v, %d credentials, an unknown one is %v", source, r.unfinished, cache.Len(), verdict(cache, "client-9"))
		}
		if r := at(watch.Quiet); r.unfinished || cache.Len() == 0 || verdict(cache, "client-9") != authcache.Rejected {
			t.Errorf("%s: unfinished %v, %d credentials, an unknown one is %v", source, r.unfinished, cache.Len(), verdict(cache, "client-9"))
		}
	}
}

// An htpasswd file that is put in another's place and cannot be read, or has nothing in it, leaves that in force.
func TestAnHtpasswdFileThatCannotBeUsedLeavesTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"users": "client-1:" + one + "\n", "empty": "", "broken": "client-1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"missing", "empty", "broken"} {
		s, cache, _ := loadFolder(t, dir)
		s.Use(configuration(t, dir, "[auth]\nhtpasswd_file = \"users\"\n"))
		s.Use(configuration(t, dir, "[auth]\nhtpasswd_file = \""+name+"\"\n"))
		if known, unknown := verdict(cache, "client-1"), verdict(cache, "client-2"); known != authcache.Accepted || unknown != authcache.Unready {
			t.Errorf("%s: who was in the file before is %v, who was not is %v", name, known, unknown)
		}
	}
}

// A folder in another's place takes away what that had, at the reload that says so. When it is not mounted then, what appears
// of it later is held like any change.
func TestARemovalIsAskedForOnce(t *testing.T) {
	dir, folder := tenantsFolder(t)
	writeTenants(t, filepath.Join(folder, "a.toml"), 0, 12, "one")
	s, cache, cfg := loadFolder(t, dir)
	s.Use(cfg)
	s.Use(configuration(t, dir, "[auth]\ntenants_dir = \"elsewhere\"\n"))
	if !accepted(cache, 11, "one") {
		t.Fatal("a folder that is not there takes everybody away")
	}
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	writeTenants(t, filepath.Join(elsewhere, "a.toml"), 0, 1, "one")
	if err := os.Chtimes(filepath.Join(elsewhere, "a.toml"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	s.changed()
	if !accepted(cache, 11, "one") || len(cache.Sources()[0].Held) != 11 {
		t.Errorf("a part of the folder is in force, held are %q", cache.Sources()[0].Held)
	}
	s.AcceptRemovals()
	if accepted(cache, 11, "one") || !accepted(cache, 0, "one") {
		t.Error("the removal was accepted, and is not in force")
	}
}
