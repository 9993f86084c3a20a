package config

import (
	"strings"
	"testing"
)

// TestAPatternIsForTheWholeValue: one that is not is a warning, since a value that somebody makes up may hold a tenant.
func TestAPatternIsForTheWholeValue(t *testing.T) {
	for pattern, good := range map[string]bool{
		`^/metrics/(.+)$`: true, `\A/metrics/(.+)\z`: true, `(?i)^/metrics/(.+)$`: true, `^(a)$|^(b)$`: true, `^(?:x-(.+)|(y))$`: true,
		`(^team-.+$)`: true, `^(x)|^y$`: false,
		`/metrics/(.+)`: false, `^/metrics/(.+)`: false, `/metrics/(.+)$`: false, `^(a)|(b)$`: false, `(?m)^(a)$`: false, `^(a)\$`: false,
	} {
		_, problems := Parse("config.toml", []byte("[server]\nlisten = \":8080\"\n[upstreams.all]\nurl = \"http://cortex.example\"\n"+
			"[auth.jwt]\nsecret = \"0123456789abcdef0123456789abcdef\"\ntenant_pattern = '"+pattern+"'\n"), goldenOptions())
		warned := false
		for _, p := range problems {
			warned = warned || p.Key == "auth.jwt.tenant_pattern" && p.Level == Warning && strings.Contains(p.Text, "want ^ before all of it and $ behind it")
		}
		if warned == good || problems.Errors() > 0 {
			t.Errorf("%s: %v", pattern, problems)
		}
	}
}
