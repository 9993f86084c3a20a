package authcache

import (
	"strings"
	"testing"
)

func TestSafeClientKeepsWhatIsHarmless(t *testing.T) {
	const empty = "sha256:e3b0c44298fc1c14" // of nothing at all
	tests := []struct {
		name, want string
	}{
		{"prometheus-a", "prometheus-a"},
		{"!~", "!~"},
		{strings.Repeat("x", 128), strings.Repeat("x", 128)},
		{"", empty},
		{strings.Repeat("x", 129), "sha256:"},
		{"with blank", "sha256:"},
		{"with\ttab", "sha256:"},
		{"line\r\nX-Scope-OrgID: victim", "sha256:"},
		{"müller", "sha256:"},
		{"\x7f", "sha256:"},
	}
	seen := map[string]string{}
	for _, test := range tests {
		got := SafeClient(test.name)
		if got != test.want && (test.want != "sha256:" || !strings.HasPrefix(got, test.want) || len(got) != 7+16) {
			t.Errorf("%q: got %q, want %q", test.name, got, test.want)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("%q and %q are both %q", test.name, other, got)
		}
		seen[got] = test.name
		if again := SafeClient(got); again != got {
			t.Errorf("%q changed again, to %q", got, again)
		}
	}
}
