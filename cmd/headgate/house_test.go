package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxLines is how long a Go file may be and still hold one idea; tests, which are tables, may be longer.
const maxLines = 400

// rule is something that no Go file may hold.
type rule struct {
	name    string
	pattern *regexp.Regexp
	tests   bool // it is for tests alone

	fakedClock bool // and not for folders whose tests run on testing/synctest, where sleeping takes no time
}

// The patterns are written so that they do not find themselves.
var rules = []rule{
	{name: "it says that it is unfinished", pattern: regexp.MustCompile(`\b(TO[D]O|FI[X]ME|XX[X])\b|not impl[e]mented`)},
	{name: "it sleeps; a channel, testing/synctest or a bounded wait says what for", pattern: regexp.MustCompile(`\btime\.Sl[e]ep\(`), tests: true, fakedClock: true},
	{name: "it makes a string of bytes that others own", pattern: regexp.MustCompile(`\bunsafe\.Str[i]ng\(|\b[bB]2[sS]\(`)},
}

// vague are names of folders that say nothing of what is in them.
var vague = map[string]bool{"util": true, "utils": true, "common": true, "helpers": true, "types": true, "misc": true}

// TestNothingIsHalfMerged: git's marks of two versions of a line are in no document and no file of settings.
func TestNothingIsHalfMerged(t *testing.T) {
	mark := regexp.MustCompile(`(?m)^(<{7}|>{7}) `)
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin"):
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		switch filepath.Ext(path) {
		case ".md", ".toml", ".example", ".yml", ".yaml", ".conf", ".service", ".socket", ".sh":
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if mark.Match(text) {
			t.Errorf("%s holds two versions of a line", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHouseRules(t *testing.T) {
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != repository && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "bin"):
			return filepath.SkipDir
		case entry.IsDir():
			if vague[entry.Name()] {
				t.Errorf("%s: the name of a folder is a noun that a user could say", path)
			}
			return nil
		case filepath.Ext(path) != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		isTest := strings.HasSuffix(path, "_test.go")
		if n := bytes.Count(text, []byte("\n")); n > maxLines && !isTest {
			t.Errorf("%s has %d lines, more than %d: it holds more than one idea", path, n, maxLines)
		}
		for _, r := range rules {
			if r.tests && !isTest || r.fakedClock && fakesClock(t, filepath.Dir(path)) {
				continue
			}
			if found := r.pattern.Find(text); found != nil {
				t.Errorf("%s holds %q: %s", path, found, r.name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fakesClock reports whether tests of a folder run on a faked clock.
func fakesClock(t *testing.T, folder string) bool {
	t.Helper()
	tests, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tests {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`"testing/synctest"`)) {
			return true
		}
	}
	return false
}
