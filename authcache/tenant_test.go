package authcache

import (
	"strings"
	"testing"
)

func TestValidTenantIsCortexRule(t *testing.T) {
	tests := []struct {
		id, want string // a part of the error; empty: valid
	}{
		{"team-a", ""},
		{"AZaz09!-_.*'()", ""},
		{".*", ""},
		{"...", ""},
		{"fake", ""},
		{strings.Repeat("x", 150), ""},
		{strings.Repeat("x", 151), "151 characters"},
		{"", "empty"},
		{".", "keeps for itself"},
		{"..", "keeps for itself"},
		{"__markers__", "keeps for itself"},
		{"user-index.json.gz", "keeps for itself"},
		{"a|b", "joins several tenants"},
		{"a|", "joins several tenants"},
		{"a b", "byte \" \" at position 1"},
		{"a/b", "byte \"/\" at position 1"},
		{"a\nb", `byte "\n"`},
		{"a\x00", `byte "\x00"`},
		{"ä", `byte "\xc3"`},
		{"a\\b", `byte "\\"`},
		{strings.Repeat("x", 1000) + "\n", "position 1000"},
	}
	for _, test := range tests {
		err := ValidTenant(test.id)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%q: %v", test.id, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%q: got error %v, want one with %q", test.id, err, test.want)
		case err != nil && (len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\n\x00")):
			t.Errorf("%q: the error is not fit for a log: %q", test.id, err)
		}
	}
}
