package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"text/template"
)

// writeConfig fills in testdata/<name>.tmpl and writes it to a file of its own,
// whose path it returns.
func writeConfig(t *testing.T, name string, values any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	overwriteConfig(t, path, values)
	return path
}

// overwriteConfig writes a file that writeConfig made once more.
func overwriteConfig(t *testing.T, path string, values any) {
	t.Helper()
	if err := os.WriteFile(path, render(t, filepath.Base(path), values), 0o600); err != nil {
		t.Fatal(err)
	}
}

// render fills in testdata/<name>.tmpl, which may use the others.
func render(t *testing.T, name string, values any) []byte {
	t.Helper()
	all, err := template.ParseGlob(filepath.Join("testdata", "*.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := all.ExecuteTemplate(&text, name+".tmpl", values); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}
