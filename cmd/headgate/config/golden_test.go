package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// With -update the expected files are written anew: read the diff, and commit it
// only when you can explain every line.
var update = flag.Bool("update", false, "rewrite the expected files in testdata")

// Each *.good.toml loads without a problem of any kind, unless a .txt beside it
// has the warnings; each *.bad.toml has exactly the problems of its .txt.
func TestGoldenFiles(t *testing.T) {
	dir := copyTestdata(t)
	cases, err := filepath.Glob(filepath.Join(dir, "*.toml"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			_, problems := Load(path, goldenOptions())
			good := strings.HasSuffix(name, ".good.toml")
			if good != (problems.Errors() == 0) {
				t.Errorf("%d errors; the file's name says otherwise", problems.Errors())
			}
			golden(t, strings.TrimSuffix(name, ".toml")+".txt", problemText(problems, dir))
		})
	}
}

// today is when the golden files are read.
var today = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// goldenOptions are for a small machine, today.
func goldenOptions() Options {
	return Options{Env: noEnv, Machine: Machine{OpenFiles: 1024, Memory: 900 * MiB}, Now: func() time.Time { return today }}
}

// problemText is what check prints, without the folder of the test.
func problemText(problems Problems, dir string) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(strings.ReplaceAll(p.String(), dir+string(filepath.Separator), ""))
		b.WriteByte('\n')
	}
	return b.String()
}

// copyTestdata copies testdata to a folder where only the owner may read it, as
// secrets should be: a checkout decides otherwise.
func copyTestdata(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, pattern := range []string{"*.toml", "*.secret", "*.token", "*.ids", "*.pem"} {
		paths, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	writeCertificates(t, dir)
	return dir
}

// golden compares a text with a file of testdata; no file is an empty text.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	want, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	if !*update {
		t.Errorf("%s differs (-update rewrites it)\n got:\n%s\nwant:\n%s", path, got, want)
		return
	}
	if got == "" {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, []byte(got), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func noEnv(string) string { return "" }
