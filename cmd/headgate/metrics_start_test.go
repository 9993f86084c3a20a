package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// later are the families whose series may come after the start (ADR 6), with what they come with. Whatever else a client
// can cause is there before it does, or its first increase would be seen by nobody.
var later = map[string]string{
	"cortex_request_duration_seconds":                     "a status that the route has not given yet",
	"headgate_tenant_requests_total":                      "the tenant's first request",
	"headgate_tenant_request_body_bytes_total":            "the tenant's first request",
	"headgate_tenant_refusals_total":                      "what the tenant is refused for the first time",
	"headgate_tenant_admitted_requests":                   "the first request of a tenant with limits",
	"headgate_tenant_admitted_requests_limit":             "the first request of a tenant with limits",
	"headgate_tenant_requests_per_second_limit":           "the first request of a tenant with limits",
	"headgate_tenant_request_body_bytes_per_second_limit": "the first request of a tenant with limits",
	"headgate_credential_last_use_timestamp_seconds":      "the credential's first use",
	"headgate_key_last_use_timestamp_seconds":             "the key's first use",
}

// seriesOf are the series of a scrape, without their values.
func seriesOf(t *testing.T, r *running) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for line := range strings.Lines(metricsOf(t, r)) {
		if parts := sample.FindStringSubmatch(strings.TrimSuffix(line, "\n")); parts != nil {
			found[parts[1]+parts[2]] = true
		}
	}
	return found
}

