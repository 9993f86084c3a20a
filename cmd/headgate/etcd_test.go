package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
	"github.com/headgate/headgate/cmd/headgate/inbound/inboundtest"
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

// readyText is what /ready says.
func readyText(t *testing.T, r *running) string {
	t.Helper()
	ready := request{method: "GET", url: r.adminURL("/ready")}.must(t, newClient(t))
	if ready.status != 200 {
		t.Errorf("/ready: %d %q", ready.status, ready.body)
	}
	return ready.body
}

// says waits until /ready has this in it.
func says(t *testing.T, r *running, want string) {
	t.Helper()
	eventually(t, "/ready says "+want, func() bool { return strings.Contains(readyText(t, r), want) })
}

// end ends a gateway as an operator does.
func end(t *testing.T, r *running) {
	t.Helper()
	r.signal(syscall.SIGTERM)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

// TestTenantsFromEtcd: they are there at the start, come, change and go while serving, limits too, and what is wrong with
// one is nobody else's problem.
func TestTenantsFromEtcd(t *testing.T) {
	etcd := fleettest.New(t)
	cortex := newUpstream(t)
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
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

	// A value cut short changes nothing, nor does one that is in the file as another tenant's, nor another program's.
	etcd.Put(t, "/hg/b", `{"id": "team-b", "usern`)
	etcd.Put(t, "/hg/f", sharedValue("team-x", "f", ""))
	etcd.Put(t, "/hg/strange", "not ours")
	etcd.Put(t, "/hg/c", sharedValue("team-c", "c", ""))
	becomes(t, r, "c", 200)
	for user, status := range map[string]int{"a": 200, "b": 200, "f": 200, "nobody": 503} { // who may be one of those
		if got := pushAs(t, r, user); got != status {
			t.Errorf("%s, beside values that are skipped: %d, want %d", user, got, status)
		}
	}
	for _, want := range []string{`"key":"strange"`, `"key":"b"`, `user name \"f\" has tenant \"team-x\" here and \"team-f\"`} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	ready := readyText(t, r)
	for _, want := range []string{`"b" is skipped: is not JSON, or cut short`, `"f" is skipped: user name "f" has tenant "team-x" here and "team-f" at headgate.toml: tenants[0]`, `"strange" is skipped`} {
		if !strings.Contains(ready, want) {
			t.Errorf("/ready does not say %s: %s", want, ready)
		}
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body
	if !strings.Contains(metrics, "headgate_source_values_skipped 3") {
		t.Error("the metrics do not count three values that are skipped")
	}
	etcd.Delete(t, "/hg/c", "/hg/strange", "/hg/f")
	etcd.Put(t, "/hg/b", sharedValue("team-b", "b", ""))
	becomes(t, r, "c", 401)
}

// TestEtcdAway: the last set stays in force, what is unknown is retryable, and a restart goes on from the copy. So it is
// also where etcd wants TLS and to know who asks.
func TestEtcdAway(t *testing.T) {
	plain, secure := fleettest.New(t), fleettest.NewSecure(t, "/hg/")
	cortex := newUpstream(t)
	secrets := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secrets, []byte(fleettest.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]struct {
		etcd *fleettest.Server
		more string
	}{"plain": {plain, ""}, "with TLS and users": {secure.Server, secureTable(secure, secrets)}} {
		t.Run(name, func(t *testing.T) {
			etcd := of.etcd
			etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
			copied := filepath.Join(t.TempDir(), "copy")
			toml := withEtcd(everything(cortex.URL), etcd) + "cache_file = \"" + copied + "\"\n" + of.more
			r := start(t, toml)
			becomes(t, r, "a", 200)
			eventually(t, "the copy is written", func() bool { _, err := os.Stat(copied); return err == nil })
			etcd.Kill()
			becomes(t, r, "nobody", 503)
			if status := pushAs(t, r, "a"); status != 200 {
				t.Errorf("while etcd is away: %d, want 200", status)
			}
			if ready := readyText(t, r); !strings.Contains(ready, "etcd is away; in force is what it held at 20") || !strings.Contains(ready, etcd.Endpoint) {
				t.Errorf("/ready: %q", ready)
			}
			end(t, r)

			second := start(t, toml)
			if status := pushAs(t, second, "a"); status != 200 {
				t.Errorf("after a restart without etcd: %d, want 200", status)
			}
			if status := pushAs(t, second, "nobody"); status != 503 {
				t.Errorf("an unknown client after a restart without etcd: %d, want 503", status)
			}
			says(t, second, "etcd is away; in force is what it held at 20")
			metrics := request{method: "GET", url: second.adminURL("/metrics")}.must(t, newClient(t)).body
			if at := metricValue(t, metrics, `headgate_source_last_read_timestamp_seconds{source="etcd"}`); at >= float64(second.started.Unix()) {
				t.Errorf("the metrics say that etcd was read at %v, after the start", at)
			}
			etcd.Start(t)
			etcd.Put(t, "/hg/b", sharedValue("team-b", "b", ""))
			becomes(t, second, "b", 200)
			becomes(t, second, "nobody", 401)
			if ready := readyText(t, second); strings.Contains(ready, "etcd") {
				t.Errorf("afterwards /ready says %q", ready)
			}
		})
	}
}

// secureTable is the rest of an [etcd] for a gateway that may read, with its password in a file.
func secureTable(s *fleettest.Secure, password string) string {
	return fmt.Sprintf("username = %q\npassword_file = %q\n[etcd.tls]\nca_file = %q\ncert_file = %q\nkey_file = %q\nserver_name = %q\n",
		fleettest.Gateway, password, filepath.Join(s.Folder, "ca.pem"), filepath.Join(s.Folder, "client.pem"), filepath.Join(s.Folder, "client.key"), fleettest.Name)
}

// metricValue is the value of one series.
func metricValue(t *testing.T, metrics, series string) float64 {
	t.Helper()
	_, rest, found := strings.Cut(metrics, "\n"+series+" ")
	text, _, _ := strings.Cut(rest, "\n")
	value, err := strconv.ParseFloat(text, 64)
	if !found || err != nil {
		t.Fatalf("the metrics have no %s", series)
	}
	return value
}

// TestAWrongPasswordOfEtcdIsPutRight: nothing waits for it, and nothing has to be started again.
func TestAWrongPasswordOfEtcdIsPutRight(t *testing.T) {
	etcd := fleettest.NewSecure(t, "/hg/")
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
	secrets := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(secrets, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	r := start(t, withEtcd(everything(newUpstream(t).URL)+tenant("team-f", "f", "one"), etcd.Server)+secureTable(etcd, secrets))
	if status := pushAs(t, r, "f"); status != 200 {
		t.Errorf("the client of the file: %d", status)
	}
	if status := pushAs(t, r, "a"); status != 503 {
		t.Errorf("a client of etcd: %d, want 503", status)
	}
	says(t, r, "authentication failed")
	write(fleettest.Password)
	becomes(t, r, "a", 200)
}

// TestEtcdMassRemovalIsHeld: a prefix that is deleted takes nobody away, until somebody says so; an operator's own removals
// are not held, and a gateway that was down meanwhile learns of them.
func TestEtcdMassRemovalIsHeld(t *testing.T) {
	etcd := fleettest.New(t)
	cortex := newUpstream(t)
	const clients = 12
	var keys []string
	for i := range clients {
		keys = append(keys, fmt.Sprint("/hg/u", i))
		etcd.Put(t, keys[i], sharedValue("team", fmt.Sprint("u", i), ""))
	}
	toml := withEtcd(everything(cortex.URL), etcd) + "cache_file = \"" + filepath.Join(t.TempDir(), "copy") + "\"\n"
	r := start(t, toml)
	becomes(t, r, "u0", 200)
	all := func(r *running, status int) {
		t.Helper()
		for i := range clients {
			if got := pushAs(t, r, fmt.Sprint("u", i)); got != status {
				t.Errorf("u%d: %d, want %d", i, got, status)
			}
		}
	}
	etcd.Delete(t, keys...) // one after the other
	says(t, r, "the removal is held: it would take away 12 of 12")
	all(r, 200)
	etcd.Put(t, "/hg/u5", sharedValue("team", "u5", "")) // it is back, and not held any more
	says(t, r, "11 of 12")
	accept := request{method: "POST", url: r.adminURL("/reload?accept_removals=true")}.must(t, newClient(t))
	if accept.status != 200 {
		t.Fatalf("accepting: %d %s", accept.status, accept.body)
	}
	becomes(t, r, "u2", 401)
	becomes(t, r, "u5", 200)

	// What an operator deletes is not held, however much it is, and whoever is down.
	file := etcdFile(t, etcd)
	for _, key := range keys {
		etcd.Put(t, key, sharedValue("team", key[len("/hg/"):], ""))
	}
	becomes(t, r, "u11", 200)
	end(t, r)
	for _, key := range keys[1:] {
		headgateTenants(t, exitGood, "", "delete", key[len("/hg/"):], "--config", file)
	}
	r = start(t, toml)
	becomes(t, r, "u1", 401)
	becomes(t, r, "u11", 401)
	becomes(t, r, "u0", 200)

	// And may be brought back in one go.
	list := filepath.Join(t.TempDir(), "clients.toml")
	var back strings.Builder
	for _, key := range keys {
		back.WriteString("[[tenants]]\n" + sharedValue("team", key[len("/hg/"):], ""))
	}
	if err := os.WriteFile(list, []byte(back.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	headgateTenants(t, exitGood, "", "import", list, "--config", file)
	becomes(t, r, "u11", 200)
	all(r, 200)
}

// TestARenewedFileLetsNothingGo: a certificate for etcd that is renewed is no word about what is held.
func TestARenewedFileLetsNothingGo(t *testing.T) {
	etcd := fleettest.NewSecure(t, "/hg/")
	secrets := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secrets, []byte(fleettest.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i := range 13 {
		keys = append(keys, fmt.Sprint("/hg/u", i))
		etcd.Put(t, keys[i], sharedValue("team", fmt.Sprint("u", i), ""))
	}
	r := start(t, withEtcd(everything(newUpstream(t).URL), etcd.Server)+secureTable(etcd, secrets))
	becomes(t, r, "u0", 200)
	etcd.Delete(t, keys...)
	says(t, r, "13 of 13")
	authority := filepath.Join(etcd.Folder, "ca.pem")
	other := inboundtest.NewAuthority(t, "next")
	if err := os.WriteFile(authority, append(other.PEM, etcd.Authority.PEM...), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the authority is read again", func() bool {
		return strings.Contains(r.log.String(), "files that the configuration names have changed")
	})
	etcd.Put(t, "/hg/new", sharedValue("team", "new", ""))
	becomes(t, r, "new", 200)
	if status := pushAs(t, r, "u7"); status != 200 {
		t.Errorf("a client whose removal is held: %d", status)
	}
	says(t, r, "13 of 14")
}

// TestAMistypedPrefix takes nobody away, by a reload or a restart, nor the copy.
func TestAMistypedPrefix(t *testing.T) {
	etcd := fleettest.New(t)
	etcd.Put(t, "/hg/a", sharedValue("team-a", "a", ""))
	copied := filepath.Join(t.TempDir(), "copy")
	good := withEtcd(everything(newUpstream(t).URL), etcd) + "cache_file = \"" + copied + "\"\n"
	slip := strings.Replace(good, "/hg/", "/gh/", 1)
	r := start(t, good)
	becomes(t, r, "a", 200)
	eventually(t, "the copy is written", func() bool { _, err := os.Stat(copied); return err == nil })
	before, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	r.write(slip)
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	says(t, r, "no tenant is under etcd.prefix")
	if status := pushAs(t, r, "a"); status != 200 {
		t.Errorf("after a reload with another prefix: %d", status)
	}
	end(t, r)

	r = start(t, slip)
	says(t, r, "no tenant is under etcd.prefix")
	if status := pushAs(t, r, "a"); status != 503 {
		t.Errorf("after a restart with another prefix: %d, want 503", status)
	}
	end(t, r)
	if after, err := os.ReadFile(copied); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the copy is another one: %v", err)
	}
	r = start(t, slip)
	accept := request{method: "POST", url: r.adminURL("/reload?accept_removals=true")}.must(t, newClient(t))
	if accept.status != 200 {
		t.Fatalf("accepting: %d %s", accept.status, accept.body)
	}
	becomes(t, r, "a", 401)
	r.write(good)
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	becomes(t, r, "a", 200)
}

// TestEtcdAndAFolder: one user name with two tenants is an error that names both, whoever comes second, and ends when
// either goes.
func TestEtcdAndAFolder(t *testing.T) {
	etcd := fleettest.New(t)
	etcd.Put(t, "/hg/e", sharedValue("team-e", "e", "[limits]\nmax_in_flight = 3\n"))
	g := startFolder(t, "[etcd]\nendpoints = [\""+etcd.Endpoint+"\"]\nprefix = \"/hg/\"\n", map[string]string{"a.toml": tenant("team-a", "a", "folder")})
	g.becomes(t, "e", "one", 200)

	etcd.Put(t, "/hg/a", sharedValue("team-x", "a", ""))
	says(t, g.running, `"a" is skipped: user name "a" has tenant "team-x" here and "team-a" at a.toml`)
	g.put(t, "a.toml", tenant("team-b", "b", "folder"))
	g.becomes(t, "a", "one", 200)

	g.put(t, "a.toml", tenant("team-y", "a", "folder"))
	says(t, g.running, `user name "a" has tenant "team-y" here and "team-x" at etcd: a`)
	etcd.Delete(t, "/hg/a")
	g.becomes(t, "a", "folder", 200)

	limited := func(n int) string {
		return tenant("team-e", "f", "folder") + fmt.Sprintf("[tenants.limits]\nmax_in_flight = %d\n", n)
	}
	g.put(t, "b.toml", limited(4))
	says(t, g.running, `the limits of tenant "team-e"`)
	etcd.Put(t, "/hg/e", sharedValue("team-e", "e", ""))
	eventually(t, "nothing is wrong", func() bool { return readyText(t, g.running) == "ready\n" })
	etcd.Put(t, "/hg/e", sharedValue("team-e", "e", "[limits]\nmax_in_flight = 5\n"))
	says(t, g.running, `the limits of tenant "team-e"`)
	g.put(t, "b.toml", limited(5))
	eventually(t, "nothing is wrong", func() bool { return readyText(t, g.running) == "ready\n" })
	g.becomes(t, "nobody", "x", 401)
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
