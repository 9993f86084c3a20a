package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/admin"
)

func TestAdminListenerAnswersForTheRunningProgram(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, strings.Replace(gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "hunter2")), "[admin]", "[log]\nformat = \"logfmt\"\n[admin]", 1))
	client := newClient(t)
	for _, tc := range []struct {
		method, path, host string
		status             int
		want               string
	}{
		{"GET", "/ready", "", 200, "ready\n"},
		{"GET", "/-/ready", "", 200, "ready\n"},
		{"GET", "/healthy", "", 200, "alive"},
		{"GET", "/-/healthy", "", 200, "alive"},
		{"GET", "/", "", 200, "<h1>headgate</h1>"},
		{"GET", "/config", "", 200, `password = "<secret>"`},
		{"GET", "/status", "", 200, `"path": "/api/v1/push"`},
		{"POST", "/reload", "", 200, "reloaded"},
		{"POST", "/-/reload", "", 200, "reloaded"},
		{"GET", "/reload", "", 405, ""},
		{"GET", "/debug/pprof/", "", 200, "goroutine"},
		{"GET", "/debug/pprof/cmdline", "", 200, ""},
		{"GET", "/debug/pprof/goroutine?debug=2", "", 200, "headgate"},
		{"GET", "/debug/pprof/profile?seconds=1", "", 200, ""},
		{"GET", "/debug/pprof/trace?seconds=0.05", "", 200, ""},
		{"GET", "/metrics", "localhost", 200, "headgate_build_info{"},
		{"GET", "/metrics", "rebound.example", 421, "headgate: misdirected: "},
		{"POST", "/reload", "rebound.example", 421, ""},
	} {
		t.Run(tc.method+" "+tc.path+" "+tc.host, func(t *testing.T) {
			req, err := http.NewRequest(tc.method, r.adminURL(tc.path), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = tc.host
			response, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
				t.Errorf("answered %d %q, want %d with %q", response.StatusCode, body, tc.status, tc.want)
			}
			if strings.Contains(string(body), "hunter2") {
				t.Error("the answer holds a password")
			}
		})
	}
	if strings.Contains(r.log.String(), "hunter2") {
		t.Error("the log holds a password")
	}
	if !strings.Contains(r.log.String(), "level=INFO msg=") {
		t.Errorf("the log is not logfmt:\n%s", r.log)
	}
}

func TestPeersThatAreNotTrustedMayOnlyLook(t *testing.T) {
	r := start(t, strings.Replace(gate(everything("http://127.0.0.1:1")), "[admin]", "[admin]\ntrusted = [\"192.0.2.0/24\"]", 1))
	client := newClient(t)
	for path, status := range map[string]int{
		"/metrics": 200, "/ready": 200, "/healthy": 200, "/status": 200, "/": 200,
		"/config": 403, "/debug/pprof/heap": 403, "/debug/pprof/": 403,
	} {
		if a := (request{method: "GET", url: r.adminURL(path)}).must(t, client); a.status != status {
			t.Errorf("%s: %d, want %d", path, a.status, status)
		}
	}
	if a := (request{method: "POST", url: r.adminURL("/reload")}).must(t, client); a.status != 403 {
		t.Errorf("/reload: %d", a.status)
	}
	// Whom to trust is a setting like any other: the next configuration decides.
	r.write(gate(everything("http://127.0.0.1:1")))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if a := (request{method: "GET", url: r.adminURL("/config")}).must(t, client); a.status != 200 {
		t.Errorf("/config once trusted: %d", a.status)
	}
}

func TestStatusShowsWhatIsServed(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")+tenant("team-a", "prometheus-a", "one, rotated")))
	client := newClient(t)
	var status admin.Status
	if err := json.Unmarshal([]byte(request{method: "GET", url: r.adminURL("/status")}.must(t, client).body), &status); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(text)
	for _, tc := range []struct {
		what      string
		got, want any
	}{
		{"state", status.State, "running"},
		{"path", status.Config.Path, r.file},
		{"digest", status.Config.SHA256, hex.EncodeToString(digest[:])},
		{"last reload", status.Config.LastReload.Successful, true},
		{"restart required", len(status.Config.RestartRequired), 0},
		{"clients", status.Clients, 1},
		{"listen", fmt.Sprint(status.Listen), fmt.Sprint(r.Addrs())},
		{"upstreams", len(status.Upstreams), 1},
		{"hosts", len(status.Upstreams[0].Hosts), 1},
		{"host", status.Upstreams[0].Hosts[0].Address, strings.TrimPrefix(cortex.URL, "http://")},
		{"available", status.Upstreams[0].Hosts[0].Available, true},
		{"host's state", status.Upstreams[0].Hosts[0].State, admin.HostUp},
		{"connections", status.Upstreams[0].Hosts[0].MaxConnections, 512},
		{"attention", len(status.Attention), 0},
		{"credentials", status.Credentials.Total, 2},
		{"last use", status.Credentials.Shown[0].LastUsed == nil, true},
		{"sources", len(status.Sources), 1},
	} {
		if tc.got != tc.want {
			t.Errorf("%s is %v, want %v", tc.what, tc.got, tc.want)
		}
	}
	if len(status.Routes) != len(r.current.Load().snapshot.Routes()) {
		t.Errorf("%d routes are shown, %d are open", len(status.Routes), len(r.current.Load().snapshot.Routes()))
	}
	if status.UptimeSeconds <= 0 || status.Config.Loaded.IsZero() || status.Version == "" {
		t.Errorf("uptime, load time or version is missing: %+v", status)
	}
}

