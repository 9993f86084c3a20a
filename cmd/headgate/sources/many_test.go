package sources

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// tenantsFolder makes an empty folder of tenants, in the folder of a configuration.
func tenantsFolder(t testing.TB) (dir, folder string) {
	t.Helper()
	dir = t.TempDir()
	folder = filepath.Join(dir, "tenants.d")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, folder
}

// configuration is one in this folder.
func configuration(t testing.TB, dir, text string) *config.Config {
	t.Helper()
	cfg, problems := config.Parse(filepath.Join(dir, "headgate.toml"), []byte(text), config.Options{})
	if problems.Errors() > 0 {
		t.Fatal(problems)
	}
	return cfg
}

// loadFolder is a configuration with the folder of this test, and the sources of it, which are closed with the test.
func loadFolder(t testing.TB, dir string) (*Sources, *authcache.Cache, *config.Config) {
	t.Helper()
	cfg := configuration(t, dir, "[auth]\ntenants_dir = \"tenants.d\"\n")
	cache := authcache.New(authcache.Options{})
	s := New(Options{Cache: cache, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { s.Close(); cache.Close() })
	return s, cache, cfg
}

func writeTenants(t testing.TB, path string, first, last int, password string) {
	t.Helper()
	var text strings.Builder
	for i := first; i < last; i++ {
		fmt.Fprintf(&text, "[[tenants]]\nid = \"team-%d\"\nusername = \"client-%d\"\npassword = %q\n", i, i, password)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func accepted(cache *authcache.Cache, client int, password string) bool {
	_, verdict := cache.Authenticate(authcache.Credential{User: fmt.Appendf(nil, "client-%d", client), Secret: []byte(password)})
	return verdict == authcache.Accepted
}

// A folder of 100,000 credentials: one file of it changes, and nobody who is in the others is away for a moment.
func TestAFolderOfAHundredThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const files, each = 100, 1000
	dir, folder := tenantsFolder(t)
	name := func(n int) string { return filepath.Join(folder, fmt.Sprintf("%03d.toml", n)) }
	for n := range files {
		writeTenants(t, name(n), n*each, (n+1)*each, "one")
	}
	s, cache, cfg := loadFolder(t, dir)
	begin := time.Now()
	s.Use(cfg)
	t.Logf("all read in %s", time.Since(begin))
	if cache.Len() != files*each || !accepted(cache, 0, "one") || !accepted(cache, files*each-1, "one") {
		t.Fatalf("%d credentials", cache.Len())
	}
	stop, missed := make(chan struct{}), make(chan int, 1)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				missed <- n
				return
			default:
				if !accepted(cache, files*each-1, "one") {
					n++
				}
			}
		}
	}()
	past := time.Now().Add(-time.Minute) // not being written
	writeTenants(t, name(0), 0, each, "two")
	if err := os.Chtimes(name(0), past, past); err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	s.changed()
	t.Logf("one file of %d read again in %s", files, time.Since(begin))
	close(stop)
	if !accepted(cache, 0, "two") || accepted(cache, 0, "one") || cache.Len() != files*each {
		t.Error("the change is not in force")
	}
	if n := <-missed; n > 0 {
		t.Errorf("a client of another file was refused %d times", n)
	}
}

// Many files that are broken, in conflict with each other and good: the good ones are in force, and it ends.
func TestManyFilesInConflict(t *testing.T) {
	dir, folder := tenantsFolder(t)
	const n = 200
	for i := range n {
		text := fmt.Sprintf("[[tenants]]\nid = \"team-%d\"\nusername = \"client-%d\"\npassword = \"one\"\n", i, i/2)
		if i%10 == 9 {
			text = "broken"
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%03d.toml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, cache, cfg := loadFolder(t, dir)
	s.Use(cfg)
	if cache.Len() != n/2 {
		t.Errorf("%d credentials, want the first of each name", cache.Len())
	}
	status := cache.Sources()[0]
	if status.Read || status.Err == nil || !strings.Contains(status.Err.Error(), "001.toml: tenants[0]") || !strings.Contains(status.Err.Error(), "more problems") {
		t.Errorf("the folder is %+v", status)
	}
	for i := range n / 2 {
		if !accepted(cache, i, "one") {
			t.Fatalf("client %d is not in force", i)
		}
	}
}
