package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
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
		{"hosts", fmt.Sprint(status.Upstreams[0].Hosts), fmt.Sprintf("[{%s true 0 0 512}]", strings.TrimPrefix(cortex.URL, "http://"))},
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
