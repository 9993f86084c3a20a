package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/BurntSushi/toml"
)

// tables are texts around what is read without the library.
var tables = []string{
	"[[tenants]]\nid = \"a\"\nusername = \"b\"\nscopes = [\"write\", \"read\"]\n\n[[tenants]]\nid = \"c\"\n[limits]\nmax_in_flight = 1\n",
	"[[tenants]]\nid = \"a\"\n[[tenants]]\nid = \"b\"\n\n[[tenants]]\nid = 'c'\n[[tenants]]\nid = \"d\"\n[[tenants]]\nid = \"e\"\n[limits]\nx = 1\n[[tenants]]\nid = \"f\"\n",
	"[[tenants]]\nid = \"a\"\n[tenants.limits]\nmax_in_flight = 1\n[[tenants]]\nid = \"b\"\n",
	"[[tenants]]\nid = \"a\"\n[[tenants.more]]\nx = \"y\"\n",
	"[[tenants]]\nid = \"a\"\n[ tenants . limits ]\nx = \"y\"\n",
	"[[tenants]]\nid = \"a\"\n[\"\\u0074enants\".limits]\nx = \"y\"\n",
	"[[tenants]]\nid = \"a\"\nid = \"b\"\n",
	"[[tenants]]\nid = \"a\" # why\n# a comment\n[[tenants]]\nid = 'b'\n",
	"[[tenants]]\nid = \"a\\tb\"\nn = 1\n[[tenants]]\nid = \"b\"",
	"[[tenants]]\r\nid = \"a\"\r\n",
	"x = \"\"\"\n[[tenants]]\nid = \"a\"\n\"\"\"\n",
	"x = '''\n[[tenants]]\nid = \"a\"\n'''\n",
	"x = [\n[[tenants]]\nid = \"a\"\n]\n",
	"[[tenants]]\nscopes = [\n\"a\",\n[\"b\"],\n]\nid = \"a\"\n[[tenants]]\nid = \"b\"\n",
	"tenants = [{id = \"a\"}]\n[[tenants]]\nid = \"b\"\n",
	"[tenants]\nid = \"a\"\n[[tenants]]\nid = \"b\"\n",
	"[[tenants]]\nscopes = [\"a, b\"]\nlist = []\nother = [\"a\",\"b\"]\n",
	"[[tenants]]\n[[tenants]]\n[[tenants]]",
	"[[tenants]]\nid = \"\xff\"\n",
	"[[tenants]]\nid = \"\u00e9\"\n",
	"[[tenants]]\nid = \"a\"\nbroken\n[[tenants]]\nid = \"b\"\n",
	"[[tenants]]\nid = \"a\"\n \n\t\n[[tenants]]\nid = \"b\"\nx.y = \"z\"\n\"id\" = \"c\"\n",
}

// Whatever is read here, the library reads the same, and what it refuses is refused in its words.
func agree(t *testing.T, text string) {
	t.Helper()
	var want map[string]any
	_, wrong := toml.Decode(text, &want)
	got, err := parseTOML(text)
	if (err == nil) != (wrong == nil) || err != nil && err.Error() != wrong.Error() {
		t.Fatalf("%q: error %v, the library's is %v", text, err, wrong)
	}
	// As text, since a NaN is not equal to itself.
	if a, b := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); err == nil && a != b {
		t.Fatalf("%q is read as\n%s\nwant\n%s", text, a, b)
	}
}

func TestPlainTablesAreReadAsTheLibraryReadsThem(t *testing.T) {
	for _, text := range tables {
		agree(t, text)
	}
	agree(t, string(manyTenants(100)))
}

// Files of many tenants are what this is for.
func TestGeneratedTenantsArePlain(t *testing.T) {
	plain := readPlainTables(string(manyTenants(100)))
	if len(plain.runs) != 1 || len(plain.runs[0]) != 100 {
		t.Errorf("%d runs, want one of 100 tables: %q is left to the library", len(plain.runs), plain.rest)
	}
}

func FuzzPlainTables(f *testing.F) {
	for _, text := range tables {
		f.Add(text)
	}
	paths, err := filepath.Glob("testdata/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer func() {
			if p := recover(); p != nil {
				t.Skip("the library gave up on it")
			}
		}()
		agree(t, text)
	})
}
