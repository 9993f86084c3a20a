package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// fleet is the usual deployment: two teams, each with a Prometheus that writes
// through headgate into one Cortex.
type fleet struct {
	cortex  *cortex
	gateway *gateway
	teams   []team
}

// team is one tenant with its Prometheus and what that scrapes.
type team struct {
	tenant     string
	other      string // the tenant it must never see
	prometheus *prometheus
	target     *target
	reader     caller
}

// startFleet starts all of it. Both targets have the same metrics, so that only
// the tenant keeps them apart. Cortex has tenant federation on: it would serve
// "team-a|team-b" if such a header ever reached it.
func startFleet(t *testing.T) *fleet {
	t.Helper()
	needPrograms(t)
	needHeadgate(t)
	f := &fleet{}
	f.cortex = startCortex(t, cortexOptions{Federation: true})
	f.gateway = startHeadgate(t, gatewayOptions{Upstreams: []string{f.cortex.url}, Federation: true})

	a := team{tenant: "team-a", other: "team-b", target: startTarget(t), reader: f.gateway.as("reader-a")}
	a.prometheus = startPrometheus(t, "prometheus-a", prometheusOptions{
		Owner:  "team-a",
		Target: a.target.addr,
		Write:  &endpoint{caller: f.gateway.as("prometheus-a"), Path: "/api/v1/push"},
	})
	b := team{tenant: "team-b", other: "team-a", target: startTarget(t), reader: f.gateway.as("reader-b")}
	b.prometheus = startPrometheus(t, "agent-b", prometheusOptions{
		Agent:  true,
		Owner:  "team-b",
		Target: b.target.addr,
		Write: &endpoint{
			caller: f.gateway.as("prometheus-b"), Path: "/api/prom/push",
			PasswordFile: passwordFile(t, passwordB),
		},
	})
	f.teams = []team{a, b}
	return f
}

func TestTwoTenants(t *testing.T) {
	f := startFleet(t)
	for _, team := range f.teams {
		t.Run(team.tenant+" sees its own series and no other", team.seesItsOwnSeries)
		t.Run(team.tenant+" has its exemplars", team.hasItsExemplars)
		t.Run(team.tenant+" has its metadata", team.hasItsMetadata)
		t.Run(team.tenant+" is read by a third Prometheus", team.isReadByPrometheus)
		t.Run(team.tenant+" cannot name another tenant", team.cannotNameAnother)
	}
	t.Run("a bad credential is refused", f.refusesBadCredentials)
	t.Run("a credential that only writes cannot read", f.keepsScopes)
	for _, team := range f.teams {
		t.Run("every sample of "+team.tenant+" arrives", func(t *testing.T) { f.losesNothing(t, team) })
	}
}

// seesItsOwnSeries asks with each of promtool's queries.
func (m team) seesItsOwnSeries(t *testing.T) {
	want := m.target.series(m.tenant)
	eventually(t, "promtool query series", func() error {
		var got []labelSet
		if err := m.promtoolJSON(&got, "series", `--match={__name__=~".+"}`); err != nil {
			return err
		}
		return difference(texts(got), want)
	})

	// promtool takes whole seconds: the last one must not end before the data.
	end := time.Now().Add(time.Minute)
	start := end.Add(-2 * time.Minute)
	for _, query := range []struct {
		name string
		kind string
		args []string
		want []string // nil: all series
	}{
		{"instant", "instant", []string{`{__name__=~".+"}`}, want},
		{"instant, the other's", "instant", []string{`{owner="` + m.other + `"}`}, nil},
		{"range", "range", []string{
			fmt.Sprint("--start=", start.Unix()), fmt.Sprint("--end=", end.Unix()), "--step=1s", `{__name__=~".+"}`,
		}, want},
		{"range, the other's", "range", []string{
			fmt.Sprint("--start=", start.Unix()), fmt.Sprint("--end=", end.Unix()), "--step=1s", `{owner="` + m.other + `"}`,
		}, nil},
	} {
		var got []struct{ Metric labelSet }
		if err := m.promtoolJSON(&got, query.kind, query.args...); err != nil {
			t.Errorf("%s: %v", query.name, err)
			continue
		}
		var series []string
		for _, s := range got {
			series = append(series, s.Metric.String())
		}
		if err := difference(series, query.want); err != nil {
			t.Errorf("%s: %v", query.name, err)
		}
	}

	var owners []string
	if err := m.promtoolJSON(&owners, "labels", "owner"); err != nil {
		t.Error(err)
	} else if !slices.Equal(owners, []string{m.tenant}) {
		t.Errorf("promtool query labels owner: %q, want only %q", owners, m.tenant)
	}
}

