package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestReloadUnderLoadFailsNoRequest changes tenants, routes, upstreams and addresses while two tenants, one address and
// their routes stay: none of the requests for those may notice.
func TestReloadUnderLoadFailsNoRequest(t *testing.T) {
	first, second := newUpstream(t), newUpstream(t)
	staying := tenant("team-a", "prometheus-a", "one") + tenant("team-b", "prometheus-b", "two")
	configurations := []string{
		gate(everything(first.URL) + staying),
		gate(everything(second.URL) + staying + tenant("team-c", "prometheus-c", "three")),
		gate("[upstreams.all]\nurls = [\"" + first.URL + "\", \"" + second.URL + "\"]\nidle_timeout = \"50ms\"\n" + staying +
			"[[routes]]\npath = \"/extra/*\"\nupstream = \"all\"\nscope = \"read\"\nidle_timeout = \"40ms\"\n"),
		strings.Replace(gate(everything(first.URL)+staying), `listen = "127.0.0.1:0"`, `listen = ["127.0.0.1:0", "localhost:0"]`, 1),
	}
	r := start(t, configurations[0])
	push, query := r.url("/api/v1/push"), r.url("/prometheus/api/v1/query?query=up")

	const workers, each = 8, 150
	var failures, sent atomic.Int64
	var load sync.WaitGroup
	for n := range workers {
		client := newClient(t)
		load.Go(func() {
			for i := range each {
				q := request{method: "POST", url: push, user: "prometheus-a", password: "one", body: fmt.Sprint(n, i)}
				want := "for team-a"
				if (n+i)%2 == 0 {
					q = request{method: "GET", url: query, user: "prometheus-b", password: "two"}
					want = "for team-b"
				}
				a, err := q.send(client)
				sent.Add(1)
				if err != nil || a.status != 200 || a.body != want {
					failures.Add(1)
					t.Errorf("worker %d, request %d: %d %q %v", n, i, a.status, a.body, err)
					return
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { defer close(finished); load.Wait() }()

	reloads := 0
	for running := true; running; reloads++ {
		r.write(configurations[(reloads+1)%len(configurations)])
		if problems := r.Reload(); len(problems) > 0 {
			t.Errorf("reload %d: %v", reloads, problems)
		}
		select {
		case <-finished:
			running = false
		default:
		}
	}
	if reloads < len(configurations) {
		t.Logf("only %d reloads fitted into the load", reloads)
	}
	if sent.Load() != workers*each || failures.Load() > 0 {
		t.Errorf("%d of %d requests failed over %d reloads", failures.Load(), sent.Load(), reloads)
	}
	if got := len(first.seen()) + len(second.seen()); got != workers*each {
		t.Errorf("the upstreams saw %d requests, want %d: each one once", got, workers*each)
	}
}

func TestReloadChangesTenantsRoutesAndAddresses(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")))
	client := newClient(t)
	gone, before := r.Addrs()[0].String(), request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-a", password: "one"}
	if a := before.must(t, client); a.status != 200 {
		t.Fatalf("before the reload: %d", a.status)
	}
	adminBefore := r.AdminAddr().String()

	r.write(strings.NewReplacer(`listen = "127.0.0.1:0"`, `listen = "localhost:0"`).Replace(
		gate(everything(cortex.URL) + tenant("team-b", "prometheus-b", "two") +
			"[[routes]]\npath = \"/extra\"\nupstream = \"all\"\nscope = \"read\"\n")))
	r.signal(syscall.SIGHUP)
	eventually(t, "another address", func() bool { return r.Addrs()[0].String() != gone })
	eventually(t, "the old addresses refuse connections", func() bool { return refusesConnections(gone) && refusesConnections(adminBefore) })

	fresh := newClient(t)
	for _, tc := range []struct {
		name     string
		path     string
		user, pw string
		status   int
	}{
		{"the tenant that went", "/extra", "prometheus-a", "one", 401},
		{"the tenant that came", "/extra", "prometheus-b", "two", 200},
	} {
		if a := (request{method: "GET", url: r.url(tc.path), user: tc.user, password: tc.pw}).must(t, fresh); a.status != tc.status {
			t.Errorf("%s: %d %q, want %d", tc.name, a.status, a.body, tc.status)
		}
	}
	if a := (request{method: "GET", url: r.adminURL("/ready")}).must(t, fresh); a.status != 200 {
		t.Errorf("the admin listener's new address: %d", a.status)
	}
}

// TestReloadKeepsConnectionsOfAnAddressThatGoes sends on one connection before and after its listener closed.
func TestReloadKeepsConnectionsOfAnAddressThatGoes(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")))
	gone := r.Addrs()[0].String()
	conn, err := net.Dial("tcp", gone)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	ask := func() int {
		if _, err := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", gone); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if status := ask(); status != 200 {
		t.Fatalf("before: %d", status)
	}
	r.write(strings.Replace(gate(everything(cortex.URL)), `listen = "127.0.0.1:0"`, `listen = "localhost:0"`, 1))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if !refusesConnections(gone) {
		t.Error("the old address still takes connections")
	}
	if status := ask(); status != 200 {
		t.Errorf("after: %d", status)
	}
}

func TestReloadWidensAndNarrowsAnAddress(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)))
	client := newClient(t)
	narrow := r.Addrs()[0].String()
	_, port, err := net.SplitHostPort(narrow)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"0.0.0.0:" + port, "127.0.0.1:" + port, ":" + port} {
		r.write(strings.Replace(gate(everything(cortex.URL)), `listen = "127.0.0.1:0"`, `listen = "`+address+`"`, 1))
		if problems := r.Reload(); len(problems) > 0 {
			t.Fatalf("to %s: %v", address, problems)
		}
		client.CloseIdleConnections()
		if a := (request{method: "GET", url: "http://" + narrow + "/healthz"}).must(t, client); a.status != 200 {
			t.Errorf("%s: %d", address, a.status)
		}
	}
}

func TestRefusedReloadChangesNothing(t *testing.T) {
	cortex := newUpstream(t)
	good := gate(everything(cortex.URL) + tenant("team-a", "prometheus-a", "one"))
	r := start(t, good)
	taken := strings.TrimPrefix(cortex.URL, "http://")
	client := newClient(t)
	addresses := fmt.Sprint(r.Addrs(), r.AdminAddr())

	for _, tc := range []struct{ name, toml, want string }{
		{"an unknown key", good + "[server.more]\nlistn = 1\n", "server.more"},
		{"not TOML", good + "\n???\n", "is not TOML"},
		{"a port in use", strings.Replace(good, `listen = "127.0.0.1:0"`, `listen = ["127.0.0.1:0", "localhost:0", "`+taken+`"]`, 1), "server.listen: "},
		{"an admin port in use", strings.Replace(good, "[admin]\nlisten = \"127.0.0.1:0\"", "[admin]\nlisten = \""+taken+"\"", 1), "admin.listen: "},
		{"one user of two tenants", good + tenant("team-b", "prometheus-a", "two"), "tenants[1]"},
		{"a password file that is not there", good + "[[tenants]]\nid = \"team-c\"\nusername = \"c\"\npassword_file = \"nope\"\n", "tenants[1].password_file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.write(tc.toml)
			problems := r.Reload()
			if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), tc.want) {
				t.Fatalf("the problems are %q, want one with %q", problems, tc.want)
			}
			for _, problem := range problems {
				if !strings.HasPrefix(problem, "error: ") && !strings.HasPrefix(problem, "warning: ") {
					t.Errorf("%q does not say whether it is an error", problem)
				}
			}
			if a := (request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-a", password: "one"}).must(t, client); a.status != 200 {
				t.Errorf("the old configuration answers %d %q", a.status, a.body)
			}
			if now := fmt.Sprint(r.Addrs(), r.AdminAddr()); now != addresses {
				t.Errorf("the addresses are %s, were %s", now, addresses)
			}
			metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
			if !strings.Contains(metrics, "\nheadgate_config_last_reload_successful 0\n") {
				t.Error("the metrics do not show that the reload failed")
			}
			if log := r.log.String(); !strings.Contains(log, "configuration not reloaded") || !strings.Contains(log, tc.want) {
				t.Errorf("the log does not say why")
			}
		})
	}
	r.write(good)
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	metrics := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
	if !strings.Contains(metrics, "\nheadgate_config_last_reload_successful 1\n") {
		t.Error("the metrics do not show that the reload succeeded")
	}
}

