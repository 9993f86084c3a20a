package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// headgateTenants runs one `headgate tenants` and returns what it printed.
func headgateTenants(t *testing.T, exit int, stdin string, args ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	if got := run(append([]string{"tenants"}, args...), strings.NewReader(stdin), &out, &complaints); got != exit {
		t.Fatalf("headgate tenants %q: exit %d, want %d\n%s%s", args, got, exit, out.String(), complaints.String())
	}
	return out.String() + complaints.String()
}

// withEtcd is a configuration that names an etcd.
func withEtcd(rest string, etcd *fleettest.Server) string {
	return gate(rest) + "[etcd]\nendpoints = [\"" + etcd.Endpoint + "\"]\nprefix = \"/hg/\"\n"
}

// etcdFile is such a configuration in a file.
func etcdFile(t *testing.T, etcd *fleettest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(withEtcd(everything("http://127.0.0.1:1"), etcd)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTenantsCommand walks through the verbs as an operator does.
func TestTenantsCommand(t *testing.T) {
	etcd := fleettest.New(t)
	file := etcdFile(t, etcd)
	do := func(exit int, args ...string) string {
		t.Helper()
		return headgateTenants(t, exit, "", append(args, "--config", file)...)
	}
	has := func(got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("got\n%swant %q in it", got, w)
			}
		}
	}
	has(do(exitGood, "list"), "0 clients, 0 skipped")
	has(do(exitGood, "set", "--id", "team-a", "--username", "a", "--scopes", "write,read", "--dry-run"), `+ id = "team-a"`, `+ scopes = ["write", "read"]`)
	has(do(exitGood, "list"), "0 clients")

	made := do(exitGood, "set", "--id", "team-a", "--username", "a", "--scopes", "write,read", "--requests-per-second", "0.5", "--max-in-flight", "7")
	has(made, "added a\n", "password ")
	password := strings.TrimSpace(made[strings.Index(made, "password ")+len("password "):])
	shown := do(exitGood, "get", "a")
	has(shown, `id = "team-a"`, `password_sha256 = "<secret>"`, "requests_per_second = 0.5", "max_in_flight = 7")
	if strings.Contains(shown, password) {
		t.Error("get prints the password")
	}

	// What is not named stays, the password too.
	again := do(exitGood, "set", "--username", "a", "--scopes", "read", "--bytes-per-second", "1MiB")
	if has(again, "changed a\n"); strings.Contains(again, "password") {
		t.Error("a change of scopes made a new password")
	}
	has(do(exitGood, "get", "a"), `scopes = ["read"]`, "requests_per_second = 0.5", `bytes_per_second = "1MiB"`)
	has(do(exitGood, "set", "--username", "a", "--scopes", "read"), "unchanged a\n")
	has(do(exitGood, "set", "--username", "a", "--scopes", "read", "--dry-run"), "nothing would change\n")
	changes := do(exitGood, "set", "--username", "a", "--scopes", "write", "--new-password", "--dry-run")
	if want := `- password_sha256 = "<secret>"
- scopes = ["read"]
+ password_sha256 = "<secret>"
+ scopes = ["write"]
`; changes != want {
		t.Errorf("a dry run of a change of scopes and password:\n%swant\n%s", changes, want)
	}
	has(do(exitGood, "set", "--username", "a", "--new-password"), "changed a\n", "password ")
	has(headgateTenants(t, exitGood, "correct horse\n", "set", "--username", "a", "--password-file", "-", "--config", file), "changed a\n")
	has(do(exitGood, "get", "a"), `password_hash = "<secret>"`)

	// Mistakes of the command line, of what there is, and of what would be.
	has(do(exitUsage), "say what to do")
	has(do(exitUsage, "add"), `"add" is not one of`)
	has(do(exitUsage, "get"), "wants one argument")
	has(do(exitUsage, "list", "x"), "one argument too many")
	has(do(exitUsage, "list", "--id", "x"), "--id means nothing to list")
	has(do(exitUsage, "set", "--id", "x"), "--username")
	has(do(exitUsage, "set", "--username", "a", "--max-in-flight", "many"), "--max-in-flight", "want an integer")
	has(do(exitUsage, "set", "--username", "a", "--expires", "tomorrow"), "--expires", "want a date")
	has(do(exitProblem, "set", "--username", "b"), "id", "missing")
	has(do(exitProblem, "set", "--username", "b", "--id", "x/y"), "Cortex would refuse it")
	has(do(exitProblem, "get", "nobody"), `"nobody" is not there`)
	has(do(exitProblem, "delete", "nobody"), `"nobody" is not there`)
	has(headgateTenants(t, exitProblem, "\n", "set", "--username", "a", "--password-file", "-", "--config", file), "no password on standard input")

	// Limits that are taken back are not there any more, not even as no limits.
	has(do(exitGood, "set", "--username", "a", "--requests-per-second", "", "--max-in-flight", "", "--bytes-per-second", ""), "changed a\n")
	if got := do(exitGood, "get", "a"); strings.Contains(got, "limits") {
		t.Errorf("limits that were taken back are still there:\n%s", got)
	}

	// Other programs' keys are shown, and in nobody's way.
	etcd.Put(t, "/hg/strange key", "hello")
	has(do(exitGood, "list"), "1 clients, 1 skipped", `"strange key"`, "is not TOML")

	has(do(exitGood, "delete", "a", "--dry-run"), `- id = "team-a"`)
	has(do(exitGood, "delete", "a"), "deleted a")
	has(do(exitProblem, "get", "a"), "is not there")
}