// moody answers with the status that a query asks for in "status", a push in its body, and cuts answers of status 0.
func moody(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := 200
		body, _ := io.ReadAll(r.Body)
		for _, asked := range []string{r.URL.Query().Get("status"), string(body)} {
			_, _ = fmt.Sscan(asked, &status)
		}
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestWhatAClientCanCauseHasItsSeriesFromTheStart does all that a client can do, and compares the series with those that
// were there before.
func TestWhatAClientCanCauseHasItsSeriesFromTheStart(t *testing.T) {
	cortex := moody(t)
	r := start(t, gate("[auth.jwt]\nsecret = \""+tokenSecret+"\"\n[limits.tenants.team-b]\nrequests_per_second = 0.1\nmax_in_flight = 1\n")+
		strings.NewReplacer("[upstreams.all]", "[upstreams.all]\nmax_fails = 0").Replace(everything(cortex.URL))+
		tenant("team-a", "prometheus-a", "one")+"write_tenants = [\"team-a\"]\n"+
		tenant("team-a", "reader-a", "one")+"scopes = [\"read\"]\n"+
		tenant("team-b", "prometheus-b", "two")+"expires = 2999-01-01T00:00:00Z\n"+
		tenant("team-c", "gone", "three")+"expires = 2001-01-01T00:00:00Z\n"+
		"[[tenants]]\nid = \"team-d\"\ntoken = \"static-token-of-some-length-0123456789\"\n"+
		"[[routes]]\npath = \"/api/v1/push\"\nupstream = \"all\"\nmax_body_size = \"1KiB\"\nmax_in_flight = 5\n")
	before := seriesOf(t, r)

	address := r.Addrs()[0].String()
	as := func(user, password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
	}
	good, host := as("prometheus-a", "one"), "Host: gw.test\r\n"
	raw := []string{
		"junk\r\n\r\n",
		"POST /api/v1/push HTTP/3.0\r\n" + host + "\r\n",
		"POST /api/v1/push HTTP/1.1\r\n" + host + "Expect: more\r\nContent-Length: 0\r\n\r\n",
		"POST /api/v1/push HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
		"POST /api/v1/push HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"POST //api/v1/push HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n",
		"GET /prometheus//api HTTP/1.1\r\n" + host + "\r\n",
		"GET /healthz HTTP/1.1\r\n" + host + "\r\n",
		"BREW /coffee HTTP/1.1\r\n" + host + good + "\r\n",
		"POST /api/v1/push HTTP/1.1\r\n" + host + good + "Retry-Attempt: 1\r\nContent-Length: 9999\r\n\r\n" + strings.Repeat("a", 9999),
		"POST /api/v1/push HTTP/1.1\r\n" + host + good + "X-Scope-OrgID: a||b\r\nContent-Length: 0\r\n\r\n",
		"POST /api/v1/push HTTP/1.1\r\n" + host + good + "X-Scope-OrgID: team-z\r\nContent-Length: 0\r\n\r\n",
		"DELETE /api/v1/rules/ns HTTP/1.1\r\n" + host + good + "Origin: http://elsewhere.example\r\n\r\n",
		"POST /api/v1/push HTTP/1.1\r\n" + host + good + "Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\n" + host + "Authorization: Bearer no.token.atall\r\n\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\n" + host + "Authorization: Bearer static-token-of-some-length-0123456789\r\n\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\n" + host + "Authorization: Bearer " + signedToken(t, "team-t") + "\r\n\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\n" + host + "Authorization: Bearer " + signedToken(t, "no|tenant") + "\r\n\r\n",
		"GET /prometheus/api/v1/query HTTP/1.1\r\n" + host + "Authorization: Digest x\r\n\r\n",
	}
	for _, who := range []string{good, as("reader-a", "one"), as("prometheus-b", "two"), as("prometheus-a", "wrong"), as("gone", "three"), ""} {
		for _, line := range []string{"GET /prometheus/api/v1/query", "GET /api/v1/rules", "GET /alertmanager/api/v2/status", "DELETE /api/v1/rules/ns",
			"POST /alertmanager/api/v2/silences", "PATCH /prometheus/api/v1/query", "GET /ingester/ring", "POST /api/v1/push", "POST /api/v1/otlp/v1/metrics"} {
			raw = append(raw, line+" HTTP/1.1\r\n"+host+who+"Content-Length: 0\r\n\r\n")
		}
	}
	for _, status := range []int{0, 204, 301, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 501, 502, 503, 504, 599} {
		for _, line := range []string{"GET /prometheus/api/v1/query?status=%d", "GET /prometheus/api/v1/rules?status=%d", "DELETE /api/v1/rules/ns?status=%d",
			"GET /alertmanager/x?status=%d", "POST /alertmanager/x?status=%d"} {
			raw = append(raw, fmt.Sprintf(line, status)+" HTTP/1.1\r\n"+host+good+"\r\n")
		}
		body := fmt.Sprint(status)
		for _, path := range []string{"/api/v1/push", "/api/v1/otlp/v1/metrics"} {
			raw = append(raw, fmt.Sprintf("POST %s HTTP/1.1\r\n%s%sContent-Length: %d\r\n\r\n%s", path, host, good, len(body), body))
		}
	}
	for _, one := range raw {
		exchange(t, address, strings.Replace(one, " HTTP/1.1\r\n", " HTTP/1.1\r\nConnection: close\r\n", 1))
	}
	half, err := net.Dial("tcp", address) // a client that goes away in the middle
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(half, "POST /api/v1/push HTTP/1.1\r\n"+host+good+"Content-Length: 100\r\n\r\nhalf")
	_ = half.Close()
	cortex.Close()
	exchange(t, address, "POST /api/v1/push HTTP/1.1\r\nConnection: close\r\n"+host+good+"Content-Length: 0\r\n\r\n")
	eventually(t, "every request is counted", func() bool { return r.proxy.InFlight() == 0 })

	all := families()
	for series := range seriesOf(t, r) {
		name, _, _ := strings.Cut(series, "{")
		f, ok := familyOf(name)
		if !ok {
			f = all[name[:strings.LastIndex(name, "_")]]
		}
		if _, may := later[f.Name]; !before[series] && !may {
			t.Errorf("%s was not there before it was caused", series)
		}
	}
	// This says something only as far as clients did cause things.
	reasons := make(map[string]bool)
	for line := range strings.Lines(metricsOf(t, r)) {
		if parts := sample.FindStringSubmatch(strings.TrimSuffix(line, "\n")); parts != nil && parts[1] == "headgate_refusals_total" && !strings.HasSuffix(line, " 0\n") {
			reasons[strings.Split(parts[2], `"`)[1]] = true
		}
	}
	if len(reasons) < 30 {
		t.Errorf("requests were refused for %d reasons, want 30 and more: %v", len(reasons), reasons)
	}
}
