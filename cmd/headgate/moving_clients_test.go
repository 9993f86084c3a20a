package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/authcache"
)

// A client that moves from one source to another is known at every moment, in both directions.
func TestAMovingClientIsNeverRefused(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-x", "other", "one")})
	here, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	there := strings.ReplaceAll(string(here), tenant("team-s", "steady", "secret"), "")
	stop := g.pushing(t, "steady", "secret")
	for range 5 {
		// The folder is not told of it before the reload.
		g.put(t, "s.toml", tenant("team-s", "steady", "secret"))
		g.write(there)
		if problems := g.Reload(); problems != nil {
			t.Fatal(problems)
		}
		// The other way round the folder is followed by itself, so the file comes first.
		g.write(string(here))
		if problems := g.Reload(); problems != nil {
			t.Fatal(problems)
		}
		if err := os.Remove(filepath.Join(g.dir, "s.toml")); err != nil {
			t.Fatal(err)
		}
		if problems := g.Reload(); problems != nil {
			t.Fatal(problems)
		}
	}
	stop()
	g.write(there)
	if problems := g.Reload(); problems != nil || g.status(t, "steady", "secret") != 401 {
		t.Error("it was in neither at last, and is known: ", problems)
	}
}

// One of two passwords of a client moves, the other stays where it is.
func TestAMovingPasswordIsNeverRefused(t *testing.T) {
	g := startFolder(t, tenant("team-r", "rotating", "stays"), map[string]string{"a.toml": tenant("team-x", "other", "one")})
	without, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	moving := tenant("team-r", "rotating", "moves")
	g.write(string(without) + moving)
	if problems := g.Reload(); problems != nil {
		t.Fatal(problems)
	}
	stop := g.pushing(t, "rotating", "moves")
	for range 5 {
		g.put(t, "r.toml", moving)
		g.write(string(without))
		if problems := g.Reload(); problems != nil {
			t.Fatal(problems)
		}
		g.write(string(without) + moving)
		if problems := g.Reload(); problems != nil {
			t.Fatal(problems)
		}
		if err := os.Remove(filepath.Join(g.dir, "r.toml")); err != nil {
			t.Fatal(err)
		}
		if problems := g.Reload(); problems != nil {
			t.Fatal(problems)
		}
	}
	stop()
}

// TestWhatLeavesTheConfigurationFile: what another source may have now stays until that one was read.
func TestWhatLeavesTheConfigurationFile(t *testing.T) {
	entry := func(tenant, user, password string) authcache.Entry {
		return authcache.Entry{Identity: &authcache.Identity{Tenant: tenant}, User: user, Password: password}
	}
	token := authcache.Entry{Identity: &authcache.Identity{Tenant: "t"}, Scheme: authcache.Bearer, Password: "token"}
	certificate := authcache.Entry{Identity: &authcache.Identity{Tenant: "t"}, Scheme: authcache.Certificate, User: "cn:x"}
	nobody := authcache.Entry{Identity: &authcache.Identity{Tenant: "t"}, Scheme: authcache.Anonymous}
	one, two, changed := entry("t", "u", "one"), entry("t", "u", "two"), entry("t", "u", "three")
	for _, c := range []struct {
		name              string
		before, now, want []authcache.Entry
	}{
		{"nothing", []authcache.Entry{one, token, certificate}, []authcache.Entry{one, token, certificate}, nil},
		{"a client", []authcache.Entry{one}, nil, []authcache.Entry{one}},
		{"a token and a certificate", []authcache.Entry{token, certificate}, nil, []authcache.Entry{token, certificate}},
		{"who needs no credential", []authcache.Entry{nobody}, nil, nil},
		{"one of two passwords", []authcache.Entry{one, two}, []authcache.Entry{one}, []authcache.Entry{two}},
		{"one of two, and the other is changed", []authcache.Entry{one, two}, []authcache.Entry{changed}, []authcache.Entry{one, two}},
		{"a password is changed", []authcache.Entry{one}, []authcache.Entry{changed}, nil},
		{"a client gets another tenant", []authcache.Entry{one, two}, []authcache.Entry{entry("x", "u", "one")}, nil},
	} {
		got := leaving(c.before, c.now)
		if !slices.EqualFunc(got, c.want, func(a, b authcache.Entry) bool { return a.User == b.User && a.Password == b.Password }) {
			t.Errorf("%s: %d leave, want %d", c.name, len(got), len(c.want))
		}
	}
}

