package e2e

import (
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
	tmpl, err := template.ParseFiles(filepath.Join("testdata", filepath.Base(path)+".tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := tmpl.Execute(file, values); err != nil {
		t.Fatal(err)
	}
}