// TestStatusShowsWhatHappens: traffic by route, tenant and host, the last use of a credential, and what a reload changed.
func TestStatusShowsWhatHappens(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")))
	client := newClient(t)
	for _, password := range []string{"one", "one", "wrong"} {
		request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: password}.must(t, client)
	}
	r.write(gate("[log]\nlevel = \"debug\"\n" + everything(cortex.URL) + tenant("team-a", "prometheus-a", "one")))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	// A request is counted when its answer has been sent.
	var status admin.Status
	for attempt := 0; status.Requests < 3 && attempt < 1000; attempt++ {
		status = admin.Status{}
		if err := json.Unmarshal([]byte(request{method: "GET", url: r.adminURL("/status")}.must(t, client).body), &status); err != nil {
			t.Fatal(err)
		}
	}
	host := status.Upstreams[0].Hosts[0]
	push := status.Uses[slices.IndexFunc(status.Uses, func(u admin.Use) bool { return u.Route == "api_v1_push" })]
	for _, tc := range []struct {
		what      string
		got, want any
	}{
		{"all requests", status.Requests, uint64(3)},
		{"refused", status.Refused, uint64(1)},
		{"pushes", push.Requests, uint64(3)},
		{"their scope", push.Scope, "write"},
		{"the host's", host.Requests, uint64(2)},
		{"errors", host.Errors, uint64(0)},
		{"tenants", len(status.Tenants), 1},
		{"the tenant's", status.Tenants[0].Requests, uint64(2)},
		{"used", status.Credentials.Shown[0].LastUsed != nil, true},
		{"changes", strings.Join(status.Config.LastReload.Changes, "; "), `log.level: "info" → "debug"`},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", tc.what, tc.got, tc.want)
		}
	}
	if status.RequestsPerSecond <= 0 || host.RequestsPerSecond <= 0 || push.LatencySeconds <= 0 {
		t.Errorf("nothing is measured: %+v", status)
	}

	// A host that is gone is said to be, and so is a configuration that is refused.
	cortex.end()
	for range 4 {
		request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one"}.must(t, client)
	}
	r.write("[server]\nlistn = 1\n")
	r.Reload()
	page := strings.ReplaceAll(request{method: "GET", url: r.adminURL("/")}.must(t, client).body, "<wbr>", "")
	for level, problem := range map[string]string{"ERROR": "error: server.listn", "WARN": "warning: tenants"} {
		said := linesOf(t, r.log, func(line map[string]any) bool {
			text, _ := line["problem"].(string)
			return strings.HasPrefix(text, problem) && line["msg"] == "configuration not reloaded, the one in use stays"
		})
		if len(said) != 1 || said[0]["level"] != level {
			t.Errorf("%s: the log has %v, want one line of level %s", problem, said, level)
		}
	}
	for _, want := range []string{"no host of all is up", "passed over", "its requests fail", "not all that the configuration of", "server.listn"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
}

func TestMetricsNameTheBuildAndTheConfiguration(t *testing.T) {
	r := start(t, gate(everything("http://127.0.0.1:1")))
	client := newClient(t)
	first := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
	for _, series := range []string{
		"headgate_build_info{version=", "cortex_build_info{version=", "headgate_config_last_reload_successful 1\n",
		"headgate_config_last_reload_success_timestamp_seconds ", "headgate_config_restart_required 0\n", "headgate_draining 0\n",
		`headgate_config_hash{sha256="` + r.current.Load().digest + `"} 1`, "go_goroutines ", "process_start_time_seconds ",
		"headgate_auth_credentials 0\n",
	} {
		if !strings.Contains(first, series) {
			t.Errorf("the metrics have no %s", series)
		}
	}
	r.write(gate(everything("http://127.0.0.1:1") + tenant("team-a", "prometheus-a", "one")))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	second := request{method: "GET", url: r.adminURL("/metrics")}.must(t, client).body
	if n := strings.Count(second, "headgate_config_hash{"); n != 1 || !strings.Contains(second, r.current.Load().digest) {
		t.Errorf("%d digests are exported after a reload, want that of the file in use", n)
	}
}