// One user name has one tenant. The file that comes second is in error, and says which the first is.
func TestAUserNameWithTwoTenants(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-a", "a", "one")})
	g.put(t, "b.toml", tenant("team-b", "a", "two")+tenant("team-b", "b", "one"))
	g.becomes(t, "b", "one", 503)
	if g.status(t, "a", "one") != 200 || g.status(t, "a", "two") != 503 {
		t.Error("the first one is not in force")
	}
	for _, want := range []string{"b.toml: tenants[0]", "a.toml: tenants[0]", `user name "a" has tenant "team-b" here and "team-a"`} {
		if text := g.ready(t); !strings.Contains(text, want) {
			t.Errorf("/ready does not name %q: %s", want, text)
		}
	}
	g.put(t, "b.toml", tenant("team-b", "b", "one"))
	g.becomes(t, "b", "one", 200)
	g.becomes(t, "nobody", "x", 401)

	// A file that was good keeps what it held.
	g.put(t, "b.toml", tenant("team-b", "b", "two")+tenant("team-b", "steady", "x"))
	g.becomes(t, "nobody", "x", 503)
	if g.status(t, "b", "one") != 200 || g.status(t, "steady", "secret") != 200 || g.status(t, "b", "two") == 200 {
		t.Error("the version before it is not in force")
	}
	if text := g.ready(t); !strings.Contains(text, "headgate.toml: tenants[0]") {
		t.Errorf("/ready does not name the configuration file: %s", text)
	}
	// Once the configuration file lets the name go, the folder may have it.
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.write(strings.ReplaceAll(string(text), tenant("team-s", "steady", "secret"), ""))
	if problems := g.Reload(); problems != nil {
		t.Fatal(problems)
	}
	g.becomes(t, "steady", "x", 200)
	g.becomes(t, "nobody", "x", 401)
	// And while it has it, the configuration file may not.
	g.write(string(text))
	if problems := g.Reload(); len(problems) == 0 || !strings.Contains(problems[0], "b.toml: tenants[1]") {
		t.Errorf("a reload took over a name with two tenants: %v", problems)
	}
	if g.status(t, "steady", "x") != 200 {
		t.Error("the reload that was refused changed something")
	}
}

