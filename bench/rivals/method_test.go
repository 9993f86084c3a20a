package rivals

import (
	"os"
	"strings"
	"testing"
)

// Every method has a client of its own, and the configuration names the files that are there.
func TestMethods(t *testing.T) {
	dir := t.TempDir()
	methods, text, err := Methods(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range methods {
		if m.Name == "" || m.About == "" || seen[m.Authorization] || !strings.HasPrefix(m.Authorization, "Basic ") && !strings.HasPrefix(m.Authorization, "Bearer ") {
			t.Errorf("%+v", m)
		}
		seen[m.Authorization] = true
	}
	if methods[0].Name != PlainMethod || len(methods) != 9 {
		t.Errorf("%d methods, the first of which is %s", len(methods), methods[0].Name)
	}
	for _, file := range []string{"htpasswd", "RS256.pem", "ES256.pem", "EdDSA.pem"} {
		if _, err := os.Stat(dir + "/" + file); err != nil || !strings.Contains(text, file+`"`) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
