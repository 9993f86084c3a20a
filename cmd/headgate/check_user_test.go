package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAConfigurationIsTheServicesByItsGroup: what lies in its folder, even with another group, as an editor leaves it.
func TestAConfigurationIsTheServicesByItsGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can give a file to a group that is not its own")
	}
	const group = 54321
	in := func(folder, file int) string {
		dir := t.TempDir()
		path := filepath.Join(dir, "config.toml")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for path, gid := range map[string]int{dir: folder, path: file} {
			if err := os.Chown(path, 0, gid); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for _, tc := range []struct {
		path string
		want bool
	}{
		{in(group, group), true}, {in(group, 0), true}, {in(0, group), true}, {in(0, 0), false},
		{filepath.Join(t.TempDir(), "none"), false},
	} {
		if got := belongsTo(tc.path, group); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.path, got, tc.want)
		}
	}
}
