package authcache

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// However a credential or an entry is printed, its secrets stay out.
func TestSecretsAreNotPrinted(t *testing.T) {
	const canary = "canary-1f3a"
	values := map[string]any{
		"credential":         basic("user", canary),
		"pointer to one":     new(basic("user", canary)),
		"list of them":       []Credential{bearer(canary)},
		"entry":              plain("team-a", "user", canary),
		"entry with a hash":  hashed("team-a", "user", canary),
		"list of entries":    []Entry{plain("team-a", "user", canary)},
		"inside of a struct": struct{ E Entry }{plain("team-a", "user", canary)},
	}
	for name, value := range values {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", value)
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprint([]byte(canary))[1:], "Y2FuYXJ5"} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%s: printed as\n%s", name, out.String())
			}
		}
	}
	if got := fmt.Sprint(basic("user", canary)); got != `Basic "user":<secret>` {
		t.Errorf("got %s", got)
	}
}
