package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/admin"
	"github.com/headgate/headgate/cmd/headgate/sources"
)

// folderGate is a gateway with the credentials of a folder beside its own one, steady, which is served whatever happens.
type folderGate struct {
	*running
	client *http.Client
	dir    string
}

// startFolder starts a gateway on these files of a folder; rest goes into the configuration, below [auth].
func startFolder(t *testing.T, rest string, files map[string]string) *folderGate {
	t.Helper()
	g := &folderGate{client: newClient(t), dir: filepath.Join(t.TempDir(), "tenants.d")}
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		g.put(t, name, text)
	}
	g.running = start(t, gate(everything(newUpstream(t).URL)+"[auth]\ntenants_dir = \""+g.dir+"\"\n"+rest+tenant("team-s", "steady", "secret")))
	return g
}

// put writes a file of the folder in one step, as tools do.
func (g *folderGate) put(t *testing.T, name, text string) {
	t.Helper()
	next := filepath.Join(filepath.Dir(g.dir), "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(g.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// status is that of a push.
func (g *folderGate) status(t *testing.T, user, password string) int {
	t.Helper()
	return request{method: "POST", url: g.url("/api/v1/push"), user: user, password: password, body: "samples"}.must(t, g.client).status
}

// becomes waits until a push gets this status.
func (g *folderGate) becomes(t *testing.T, user, password string, status int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s gets %d", user, status), func() bool { return g.status(t, user, password) == status })
}

func (g *folderGate) ready(t *testing.T) string {
	t.Helper()
	return request{method: "GET", url: g.adminURL("/ready")}.must(t, g.client).body
}

func (g *folderGate) metric(t *testing.T, line string) bool {
	t.Helper()
	return strings.Contains(request{method: "GET", url: g.adminURL("/metrics")}.must(t, g.client).body, "\n"+line+"\n")
}

// source is a source on /status.
func (g *folderGate) source(t *testing.T, name string) admin.Source {
	t.Helper()
	var status admin.Status
	if err := json.Unmarshal([]byte(request{method: "GET", url: g.adminURL("/status")}.must(t, g.client).body), &status); err != nil {
		t.Fatal(err)
	}
	for _, s := range status.Sources {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no source %s in %+v", name, status.Sources)
	return admin.Source{}
}

// pushing pushes as one client all the time, until the function that it returns is called, which fails the test if one
// push did not get through.
func (g *folderGate) pushing(t *testing.T, user, password string) (stop func()) {
	t.Helper()
	var ended atomic.Bool
	done := make(chan string, 1)
	go func() {
		sent := 0
		for !ended.Load() {
			a, err := request{method: "POST", url: g.url("/api/v1/push"), user: user, password: password, body: "samples"}.send(g.client)
			if err != nil || a.status != 200 {
				done <- fmt.Sprintf("push %d of %s: %d %v %s", sent, user, a.status, err, a.body)
				return
			}
			sent++
		}
		done <- ""
	}()
	return func() {
		ended.Store(true)
		if problem := <-done; problem != "" {
			t.Error(problem)
		}
	}
}

func TestTheFolderIsFollowed(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-a", "a", "one"), "b.toml": tenant("team-b", "b", "one")})
	if g.status(t, "a", "one") != 200 || g.status(t, "b", "one") != 200 || g.status(t, "a", "two") != 401 {
		t.Fatal("the folder is not in force from the start")
	}
	stop := g.pushing(t, "b", "one")
	for _, step := range []struct {
		name   string
		change func()
		user   string
		pass   string
		status int
	}{
		{"a file is replaced", func() { g.put(t, "a.toml", tenant("team-a", "a", "two")) }, "a", "two", 200},
		{"the old password is gone", func() {}, "a", "one", 401},
		{"a file is written in place", func() {
			if err := os.WriteFile(filepath.Join(g.dir, "a.toml"), []byte(tenant("team-a", "a", "three")), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "a", "three", 200},
		{"a file comes", func() { g.put(t, "c.toml", tenant("team-c", "c", "one")) }, "c", "one", 200},
		{"a file gets another name", func() {
			if err := os.Rename(filepath.Join(g.dir, "c.toml"), filepath.Join(g.dir, "d.toml")); err != nil {
				t.Fatal(err)
			}
			g.put(t, "e.toml", tenant("team-e", "e", "one"))
		}, "e", "one", 200},
		{"and keeps what it holds", func() {}, "c", "one", 200},
		{"a file goes", func() {
			if err := os.Remove(filepath.Join(g.dir, "d.toml")); err != nil {
				t.Fatal(err)
			}
		}, "c", "one", 401},
		{"files of editors and others do not count", func() {
			g.put(t, ".f.toml", tenant("team-f", "f", "one"))
			g.put(t, "f.toml~", tenant("team-f", "f", "one"))
			g.put(t, "f.txt", tenant("team-f", "f", "one"))
			g.put(t, "g.toml", tenant("team-g", "g", "one"))
		}, "g", "one", 200},
		{"not even then", func() {}, "f", "one", 401},
	} {
		step.change()
		g.becomes(t, step.user, step.pass, step.status)
		if g.status(t, "steady", "secret") != 200 {
			t.Errorf("%s: the credentials of the configuration file suffered", step.name)
		}
	}
	stop()
	if text := g.ready(t); strings.Contains(text, "source") || !g.metric(t, `headgate_source_up{source="auth.tenants_dir"} 1`) {
		t.Errorf("nothing is wrong, and /ready says %s", text)
	}
	if s := g.source(t, sources.TenantsDir); s.Credentials != 4 || !s.Read || s.LastRead == nil || s.Problem != "" {
		t.Errorf("/status says %+v", s)
	}
}

// Folders of volumes that are swapped as a whole, as Kubernetes does it.
func TestAFolderOfLinksIsFollowed(t *testing.T) {
	g := startFolder(t, "", nil)
	base := filepath.Dir(g.dir)
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(base, "link")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(base, "link"), filepath.Join(g.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(g.dir, "..version-"+version), 0o700); err != nil {
			t.Fatal(err)
		}
		g.put(t, "..version-"+version+"/a.toml", tenant("team-a", "a", version))
	}
	link("..version-one", "..data")
	link("..data/a.toml", "a.toml")
	g.becomes(t, "a", "one", 200)
	link("..version-two", "..data")
	g.becomes(t, "a", "two", 200)
	g.becomes(t, "a", "one", 401)
}

// One file that is broken keeps its last good version, and holds up none of the others. Unknown credentials are told to
// come again meanwhile.
func TestABrokenFileKeepsItsLastGoodVersion(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-a", "a", "one"), "b.toml": tenant("team-b", "b", "one")})
	if g.status(t, "nobody", "x") != 401 {
		t.Fatal("unknown credentials are not refused")
	}
	for name, broken := range map[string]string{
		"no TOML":           "[[tenants]]\nid = \"team-a",
		"an unknown key":    tenant("team-a", "a", "two") + "paswd = \"x\"\n",
		"a tenant of none":  tenant("team/a", "a", "two"),
		"other tables":      "[auth]\nrealm = \"x\"\n" + tenant("team-a", "a", "two"),
		"a missing secret":  "[[tenants]]\nid = \"team-a\"\nusername = \"a\"\npassword_file = \"nowhere\"\n",
		"nothing in it":     "",
		"a conflict inside": tenant("team-a", "a", "two") + tenant("team-x", "a", "three"),
	} {
		t.Run(name, func(t *testing.T) {
			g.put(t, "a.toml", broken)
			g.becomes(t, "nobody", "x", 503)
			g.put(t, "b.toml", tenant("team-b", "b", name))
			g.becomes(t, "b", name, 200)
			if g.status(t, "a", "one") != 200 || g.status(t, "nobody", "x") != 503 {
				t.Error("the last good version is not in force")
			}
			if read := (request{method: "GET", url: g.url("/prometheus/api/v1/query?query=up"), user: "nobody", password: "x"}).must(t, g.client).status; read != 401 && read != 503 {
				t.Errorf("a read of nobody gets %d", read)
			}
			if text := g.ready(t); !strings.Contains(text, "source auth.tenants_dir: a.toml: ") || !strings.HasPrefix(text, "ready\n") {
				t.Errorf("/ready says %s", text)
			}
			if !g.metric(t, `headgate_source_up{source="auth.tenants_dir"} 0`) || g.source(t, sources.TenantsDir).Problem == "" {
				t.Error("neither metric nor /status say so")
			}
			g.put(t, "a.toml", tenant("team-a", "a", "one"))
			g.becomes(t, "nobody", "x", 401)
			if text := g.ready(t); strings.Contains(text, "source") {
				t.Errorf("/ready still says %s", text)
			}
		})
	}
	if log := g.log.String(); !strings.Contains(log, "source of credentials in error") || !strings.Contains(log, "is good again") {
		t.Error("the log does not say so")
	}
}

// A start with a broken file serves the rest.
func TestAStartWithABrokenFile(t *testing.T) {
	g := startFolder(t, "", map[string]string{
		"a.toml": "[[tenants]]\nid = ", "b.toml": tenant("team-b", "b", "one"), "c.toml": tenant("team-c", "steady", "one"),
	})
	if g.status(t, "b", "one") != 200 || g.status(t, "steady", "secret") != 200 || g.status(t, "a", "one") != 503 {
		t.Error("the rest is not served, or what may be in the broken file is refused for good")
	}
	for _, want := range []string{"a.toml: ", "c.toml: ", "headgate.toml: tenants[0]"} {
		if text := g.ready(t); !strings.Contains(text, want) {
			t.Errorf("/ready does not name %q: %s", want, text)
		}
	}
	g.put(t, "c.toml", tenant("team-c", "c", "one"))
	g.put(t, "a.toml", tenant("team-a", "a", "one"))
	g.becomes(t, "a", "one", 200)
	g.becomes(t, "nobody", "x", 401)
}

// A start with a folder in which there is nothing, as before it is mounted, refuses nobody for good.
func TestAStartWithAnEmptyFolder(t *testing.T) {
	g := startFolder(t, "", nil)
	if got := g.status(t, "a", "one"); got != 503 || g.status(t, "steady", "secret") != 200 {
		t.Errorf("a push gets %d before the folder has a file, want 503", got)
	}
	if text := g.ready(t); !strings.HasPrefix(text, "ready\n") || !strings.Contains(text, "source auth.tenants_dir: "+g.dir+": holds no *.toml file") {
		t.Errorf("/ready says %s", text)
	}
	g.put(t, "a.toml", tenant("team-a", "a", "one"))
	g.becomes(t, "a", "one", 200)
	g.becomes(t, "nobody", "x", 401)
}

// A file that is written slowly and in place is never taken for less than it is.
func TestAFileThatIsBeingWritten(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-a", "a", "one") + tenant("team-b", "b", "one")})
	stop := g.pushing(t, "b", "one")
	for n := range 3 {
		file, err := os.Create(filepath.Join(g.dir, "a.toml"))
		if err != nil {
			t.Fatal(err)
		}
		text := tenant("team-a", "a", fmt.Sprint("new-", n)) + tenant("team-b", "b", "one")
		for len(text) > 0 {
			piece := min(len(text), 20)
			if _, err := file.WriteString(text[:piece]); err != nil {
				t.Fatal(err)
			}
			text = text[piece:]
			g.status(t, "steady", "secret") // takes a moment
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		g.becomes(t, "a", fmt.Sprint("new-", n), 200)
	}
	stop()
}

// A folder that vanishes, as with a file system that is unmounted, is an error and takes nobody away.
func TestAFolderThatVanishes(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-a", "a", "one")})
	away := g.dir + ".away"
	for range 2 {
		if err := os.Rename(g.dir, away); err != nil {
			t.Fatal(err)
		}
		g.becomes(t, "nobody", "x", 503)
		if g.status(t, "a", "one") != 200 || !strings.Contains(g.ready(t), "source auth.tenants_dir: "+g.dir+": cannot be read") {
			t.Errorf("the folder is away, and /ready says %s", g.ready(t))
		}
		if problems := g.Reload(); problems != nil {
			t.Error(problems)
		}
		if g.status(t, "a", "one") != 200 {
			t.Error("a reload took away what nobody can read")
		}
		if err := os.Rename(away, g.dir); err != nil {
			t.Fatal(err)
		}
		g.becomes(t, "nobody", "x", 401)
	}
	g.put(t, "b.toml", tenant("team-b", "b", "one"))
	g.becomes(t, "b", "one", 200)
}
