package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/sources"
)

// tenantsOf are the [[tenants]] of clients from first to last, all with one password.
func tenantsOf(first, last int) string {
	var text strings.Builder
	for i := first; i <= last; i++ {
		text.WriteString(tenant(fmt.Sprintf("team-%02d", i), fmt.Sprintf("client-%02d", i), "one"))
	}
	return text.String()
}

// A folder that empties takes nobody away until somebody says so.
func TestARemovalOfMostClientsIsHeld(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenantsOf(1, 6), "b.toml": tenantsOf(7, 12)})
	stop := g.pushing(t, "client-01", "one")
	for _, name := range []string{"a.toml", "b.toml"} {
		if err := os.Remove(filepath.Join(g.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	g.becomes(t, "nobody", "x", 503) // who is new in the folder may be among what is held
	stop()
	s := g.source(t, sources.TenantsDir)
	if s.Credentials != 12 || len(s.Held) != 12 || s.Held[0] != "client-01" || s.Problem == "" {
		t.Errorf("/status says %+v", s)
	}
	const accept = "accept_removals=true"
	if text := g.ready(t); !strings.Contains(text, "source auth.tenants_dir: the removal is held: it would take away 12 of 12") || !strings.Contains(text, accept) {
		t.Errorf("/ready says %s", text)
	}
	if !g.metric(t, `headgate_source_removals_held{source="auth.tenants_dir"} 12`) || !g.metric(t, "headgate_auth_removals_held 12") {
		t.Error("no metric says so")
	}
	if log := g.log.String(); strings.Count(log, "removal of credentials held") != 1 || !strings.Contains(log, "client-12") {
		t.Error("the log does not say so, or not once")
	}

	reload := func(query string) answer {
		return request{method: "POST", url: g.adminURL("/reload" + query)}.must(t, g.client)
	}
	for query, want := range map[string]int{"": 200, "?accept_removals=yes": 400, "?accept_removals=": 400, "?accept_removals=false": 200} {
		if a := reload(query); a.status != want {
			t.Errorf("/reload%s: %d %s", query, a.status, a.body)
		}
		if g.status(t, "client-12", "one") != 200 {
			t.Fatalf("/reload%s let them go", query)
		}
	}
	if a := reload("?" + accept); a.status != 200 {
		t.Fatal(a)
	}
	if g.status(t, "client-12", "one") != 401 || g.status(t, "steady", "secret") != 200 {
		t.Error("the removal was accepted, and is not in force")
	}
	if text := g.ready(t); strings.Contains(text, "source") {
		t.Errorf("/ready still says %s", text)
	}
	if log := g.log.String(); !strings.Contains(log, `"change":"+0 -12 ~0"`) {
		t.Error("the change is not audited")
	}
}

// What is held is forgotten when the folder is what it was; a word given for one removal is none for the next.
func TestAHeldRemovalMayBeUndone(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenantsOf(1, 12)})
	for range 2 {
		g.put(t, "a.toml", tenantsOf(1, 2)+tenant("team-n", "new", "one"))
		g.becomes(t, "nobody", "x", 503)
		if g.status(t, "client-12", "one") != 200 || g.status(t, "new", "one") != 503 {
			t.Error("the set before it is not in force, or what came with it is refused for good")
		}
		g.put(t, "a.toml", tenantsOf(1, 12))
		g.becomes(t, "nobody", "x", 401)
	}
	operator{g.App}.AcceptRemovals()
	g.put(t, "a.toml", tenantsOf(1, 2))
	g.becomes(t, "nobody", "x", 503)
	if g.status(t, "client-12", "one") != 200 {
		t.Error("a word that was given before held for what came after it")
	}
}

// Half of the clients may go, and all of few.
func TestASmallRemovalIsNotHeld(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenantsOf(1, 6), "b.toml": tenantsOf(7, 12)})
	if err := os.Remove(filepath.Join(g.dir, "b.toml")); err != nil {
		t.Fatal(err)
	}
	g.becomes(t, "client-12", "one", 401)
	if err := os.Remove(filepath.Join(g.dir, "a.toml")); err != nil {
		t.Fatal(err)
	}
	g.becomes(t, "client-01", "one", 401)
}

// The configuration file is read because somebody asked for it: nothing of it is held, nor of a folder that it does not
// name any more.
func TestAReloadOfTheFileIsNotHeld(t *testing.T) {
	g := startFolder(t, tenantsOf(21, 40), map[string]string{"a.toml": tenantsOf(1, 12)})
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	without, _, _ := strings.Cut(string(text), "[[tenants]]")
	g.write(without + tenant("team-s", "steady", "secret"))
	if problems := g.Reload(); problems != nil || g.status(t, "client-21", "one") != 401 || g.status(t, "client-01", "one") != 200 {
		t.Fatal("the clients of the file are still there, or those of the folder are not: ", problems)
	}
	g.write(strings.Replace(without, "tenants_dir", "#tenants_dir", 1) + tenant("team-s", "steady", "secret"))
	if problems := g.Reload(); problems != nil || g.status(t, "client-01", "one") != 401 || g.status(t, "steady", "secret") != 200 {
		t.Error("the clients of the folder are still there: ", problems)
	}
	if strings.Contains(g.ready(t), "source") || g.metric(t, `headgate_source_up{source="auth.tenants_dir"} 1`) {
		t.Error("a source that is not named any more is still talked about")
	}
}
