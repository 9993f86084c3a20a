package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// sharedValue is the value of a client whose password is "one".
func sharedValue(id, user, more string) string {
	const one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" // echo -n one | sha256sum
	return "id = \"" + id + "\"\nusername = \"" + user + "\"\npassword_sha256 = \"" + one + "\"\n" + more
}

// pushAs is the status of a push of a user whose password is "one".
func pushAs(t *testing.T, r *running, user string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	return request{method: "POST", url: r.url("/api/v1/push"), user: user, password: "one", body: "x"}.must(t, client).status
}

// becomes waits until a push of the user has this status.
func becomes(t *testing.T, r *running, user string, status int) {
	t.Helper()
	eventually(t, fmt.Sprintf("a push of %s gets %d", user, status), func() bool { return pushAs(t, r, user) == status })
}

// TestTenantsFromEtcd: they are there at the start, come, change and go while serving, limits too, and what is wrong with
// one is nobody else's problem.
func TestTenantsFromEtcd(t *testing.T) {
	etcd := fleettest.New(t)
	cortex := newUpstream(t)
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
	etcd.Put(t, "/hg/strange", "not ours")
	r := start(t, withEtcd(everything(cortex.URL)+tenant("team-f", "f", "one"), etcd))
	if status := pushAs(t, r, "a"); status != 200 {
		t.Errorf("a client that was there before: %d", status)
	}
	if status := pushAs(t, r, "nobody"); status != 401 {
		t.Errorf("nobody's push while all is well: %d, want 401", status)
	}
	etcd.Put(t, "/hg/b", sharedValue("team-b", "b", ""))
	becomes(t, r, "b", 200)
	etcd.Put(t, "/hg/b", sharedValue("team-b", "b", "[limits]\nrequests_per_second = 0.001\n"))
	becomes(t, r, "b", 503)
	etcd.Put(t, "/hg/b", sharedValue("team-b", "b", "[limits]\nrequests_per_second = 0\n"))
	becomes(t, r, "b", 200)

	// A value cut short changes nothing, nor does one that is in the file as another tenant's.
	etcd.Put(t, "/hg/b", `{"id": "team-b", "usern`)
	etcd.Put(t, "/hg/f", sharedValue("team-x", "f", ""))
	etcd.Put(t, "/hg/c", sharedValue("team-c", "c", ""))
	becomes(t, r, "c", 200)
	if status := pushAs(t, r, "b"); status != 200 {
		t.Errorf("after a value that was cut short: %d, want 200", status)
	}
	if status := pushAs(t, r, "f"); status != 200 {
		t.Errorf("the client of the file: %d, want 200", status)
	}
	for _, want := range []string{`"key":"strange"`, `"key":"b"`, `user name \"f\" has tenant \"team-x\" here and \"team-f\"`} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body
	if !strings.Contains(metrics, "headgate_source_values_skipped 3") {
		t.Error("the metrics do not count three values that are skipped")
	}
	etcd.Delete(t, "/hg/c")
	becomes(t, r, "c", 401)
}

// TestEtcdAway: the last set stays in force, what is unknown is retryable, and a restart goes on from the copy.
func TestEtcdAway(t *testing.T) {
	etcd := fleettest.New(t)
	cortex := newUpstream(t)
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
	copied := filepath.Join(t.TempDir(), "copy")
	toml := withEtcd(everything(cortex.URL), etcd) + "cache_file = \"" + copied + "\"\n"
	r := start(t, toml)
	becomes(t, r, "a", 200)
	eventually(t, "the copy is written", func() bool { _, err := os.Stat(copied); return err == nil })
	etcd.Kill()
	becomes(t, r, "nobody", 503)
	if status := pushAs(t, r, "a"); status != 200 {
		t.Errorf("while etcd is away: %d, want 200", status)
	}
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, newClient(t)); ready.status != 200 || !strings.Contains(ready.body, "etcd is away") {
		t.Errorf("/ready: %d %q", ready.status, ready.body)
	}

	r.signals <- syscall.SIGTERM
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}

	t.Run("a gateway of another prefix does not take the copy", func(t *testing.T) {
		other := start(t, strings.Replace(toml, "/hg/", "/other/", 1))
		if status := pushAs(t, other, "a"); status != 503 {
			t.Errorf("%d, want 503", status)
		}
	})
	t.Run("a restart goes on from the copy", func(t *testing.T) {
		second := start(t, toml)
		if status := pushAs(t, second, "a"); status != 200 {
			t.Errorf("after a restart without etcd: %d, want 200", status)
		}
		if status := pushAs(t, second, "nobody"); status != 503 {
			t.Errorf("an unknown client after a restart without etcd: %d, want 503", status)
		}
		etcd.Start(t)
		etcd.Put(t, "/hg/b", sharedValue("team-b", "b", ""))
		becomes(t, second, "b", 200)
		becomes(t, second, "nobody", 401)
	})
}