// While sources change hands, a client that is in the next one is told to come again, and never refused for good: however
// long that one takes to read, and whatever was wrong before.
func TestNobodyIsRefusedForGoodWhileSourcesChangeHands(t *testing.T) {
	newcomer := authcache.Credential{Scheme: authcache.Basic, User: []byte("newcomer"), Secret: []byte("pw"), From: netip.MustParseAddr("127.0.0.1")}
	folder := func(text string) string {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "tenants_dir = \"" + dir + "\"\n"
	}
	users := filepath.Join(t.TempDir(), "users")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# nobody\n")
	base := gate(everything(newUpstream(t).URL) + "[auth]\n" + tenant("team-s", "steady", "secret"))
	with := func(auth string) string { return strings.Replace(base, "[auth]\n", "[auth]\n"+auth, 1) }
	for name, c := range map[string]struct {
		before, refused, after string
		change                 func()
	}{
		"a folder is added after a refused reload": {
			before: base, refused: with("bogus = 1\n"), after: with(folder(tenant("newcomer", "newcomer", "pw"))),
		},
		"another folder after a refused reload": {
			before: with(folder("")), refused: with("bogus = 1\n"), after: with(folder(tenant("newcomer", "newcomer", "pw"))),
		},
		"from a folder to the htpasswd file": {
			before: with("htpasswd_file = \"" + users + "\"\n" + folder(tenant("newcomer", "newcomer", "pw"))),
			after:  with("htpasswd_file = \"" + users + "\"\n"),
			change: func() { write("newcomer:" + hashOf(t, "pw") + "\n") },
		},
		"a password of two goes to a folder": {
			before: base + tenant("newcomer", "newcomer", "pw"),
			after:  with(folder(tenant("newcomer", "newcomer", "pw"))) + tenant("newcomer", "newcomer", "other"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, c.before)
			for range 5 {
				if c.refused != "" {
					g.write(c.refused)
					if g.Reload() == nil {
						t.Fatal("it is taken")
					}
				}
				var over atomic.Bool
				refusals := make(chan int)
				go func() {
					n := 0
					for !over.Load() {
						if _, verdict := g.parts.credentials.Authenticate(newcomer); verdict == authcache.Rejected {
							n++
						}
					}
					refusals <- n
				}()
				if c.change != nil {
					c.change()
				}
				g.write(c.after)
				problems := g.Reload()
				over.Store(true)
				if n := <-refusals; n > 0 || problems != nil {
					t.Errorf("refused for good %d times; %v", n, problems)
				}
				if c.change != nil {
					return // it is there now
				}
				g.write(c.before)
				if problems := g.Reload(); problems != nil {
					t.Fatal(problems)
				}
			}
		})
	}
}

// A reload that is refused leaves no doubt behind: a source that only it names would never be read.
func TestASourceOfARefusedReloadIsNotWaitedFor(t *testing.T) {
	g := startFolder(t, "", map[string]string{"a.toml": tenant("team-a", "a", "one")})
	good, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("# nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.write(strings.Replace(string(good), "[auth]\n", "[auth]\nhtpasswd_file = \""+users+"\"\n", 1) + tenant("team-x", "a", "two"))
	if problems := g.Reload(); problems == nil {
		t.Fatal("one user name of two tenants is taken")
	}
	g.write(string(good))
	if problems := g.Reload(); problems != nil {
		t.Fatal(problems)
	}
	if status := g.status(t, "nobody", "x"); status != 401 {
		t.Errorf("who is unknown gets %d, and /ready says %s", status, g.ready(t))
	}
}

// The settings of [auth] count for the files of the folder too, as soon as they change.
func TestTheFolderFollowsTheSettings(t *testing.T) {
	g := startFolder(t, "default_scopes = [\"read\"]\n", map[string]string{"a.toml": tenant("team-a", "a", "one")})
	if g.status(t, "a", "one") != 403 {
		t.Fatal("default_scopes do not count")
	}
	text, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.write(strings.Replace(string(text), `["read"]`, `["write"]`, 1))
	if problems := g.Reload(); problems != nil || g.status(t, "a", "one") != 200 {
		t.Error("the new default_scopes do not count: ", problems)
	}
}

// Limits of tenants stand in the folder as well.
func TestTheFolderHasLimits(t *testing.T) {
	limited := tenant("team-a", "a", "one") + "[tenants.limits]\nrequests_per_second = 0.001\n"
	g := startFolder(t, "", map[string]string{"a.toml": limited})
	g.becomes(t, "a", "one", 503) // the burst is used up
	g.put(t, "b.toml", tenant("team-a", "b", "one")+"[tenants.limits]\nrequests_per_second = 7.0\n")
	g.becomes(t, "nobody", "x", 503)
	if text := g.ready(t); !strings.Contains(text, "b.toml") || !strings.Contains(text, "a.toml") || !strings.Contains(text, "limits of tenant") {
		t.Errorf("/ready says %s", text)
	}
	// The limits move from one file to the other, and are others there.
	g.put(t, "a.toml", tenant("team-a", "a", "one"))
	g.becomes(t, "nobody", "x", 401)
	if err := os.Remove(filepath.Join(g.dir, "b.toml")); err != nil {
		t.Fatal(err)
	}
	g.becomes(t, "b", "one", 401)
	g.becomes(t, "a", "one", 200)
}
