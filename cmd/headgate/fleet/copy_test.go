package fleet

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestACopyComesBackWhole(t *testing.T) {
	t.Parallel()
	c := Copy{Path: filepath.Join(t.TempDir(), "tenants"), Endpoints: []string{"http://b", "http://a"}, Prefix: "/t/"}
	if _, _, err := c.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where there is none: %v", err)
	}
	then := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, want := range []map[string]string{{}, {"a": "1", "b<\n\"": "two\nlines & <more>\x00"}} {
		if err := c.Save(want, then); err != nil {
			t.Fatal(err)
		}
		c.Endpoints = []string{"http://a", "http://b"} // the order is nothing
		got, made, err := c.Load()
		if err != nil || !maps.Equal(got, want) || !made.Equal(then) {
			t.Errorf("got %q of %v, %v; want %q of %v", got, made, err, want, then)
		}
	}
	info, err := os.Stat(c.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(c.Path), ".*")); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// TestACopyThatIsNotOursIsNotUsed: another place, half a file, no copy at all; none of them is half used.
func TestACopyThatIsNotOursIsNotUsed(t *testing.T) {
	t.Parallel()
	c := Copy{Path: filepath.Join(t.TempDir(), "tenants"), Endpoints: []string{"http://a"}, Prefix: "/t/"}
	if err := c.Save(map[string]string{"a": "1", "b": "2"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, bad := range []struct {
		name, text string
		copy       Copy
		want       string
	}{
		{"another prefix", string(text), Copy{c.Path, c.Endpoints, "/u/"}, `copy of "/t/"`},
		{"another etcd", string(text), Copy{c.Path, []string{"http://b"}, c.Prefix}, "http://a"},
		{"empty", "", c, "not whole"},
		{"not JSON", "tenants\n", c, "not whole"},
		{"a line short", lines[0] + lines[1], c, "has 1 keys of 2"},
		{"half a line", string(text)[:len(text)-5], c, "damaged"},
	} {
		if err := os.WriteFile(c.Path, []byte(bad.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := bad.copy.Load()
		if err == nil || got != nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: got %v, %v; want an error with %q", bad.name, got, err, bad.want)
		}
	}
}

// TestACopyThatCannotBeWrittenIsAnError: the disk may be full or the folder gone.
func TestACopyThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	c := Copy{Path: filepath.Join(t.TempDir(), "no", "tenants")}
	if err := c.Save(nil, time.Now()); err == nil {
		t.Error("written into a folder that is not there")
	}
}