// hasItsExemplars looks for the trace IDs that the target gave out.
func (m team) hasItsExemplars(t *testing.T) {
	values := url.Values{"query": {`{__name__=~"shop_.+"}`}, "start": {"0"}, "end": {fmt.Sprint(time.Now().Add(time.Hour).Unix())}}
	eventually(t, "exemplars", func() error {
		var got []struct {
			SeriesLabels labelSet
			Exemplars    []struct{ Labels labelSet }
		}
		if err := m.reader.queryJSON(&got, "query_exemplars", values); err != nil {
			return err
		}
		var of []string
		for _, s := range got {
			if s.SeriesLabels["owner"] != m.tenant {
				t.Fatalf("exemplars of another tenant: %v", s.SeriesLabels)
			}
			if len(s.Exemplars) > 0 && strings.HasPrefix(s.Exemplars[0].Labels["trace_id"], "trace-") {
				of = append(of, s.SeriesLabels["__name__"])
			}
		}
		slices.Sort(of)
		return difference(of, []string{"shop_latency_seconds_bucket", "shop_requests_total"})
	})
}

// hasItsMetadata looks for the help text, which Prometheus sends apart.
func (m team) hasItsMetadata(t *testing.T) {
	eventually(t, "metadata", func() error {
		var got map[string][]struct{ Type, Help string }
		if err := m.reader.queryJSON(&got, "metadata", nil); err != nil {
			return err
		}
		for name, entries := range got {
			if strings.HasPrefix(name, "shop_requests") && entries[0].Type == "counter" && entries[0].Help == "Requests served." {
				return nil
			}
		}
		return fmt.Errorf("no shop_requests in %v", got)
	})
}

// isReadByPrometheus asks a Prometheus that has no data of its own and reads
// from the gateway.
func (m team) isReadByPrometheus(t *testing.T) {
	third := startPrometheus(t, "third-"+m.tenant, prometheusOptions{
		Read: &endpoint{caller: m.reader, Path: "/prometheus/api/v1/read"},
	})
	eventually(t, "remote read", func() error {
		var got struct{ Result []struct{ Metric labelSet } }
		err := caller{url: third.url}.get(&got, "/api/v1/query?"+url.Values{"query": {`{__name__=~".+"}`}}.Encode())
		if err != nil {
			return err
		}
		var series []string
		for _, s := range got.Result {
			series = append(series, s.Metric.String())
		}
		return difference(series, m.target.series(m.tenant))
	})
	said, err := third.metrics()
	if err != nil {
		t.Fatal(err)
	}
	if n := said.sum("prometheus_remote_storage_read_queries_total", "code", "200"); n == 0 {
		t.Error("the third Prometheus says that no remote read succeeded")
	}
}

// cannotNameAnother reads with a claim to be the other tenant.
func (m team) cannotNameAnother(t *testing.T) {
	for _, claim := range claims(m.tenant, m.other) {
		req, err := m.reader.request(http.MethodGet, "/prometheus/api/v1/label/owner/values", nil)
		if err != nil {
			t.Fatal(err)
		}
		claim.add(req)
		got, err := do(req)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Data []string }
		if err := json.Unmarshal(got.body, &answer); err != nil || !slices.Equal(answer.Data, []string{m.tenant}) {
			t.Errorf("with %s: owners are %s, want only %s", claim, got, m.tenant)
		}
	}
}

