package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/cmd/headgate/exposition"
)

// busy is a gateway that shows every metric there is: it has all that some series need, and has had requests.
func busy(t *testing.T) *running {
	t.Helper()
	runtime.GC()
	certified := newCertified(t)
	cortex := newUpstream(t)
	r := start(t, withTLS(certified.table(`listen = "127.0.0.1:0"`), everything(strings.Replace(cortex.URL, "127.0.0.1", "localhost", 1))+tenant("team-a", "prometheus-a", "one")+
		"expires = 2999-01-01T00:00:00Z\n[tenants.limits]\nmax_in_flight = 100\nrequests_per_second = 500.5\n[auth.jwt]\nsecret = \""+tokenSecret+"\"\n"+
		"[[routes]]\npath = \"/api/v1/push\"\nupstream = \"all\"\nmax_in_flight = 10\n"))
	client := newClient(t)
	for _, want := range []struct {
		request
		status int
	}{
		{request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "samples"}, 200},
		{request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "two", body: "samples"}, 401},
		{request{method: "POST", url: r.url("/api/v1/push"), token: signedToken(t, "team-a"), body: "samples"}, 200},
		{request{method: "GET", url: r.url("/prometheus/api/v1/query?query=up"), user: "prometheus-a", password: "one"}, 200},
		{request{method: "GET", url: r.url("/no/such/route"), user: "prometheus-a", password: "one"}, 404},
	} {
		if a := want.request.must(t, client); a.status != want.status {
			t.Fatalf("%s %s: %d %q, want %d", want.method, want.url, a.status, a.body, want.status)
		}
	}
	eventually(t, "every request is counted, which is so behind its answer", func() bool { return r.proxy.InFlight() == 0 })
	return r
}

// metricsOf is what /metrics answers.
func metricsOf(t *testing.T, r *running) string {
	t.Helper()
	return request{method: "GET", url: r.adminURL("/metrics")}.must(t, newClient(t)).body
}

var (
	sample    = regexp.MustCompile(`^([a-z_0-9]+)(\{.*\})? [0-9.e+-]+$`)
	labelName = regexp.MustCompile(`[{,]([a-z_0-9]+)="`)
)

// TestMetricsAreThoseOfTheTable: what the program exports and what the table of package exposition says of it, which the
// documents, the dashboard and the alerts are checked against, are one and the same.
func TestMetricsAreThoseOfTheTable(t *testing.T) {
	families := make(map[string]exposition.Family)
	for _, section := range exposition.Table() {
		for _, f := range section.Families {
			families[f.Name] = f
		}
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(metricsOf(t, busy(t))) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := sample.FindStringSubmatch(line)
		if parts == nil {
			t.Errorf("%q is no sample", line)
			continue
		}
		name := parts[1]
		f, known := families[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base, ok := strings.CutSuffix(name, suffix); !known && ok {
				f, known = families[base]
			}
		}
		if !known {
			t.Errorf("%s is not in the table: give it a line in cmd/headgate/exposition, with its help text", name)
			continue
		}
		seen[f.Name] = true
		var labels []string
		for _, m := range labelName.FindAllStringSubmatch(parts[2], -1) {
			if m[1] != "le" && m[1] != "quantile" {
				labels = append(labels, m[1])
			}
		}
		want := slices.Sorted(slices.Values(f.Labels))
		if slices.Sort(labels); !slices.Equal(labels, want) {
			t.Errorf("%s has the labels %v, the table says %v", name, labels, want)
		}
	}
	for name := range families {
		if !seen[name] {
			t.Errorf("%s is in the table and is not exported", name)
		}
	}
}

// TestTheEndOfACredentialIsExported with its value: who counts the days relies on it.
func TestTheEndOfACredentialIsExported(t *testing.T) {
	at := time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	want := fmt.Sprintf("\nheadgate_credential_expiry_timestamp_seconds{tenant=\"team-a\",client=\"prometheus-a\",source=\"configuration file\",where=\"headgate.toml: tenants[0]\"} %d\n", at)
	if text := metricsOf(t, busy(t)); !strings.Contains(text, want) {
		t.Errorf("/metrics has no %s", want)
	}
}

// TestMetricsPassPromtool lets Prometheus's own tool look at a scrape.
func TestMetricsPassPromtool(t *testing.T) {
	needProgram(t, "promtool")
	command := exec.Command("promtool", "check", "metrics")
	command.Stdin = strings.NewReader(metricsOf(t, busy(t)))
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestNamesOfMetricsAreWritten compares the table with the golden file, where a changed name is seen, and with
// docs/metrics.md, where it is explained; make golden rewrites both.
func TestNamesOfMetricsAreWritten(t *testing.T) {
	var golden, page strings.Builder
	for _, section := range exposition.Table() {
		fmt.Fprintf(&page, "\n## %s\n\n| metric | type | labels | what it tells |\n|---|---|---|---|\n", section.Title)
		for _, f := range section.Families {
			fmt.Fprintf(&golden, "%s{%s} %s\n  %s\n", f.Name, strings.Join(f.Labels, ","), f.Kind, f.Help)
			labels := ""
			if len(f.Labels) > 0 {
				labels = "`" + strings.Join(f.Labels, "`, `") + "`"
			}
			help := strings.ReplaceAll(f.Help, "|", `\|`)
			if f.When != "" {
				help += " (only where " + f.When + ")"
			}
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", f.Name, f.Kind, labels, help)
		}
	}
	rewritten(t, filepath.Join("testdata", "metrics.txt"), golden.String())
	path := filepath.Join(repository, "docs", "metrics.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "<!-- generated: metrics -->\n"
	before, _, found := strings.Cut(string(text), begin)
	if !found {
		t.Fatalf("%s has no place for the table", path)
	}
	rewritten(t, path, before+begin+page.String())
}

// rewritten wants a file to hold a text, or with -update writes it.
func rewritten(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s is not what the code makes of it (%v); run make golden and read the difference", path, err)
	}
}