func TestWhatTakesARestartIsNamedAndHoldsNothingBack(t *testing.T) {
	cortex := newUpstream(t)
	rest := everything(cortex.URL) + tenant("team-a", "prometheus-a", "one")
	r := start(t, gate(rest))
	client := newClient(t)
	r.write(strings.Replace(gate(rest+tenant("team-b", "prometheus-b", "two")), "[admin]",
		"header_timeout = \"3s\"\nidle_timeout = \"7m\"\nmax_header_size = \"32KiB\"\n[admin]", 1))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if a := (request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-b", password: "two"}).must(t, client); a.status != 200 {
		t.Errorf("the rest of the configuration is not in use: %d", a.status)
	}
	status := request{method: "GET", url: r.adminURL("/status")}.must(t, client).body
	for _, key := range []string{"server.header_timeout", "server.idle_timeout", "server.max_header_size"} {
		if !strings.Contains(status, `"`+key+`"`) {
			t.Errorf("/status does not name %s", key)
		}
		if !strings.Contains(r.log.String(), key) {
			t.Errorf("the log does not name %s", key)
		}
	}
	if metrics := (request{method: "GET", url: r.adminURL("/metrics")}).must(t, client).body; !strings.Contains(metrics, "\nheadgate_config_restart_required 1\n") {
		t.Error("headgate_config_restart_required is not 1")
	}
	r.write(gate(rest))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if metrics := (request{method: "GET", url: r.adminURL("/metrics")}).must(t, client).body; !strings.Contains(metrics, "\nheadgate_config_restart_required 0\n") {
		t.Error("headgate_config_restart_required is not 0 again")
	}
}

// TestReloadKeepsUpstreamConnections reloads a file that changed elsewhere and counts the connections to the upstream.
func TestReloadKeepsUpstreamConnections(t *testing.T) {
	cortex := newUpstream(t)
	rest := strings.Replace(everything(cortex.URL), "50ms", "300ms", 1)
	r := start(t, gate(rest+tenant("team-a", "prometheus-a", "one")))
	before := r.current.Load().upstreams()["all"][0].Hosts()[0]
	r.write(gate(rest + tenant("team-b", "prometheus-b", "two")))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if after := r.current.Load().upstreams()["all"][0].Hosts()[0]; after != before {
		t.Error("the host was made anew")
	}
}