// refusesBadCredentials expects 401, for the headgate's own reason, on a write
// and on a read.
func (f *fleet) refusesBadCredentials(t *testing.T) {
	for _, c := range []caller{
		{url: f.gateway.url, user: "prometheus-a", password: "wrong"},
		{url: f.gateway.url, user: "prometheus-b", password: passwordA},
		{url: f.gateway.url, user: "reader-a", password: passwordA + "\n"},
		{url: f.gateway.url, user: "nobody", password: passwordA},
		{url: f.gateway.url, user: "", password: ""},
	} {
		for _, request := range []struct{ method, path string }{
			{http.MethodPost, "/api/v1/push"},
			{http.MethodGet, "/prometheus/api/v1/query?query=up"},
			{http.MethodGet, "/no/such/path"},
		} {
			got := c.call(t, request.method, request.path, "")
			if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" || got.header.Get("X-Headgate-Reason") == "" {
				t.Errorf("%s %s as %q with a bad password: %s %v, want 401 with a challenge and a reason",
					request.method, request.path, c.user, got, got.header)
			}
		}
	}
}

// keepsScopes reads with a credential that may only write.
func (f *fleet) keepsScopes(t *testing.T) {
	got := f.gateway.as("push-only").call(t, http.MethodGet, "/prometheus/api/v1/query?query=up", "")
	if got.status != http.StatusForbidden || got.header.Get("X-Headgate-Reason") == "" {
		t.Errorf("a read with scope write: %s, want 403 with a reason", got)
	}
}

// losesNothing lets the Prometheus finish and then compares four counts: what it
// has taken in, what it says it sent, what Cortex says came, and what Cortex
// holds.
func (f *fleet) losesNothing(t *testing.T, m team) {
	eventually(t, "some scrapes", func() error {
		if n := m.target.scrapes.Load(); n < 50 {
			return fmt.Errorf("%d so far", n)
		}
		return nil
	})
	m.prometheus.stopScraping(t)
	var said metrics
	eventually(t, "as many samples in Cortex as in Prometheus", func() error {
		var err error
		if said, err = m.prometheus.metrics(); err != nil {
			return err
		}
		at, err := readMetrics(f.cortex.url + "/metrics")
		if err != nil {
			return err
		}
		held, err := m.reader.rawSamples()
		if err != nil {
			return err
		}
		taken := int(said.sum("prometheus_tsdb_head_samples_appended_total") + said.sum("prometheus_agent_samples_appended_total", "type", "float"))
		sent := int(said.sum("prometheus_remote_storage_samples_total"))
		came := int(at.sum("cortex_distributor_received_samples_total", "user", m.tenant))
		pending := int(said.sum("prometheus_remote_storage_samples_pending"))
		targets := int(said.sum("prometheus_sd_discovered_targets", "config", "shop"))
		if pending != 0 || targets != 0 || taken == 0 || sent != taken || came != sent || held != sent {
			return fmt.Errorf("taken in %d, sent %d, came %d, held %d; %d pending, %d targets", taken, sent, came, held, pending, targets)
		}
		t.Logf("%s: %d samples taken in, sent, received and held", m.tenant, sent)
		return nil
	})
	for _, counter := range []string{
		"samples_failed", "samples_dropped", "samples_retried",
		"exemplars_failed", "exemplars_dropped", "exemplars_retried",
		"metadata_failed", "metadata_retried",
	} {
		if n := said.sum("prometheus_remote_storage_" + counter + "_total"); n != 0 {
			t.Errorf("%s: %s is %v, want 0", m.prometheus.name, counter, n)
		}
	}
	if said.sum("prometheus_remote_storage_exemplars_total") == 0 {
		t.Errorf("%s has sent no exemplars", m.prometheus.name)
	}
}

// promtoolJSON runs promtool as the team's reader and decodes what it prints.
func (m team) promtoolJSON(into any, kind string, args ...string) error {
	out, err := m.reader.promtool(kind, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("promtool query %s printed %q: %w", kind, out, err)
	}
	return nil
}

// texts are the label sets as texts.
func texts(sets []labelSet) []string {
	var all []string
	for _, s := range sets {
		all = append(all, s.String())
	}
	return all
}
