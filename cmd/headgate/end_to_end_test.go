package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestPushAndQueryReachTheUpstreamAsTheirTenant(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")+tenant("team-b", "prometheus-b", "two")))
	client := newClient(t)

	for _, tc := range []struct {
		name string
		request
		status int
		body   string // the answer's, or part of it
		got    *seenRequest
	}{
		{
			name:    "a push",
			request: request{method: "POST", url: "/api/v1/push", user: "prometheus-a", password: "one", body: "samples"},
			status:  200, body: "for team-a",
			got: &seenRequest{Method: "POST", Path: "/api/v1/push", Tenant: "team-a", Body: "samples"},
		},
		{
			name:    "an alias of the push",
			request: request{method: "POST", url: "/prometheus/api/v1/push", user: "prometheus-b", password: "two", body: "samples"},
			status:  200, body: "for team-b",
			got: &seenRequest{Method: "POST", Path: "/api/v1/push", Tenant: "team-b", Body: "samples"},
		},
		{
			name:    "a query, its query string byte for byte",
			request: request{method: "GET", url: "/prometheus/api/v1/query?query=up%7B%7D&&time=", user: "prometheus-a", password: "one"},
			status:  200, body: "for team-a",
			got: &seenRequest{Method: "GET", Path: "/prometheus/api/v1/query", Query: "query=up%7B%7D&&time=", Tenant: "team-a"},
		},
		{
			name:    "a tenant of the client's own choice",
			request: request{method: "GET", url: "/prometheus/api/v1/labels", user: "prometheus-a", password: "one", tenant: "team-b"},
			status:  200, body: "for team-a",
			got: &seenRequest{Method: "GET", Path: "/prometheus/api/v1/labels", Tenant: "team-a"},
		},
		{
			name:    "an escaped rule namespace",
			request: request{method: "GET", url: "/api/v1/rules/a%2Fb/c", user: "prometheus-a", password: "one"},
			status:  200, body: "for team-a",
			got: &seenRequest{Method: "GET", Path: "/api/v1/rules/a%2Fb/c", Tenant: "team-a"},
		},
		{name: "no credential", request: request{method: "POST", url: "/api/v1/push"}, status: 401, body: "headgate: unauthorized: "},
		{name: "a wrong password", request: request{method: "POST", url: "/api/v1/push", user: "prometheus-a", password: "two"}, status: 401, body: "headgate: unauthorized: "},
		{name: "a path that is not routed", request: request{method: "GET", url: "/ingester/ring", user: "prometheus-a", password: "one"}, status: 404, body: "headgate: no_route: "},
		{name: "the health path", request: request{method: "GET", url: "/healthz"}, status: 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(cortex.seen())
			tc.url = r.url(tc.url)
			a := tc.must(t, client)
			if a.status != tc.status || !strings.Contains(a.body, tc.body) {
				t.Errorf("answered %d %q, want %d %q", a.status, a.body, tc.status, tc.body)
			}
			got := cortex.seen()[before:]
			switch {
			case tc.got == nil && len(got) > 0:
				t.Errorf("the upstream saw %+v", got)
			case tc.got != nil && len(got) != 1:
				t.Errorf("the upstream saw %d requests, want one", len(got))
			case tc.got != nil:
				got[0].UserAgent = ""
				if got[0] != *tc.got {
					t.Errorf("the upstream saw\n%+v, want\n%+v", got[0], *tc.got)
				}
			}
		})
	}
}

func TestAnswersNameTheGatewayOnlyWhenTheyAreItsOwn(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")))
	client := newClient(t)
	theirs := request{method: "GET", url: r.url("/prometheus/api/v1/labels"), user: "prometheus-a", password: "one"}.must(t, client)
	if reason := theirs.header.Get("X-Headgate-Reason"); reason != "" {
		t.Errorf("an answer of the upstream has the reason %q", reason)
	}
	ours := request{method: "GET", url: r.url("/prometheus/api/v1/labels")}.must(t, client)
	if reason := ours.header.Get("X-Headgate-Reason"); reason != "unauthorized" {
		t.Errorf("a refusal has the reason %q", reason)
	}
	if challenge := ours.header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, `Basic realm="headgate"`) {
		t.Errorf("a 401 asks for %q", challenge)
	}
	for _, a := range []answer{theirs, ours} {
		if a.header.Get("X-Request-Id") == "" {
			t.Errorf("an answer has no X-Request-ID: %v", a.header)
		}
	}
}

func TestAnUpstreamThatCannotBeResolvedIs503OnItsRoutesOnly(t *testing.T) {
	cortex := newUpstream(t)
	r := start(t, gate(`[dns]
servers = ["127.0.0.1:1"]
[upstreams.distributor]
url = "http://distributor.invalid:9009"
[upstreams.query-frontend]
url = "`+cortex.URL+`"
idle_timeout = "50ms"
`+tenant("team-a", "prometheus-a", "one")))
	client := newClient(t)
	push := request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one"}.must(t, client)
	if push.status != http.StatusServiceUnavailable || !strings.HasPrefix(push.body, "headgate: no_host: ") {
		t.Errorf("a push was answered %d %q", push.status, push.body)
	}
	query := request{method: "GET", url: r.url("/prometheus/api/v1/query?query=up"), user: "prometheus-a", password: "one"}.must(t, client)
	if query.status != http.StatusOK {
		t.Errorf("a query was answered %d %q", query.status, query.body)
	}
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, client); ready.status != 200 ||
		!strings.Contains(ready.body, "upstream distributor: no host is known") {
		t.Errorf("/ready: %d %q", ready.status, ready.body)
	}
}
