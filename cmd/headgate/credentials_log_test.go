package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// linesOf are the lines of a JSON log that pass.
func linesOf(t *testing.T, log *lockedBuffer, pass func(line map[string]any) bool) []map[string]any {
	t.Helper()
	var found []map[string]any
	for text := range strings.Lines(log.String()) {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if pass(line) {
			found = append(found, line)
		}
	}
	return found
}

func aboutCredentials(line map[string]any) bool {
	return line["log"] == "audit" && line["msg"] == "the credentials changed"
}

// TestChangesOfCredentialsAreAudited: numbers and names, at the start and at each reload that changes some; no secrets.
func TestChangesOfCredentialsAreAudited(t *testing.T) {
	first := gate(everything("http://127.0.0.1:1")) + tenant("team-a", "prometheus-a", "canary-one") +
		tenant("team-b", "prometheus-b", "canary-two") + "[log]\nlevel = \"error\"\n"
	r := start(t, first)
	r.write(strings.NewReplacer("canary-one", "canary-three", "prometheus-b", "prometheus-c").Replace(first))
	if problems := r.Reload(); problems != nil {
		t.Fatal(problems)
	}
	r.Reload() // changes nothing
	lines := linesOf(t, r.log, aboutCredentials)
	if len(lines) != 2 {
		t.Fatalf("%d lines, want one for the start and one for the reload that changed something", len(lines))
	}
	for i, want := range []map[string]any{
		{"change": "+2 -0 ~0", "source": configurationFile, "added": []any{"team-a/prometheus-a", "team-b/prometheus-b"}, "removed": nil},
		{"change": "+1 -1 ~1", "added": []any{"team-b/prometheus-c"}, "removed": []any{"team-b/prometheus-b"}, "changed": []any{"team-a/prometheus-a"}},
	} {
		for key, value := range want {
			if fmt.Sprint(lines[i][key]) != fmt.Sprint(value) {
				t.Errorf("line %d: %s is %v, want %v", i, key, lines[i][key], value)
			}
		}
	}
	if strings.Contains(r.log.String(), "canary") {
		t.Error("a password is in the log")
	}
	r.write(first + "audit.enabled = false\n")
	r.Reload()
	r.write(gate(everything("http://127.0.0.1:1")) + "[log.audit]\nenabled = false\n")
	r.Reload()
	if lines := linesOf(t, r.log, aboutCredentials); len(lines) != 3 {
		t.Errorf("%d lines, want a third for the reload that turned the audit log off, and none after it", len(lines))
	}
}

// TestAReloadHasOneLineOfTheConfigurationFile: with other sources, what leaves the file stays until those were read. What it
// all comes to is one change.
func TestAReloadHasOneLineOfTheConfigurationFile(t *testing.T) {
	token := func(id, name, token string) string {
		return "[[tenants]]\nid = \"" + id + "\"\nname = \"" + name + "\"\ntoken = \"" + token + "\"\n"
	}
	g := startFolder(t, token("team-a", "collector", "first-token")+token("team-b", "collector", "second-token")+
		tenant("team-c", "prometheus-c", "one")+tenant("team-d", "prometheus-d", "one"),
		map[string]string{"x.toml": tenant("team-x", "other", "one")})
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.put(t, "d.toml", tenant("team-d", "prometheus-d", "one"))
	g.write(strings.NewReplacer("first-token", "third-token", `"prometheus-c"`, `"prometheus-e"`,
		token("team-b", "collector", "second-token"), token("team-z", "collector", "second-token"),
		tenant("team-d", "prometheus-d", "one"), "").Replace(string(text)))
	started := len(linesOf(t, g.log, aboutCredentials))
	if problems := g.Reload(); problems != nil {
		t.Fatal(problems)
	}
	lines := linesOf(t, g.log, aboutCredentials)[started:]
	if len(lines) != 1 {
		t.Fatalf("%d lines, want one: %v", len(lines), lines)
	}
	for key, want := range map[string]any{
		"source": configurationFile, "change": "+2 -2 ~1",
		"added":   []any{"team-c/prometheus-e", "team-z/collector"},
		"removed": []any{"team-b/collector", "team-c/prometheus-c"},
		"changed": []any{"team-a/collector"},
	} {
		if fmt.Sprint(lines[0][key]) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", key, lines[0][key], want)
		}
	}
}

// TestALineHasAHundredNamesAtMost: a set of a million is a number.
func TestALineHasAHundredNamesAtMost(t *testing.T) {
	log := &lockedBuffer{}
	o := newLogOutput(log, metrics.NewSet())
	defer o.close()
	o.apply(config.Default().Log)
	change := authcache.Change{Removed: []string{"a"}}
	for i := range 1000 {
		change.Added = append(change.Added, fmt.Sprint("client-", i))
	}
	o.credentialsChanged("test", change)
	o.credentialsChanged("test", authcache.Change{})
	lines := linesOf(t, log, aboutCredentials)
	if len(lines) != 1 || len(lines[0]["added"].([]any)) != maxNames || lines[0]["added_not_named"] != 900.0 || lines[0]["removed_not_named"] != nil {
		t.Errorf("%v", lines)
	}
}