func TestTenantsImport(t *testing.T) {
	file := etcdFile(t, fleettest.New(t))
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const hash = "$2a$04$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"
	const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	list := write("clients.toml", `
[[tenants]]
id = "team-a"
username = "a"
password_sha256 = "`+sum+`"
[[tenants]]
id = "team-a"
username = "a"
password_hash = "`+hash+`"
[[tenants]]
id = "team-b"
token = "EXAMPLE-not-a-secret-0123456789"
[[tenants]]
id = "team-c"
common_name = "c.example"
[[tenants]]
id = "team-d"
username = "d"
password_file = "secret"
`)
	users := write("users", "# people\nx:"+hash+"\ny:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
	for _, step := range []struct {
		exit int
		args []string
		want string
	}{
		{exitProblem, []string{"import", list, "--dry-run"}, "4 would be added, 0 would be changed, 0 unchanged, 1 left out"},
		{exitProblem, []string{"import", list}, "4 added, 0 changed, 0 unchanged, 1 left out"},
		{exitProblem, []string{"import", list}, "0 added, 0 changed, 4 unchanged, 1 left out"},
		{exitGood, []string{"list"}, "a+2"},
		{exitGood, []string{"get", "cn:c.example"}, `common_name = "c.example"`},
		{exitProblem, []string{"import", users}, "1 added, 0 changed, 0 unchanged, 1 left out"},
		{exitGood, []string{"get", "x"}, `id = "x"`},
		{exitProblem, []string{"import", users, "--tenant", "people"}, "0 added, 1 changed, 0 unchanged, 1 left out"},
		{exitGood, []string{"get", "x"}, `id = "people"`},
		{exitProblem, []string{"import", write("none", "\n")}, "has no user in it"},
		{exitProblem, []string{"import", write("half.toml", "[[tenants]]\nid = \"")}, "is not TOML"},
		{exitProblem, []string{"import", filepath.Join(dir, "nothing")}, "no such file"},
	} {
		got := headgateTenants(t, step.exit, "", append(step.args, "--config", file)...)
		if !strings.Contains(got, step.want) {
			t.Errorf("%q:\n%swant %q", step.args, got, step.want)
		}
		if strings.Contains(got, "EXAMPLE") || strings.Contains(got, hash) {
			t.Errorf("%q prints a secret:\n%s", step.args, got)
		}
	}
}

// TestAPasswordThatWasMadeLogsIn: what set prints is what the client has to send.
func TestAPasswordThatWasMadeLogsIn(t *testing.T) {
	etcd := fleettest.New(t)
	r := start(t, withEtcd(everything(newUpstream(t).URL), etcd))
	made := headgateTenants(t, exitGood, "", "set", "--id", "team-a", "--username", "a", "--config", etcdFile(t, etcd))
	_, password, _ := strings.Cut(strings.TrimSpace(made), "password ")
	client := newClient(t)
	eventually(t, "the password is taken", func() bool {
		return request{method: "POST", url: r.url("/api/v1/push"), user: "a", password: password, body: "x"}.must(t, client).status == 200
	})
}

// TestTenantsSayWhatGatewaysSkip: a name with two ids, a credential at two places, limits that contradict each other, in
// etcd or beside the file.
func TestTenantsSayWhatGatewaysSkip(t *testing.T) {
	etcd := fleettest.New(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("headgate.toml", withEtcd(everything("http://127.0.0.1:1")+tenant("team-f", "f", "one")+"[limits.tenants.team-l]\nmax_in_flight = 5\n", etcd))
	do := func(exit int, args ...string) string {
		t.Helper()
		return headgateTenants(t, exit, "", append(args, "--config", file)...)
	}
	expect := func(got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("got\n%swant %q in it", got, w)
			}
		}
	}
	twice := write("twice.toml", "[[tenants]]\n"+sharedValue("team-1", "u", "")+"[[tenants]]\n"+sharedValue("team-2", "u", "")+
		"[[tenants]]\n"+sharedValue("team-3", "v", "")+"[[tenants]]\n"+sharedValue("team-3", "v", ""))
	for _, dry := range [][]string{{"--dry-run"}, nil} {
		expect(do(exitProblem, append([]string{"import", twice}, dry...)...), "2 left out",
			`u+2: user name "u" has tenant "team-2" here and "team-1" at etcd: u`, "v+2: the same credential is at etcd: v")
	}
	expect(do(exitGood, "list"), "2 clients, 0 skipped")
	expect(do(exitProblem, "set", "--id", "team-x", "--username", "f"), `no gateway would take it: user name "f" has tenant "team-x" here and "team-f" at headgate.toml: tenants[0]`)
	expect(do(exitProblem, "get", "f"), "is not there")
	expect(do(exitGood, "set", "--id", "team-l", "--username", "l", "--max-in-flight", "6"), "added l\n", `note: source "etcd": the limits of tenant "team-l"`)
	expect(do(exitGood, "list"), "3 clients, 0 skipped", `note: source "etcd": the limits of tenant "team-l"`)
	expect(do(exitGood, "set", "--username", "l", "--max-in-flight", "5"), "changed l\n")

	// A second client of one tenant: the first to be changed is told of the other.
	expect(do(exitGood, "set", "--id", "team-3", "--username", "w", "--max-in-flight", "1"), "added w\n")
	expect(do(exitGood, "set", "--username", "v", "--max-in-flight", "2"), `note: the limits of tenant "team-3"`, `at "v" and`, `at "w"`)
	if got := do(exitGood, "set", "--username", "w", "--max-in-flight", "2"); strings.Contains(got, "note") {
		t.Errorf("limits that agree: %s", got)
	}

	// What others write is seen as gateways see it.
	etcd.Put(t, "/hg/a", sharedValue("team-9", "u", ""))
	etcd.Put(t, "/hg/f", sharedValue("team-x", "f", ""))
	list := do(exitGood, "list")
	expect(list, "4 clients, 2 skipped", `skipped: user name "u" has tenant "team-1" here and "team-9" at etcd: a`, `and "team-f" at headgate.toml`)
	expect(do(exitGood, "delete", "f"), "deleted f")
	expect(do(exitGood, "list"), "4 clients, 1 skipped")
}