// TestEtcdMassRemovalIsHeld: a prefix that was deleted takes nobody away, until somebody says so; an operator's own
// removals are not held.
func TestEtcdMassRemovalIsHeld(t *testing.T) {
	etcd := fleettest.New(t)
	cortex := newUpstream(t)
	const clients = 12
	for i := range clients {
		etcd.Put(t, fmt.Sprint("/hg/", i), sharedValue("team", fmt.Sprint("u", i), ""))
	}
	r := start(t, withEtcd(everything(cortex.URL), etcd))
	becomes(t, r, "u0", 200)
	// A few may go by themselves; as soon as it is most of them within seconds, they are back.
	var keys []string
	for i := range clients {
		keys = append(keys, fmt.Sprint("/hg/", i))
	}
	etcd.Delete(t, keys[:3]...)
	becomes(t, r, "u2", 401)
	etcd.Delete(t, keys[3:]...)
	becomes(t, r, "u2", 200)
	for i := range clients {
		if status := pushAs(t, r, fmt.Sprint("u", i)); status != 200 {
			t.Errorf("u%d: %d while the removal is held", i, status)
		}
	}
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, newClient(t)); !strings.Contains(ready.body, "held") {
		t.Errorf("/ready: %q", ready.body)
	}
	etcd.Put(t, "/hg/5", sharedValue("team", "u5", "")) // it is back, and not held any more
	accept := request{method: "POST", url: r.adminURL("/reload?accept_removals=true")}.must(t, newClient(t))
	if accept.status != 200 {
		t.Fatalf("accepting: %d %s", accept.status, accept.body)
	}
	becomes(t, r, "u2", 401)
	becomes(t, r, "u5", 200)

	// What an operator deletes is not held, however much it is.
	file := etcdFile(t, etcd)
	for i := range clients {
		user := fmt.Sprint("v", i)
		headgateTenants(t, exitGood, "one", "set", "--id", "team", "--username", user, "--password-file", "-", "--config", file)
	}
	becomes(t, r, "v11", 200)
	for i := range clients {
		headgateTenants(t, exitGood, "", "delete", fmt.Sprint("v", i), "--config", file)
	}
	becomes(t, r, "v0", 401)
	becomes(t, r, "v11", 401)
}

// TestEtcdOfAReload: a reload may take etcd away, or bring it.
func TestEtcdOfAReload(t *testing.T) {
	etcd := fleettest.New(t)
	cortex := newUpstream(t)
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
	plainFile := gate(everything(cortex.URL) + tenant("team-f", "f", "one"))
	r := start(t, plainFile)
	if status := pushAs(t, r, "a"); status != 401 {
		t.Errorf("without etcd: %d", status)
	}
	for _, step := range []struct {
		toml   string
		status int
	}{{withEtcd(everything(cortex.URL)+tenant("team-f", "f", "one"), etcd), 200}, {plainFile, 401}} {
		r.write(step.toml)
		if problems := r.Reload(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if status := pushAs(t, r, "a"); status != step.status {
			t.Errorf("after the reload: %d, want %d", status, step.status)
		}
		if status := pushAs(t, r, "f"); status != 200 {
			t.Errorf("the client of the file: %d", status)
		}
	}
}

// BenchmarkEtcdStart is how long a gateway takes to have many tenants from etcd in force.
func BenchmarkEtcdStart(b *testing.B) {
	etcd := fleettest.New(b)
	store, err := fleet.Open(fleet.Options{Endpoints: []string{etcd.Endpoint}, Prefix: "/hg/"})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	const clients = 100_000
	writes := make([]fleet.Write, clients)
	for i := range writes {
		t := config.Tenant{ID: fmt.Sprint("team-", i), Username: fmt.Sprint("u", i),
			PasswordSHA256: "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}
		writes[i] = fleet.Write{Key: t.Username, Text: t.Shared()}
	}
	if _, err := store.PutAll(b.Context(), writes); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r := startForBench(b, etcd)
		if n := r.parts.credentials.Len(); n != clients {
			b.Fatalf("%d clients, want %d", n, clients)
		}
		r.Close()
	}
}

// startForBench makes an App that has read etcd.
func startForBench(b *testing.B, etcd *fleettest.Server) *App {
	b.Helper()
	file := filepath.Join(b.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(withEtcd(everything("http://127.0.0.1:1"), etcd)), 0o600); err != nil {
		b.Fatal(err)
	}
	app, err := New(AppOptions{ConfigFile: file, Log: new(strings.Builder)})
	if err != nil {
		b.Fatal(err)
	}
	return app
}