// TestExplainKnowsTheClientsOfEtcd, and asks etcd only for those that are in no file.
func TestExplainKnowsTheClientsOfEtcd(t *testing.T) {
	etcd := fleettest.New(t)
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", "scopes = [\"write\"]\n"))
	file := filepath.Join(t.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(withEtcd(everything("http://127.0.0.1:1")+tenant("team-f", "f", "one"), etcd)), 0o600); err != nil {
		t.Fatal(err)
	}
	explain := func(client string) string {
		var out, complaints bytes.Buffer
		run([]string{"explain", "--config", file, "--client", client, "POST", "/api/v1/push"}, strings.NewReader(""), &out, &complaints)
		return out.String() + complaints.String()
	}
	for client, want := range map[string]string{"a": "basic (etcd: a)", "f": "basic (headgate.toml: tenants[0])", "b": `"b" is not in the configuration`} {
		if got := explain(client); !strings.Contains(got, want) {
			t.Errorf("%s: got\n%swant %q", client, got, want)
		}
	}
	etcd.Kill()
	for client, want := range map[string]string{"a": `"a" is in no file, and may be in etcd: etcd at ` + etcd.Endpoint, "f": "basic (headgate.toml: tenants[0])"} {
		if got := explain(client); !strings.Contains(got, want) {
			t.Errorf("%s without etcd: got\n%swant %q", client, got, want)
		}
	}
}

// TestTenantsNeedsEtcd: without it, and when nobody is there.
func TestTenantsNeedsEtcd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(gate(everything("http://127.0.0.1:1"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := headgateTenants(t, exitProblem, "", "list", "--config", file); !strings.Contains(got, "has no etcd.endpoints") {
		t.Errorf("got %q", got)
	}
	address := fleettest.FreeAddress(t)
	nobody := etcdFile(t, &fleettest.Server{Endpoint: "http://" + address})
	want := "etcd at http://" + address + ": dial tcp " + address + ": connect: connection refused"
	for _, args := range [][]string{{"list"}, {"get", "a"}, {"set", "--id", "x", "--username", "x"}, {"delete", "a"}} {
		if got := headgateTenants(t, exitProblem, "", append(args, "--config", nobody)...); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
}
