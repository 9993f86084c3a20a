package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/proxy"
)

// TestLimitsOfTenantsFollowTheFile: every place that limits can stand in has its effect, a reload changes them, and one
// that contradicts itself changes nothing.
func TestLimitsOfTenantsFollowTheFile(t *testing.T) {
	cortex := newUpstream(t)
	rest := everything(cortex.URL) + tenant("team-a", "a", "one") + tenant("team-b", "b", "one") + tenant("team-c", "c", "one")
	const never = "requests_per_second = 0.001\n"
	r := start(t, gate(rest+"[tenants.limits]\n"+never+ // of the last one
		"[limits]\nqueue_timeout = \"0s\"\n[limits.tenants.team-a]\nrequests_per_second = 1000\n[limits.tenant_default]\n"+never))
	client := newClient(t)
	statuses := func() (got string) {
		for _, user := range []string{"a", "b", "c"} {
			for range 2 {
				a := request{method: "POST", url: r.url("/api/v1/push"), user: user, password: "one", body: "x"}.must(t, client)
				got += map[int]string{200: "+", 503: "-"}[a.status]
				if a.status == 503 && (a.header.Get("X-Headgate-Reason") != "tenant_limited" || a.header.Get("Retry-After") == "") {
					t.Errorf("refused with %q, Retry-After %q", a.body, a.header.Get("Retry-After"))
				}
			}
		}
		return got
	}
	if got := statuses(); got != "+++-+-" {
		t.Errorf("at the start %s, want +++-+-", got)
	}
	r.write(gate(rest + "[limits]\nqueue_timeout = \"0s\"\nreject_status_writes = 503\n"))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := statuses(); got != "++++++" {
		t.Errorf("without limits %s, want ++++++", got)
	}
	r.write(gate(rest + "[tenants.limits]\n" + never + "[limits.tenants.team-c]\nmax_in_flight = 1\n"))
	if problems := r.Reload(); len(problems) != 1 || !strings.Contains(problems[0], "tenants[2].limits") {
		t.Errorf("a contradiction: %q", problems)
	}
	if got := statuses(); got != "++++++" {
		t.Errorf("after a contradiction %s, want ++++++", got)
	}
}

// TestLimitsOfTenantsInTokens: tenants that nobody configured have limits too, their own or those of all others, and a
// reload changes them. A token of several tenants counts for the first of them, whatever it names.
func TestLimitsOfTenantsInTokens(t *testing.T) {
	cortex := newUpstream(t)
	rest := everything(cortex.URL) + fmt.Sprintf("[auth.jwt]\nsecret = %q\n", tokenSecret) + "[limits]\nqueue_timeout = \"0s\"\n"
	const never = "requests_per_second = 0.001\n"
	r := start(t, gate(rest+"[limits.tenant_default]\n"+never+"[limits.tenants.team-b]\nrequests_per_second = 1000000\n"))
	client := newClient(t)
	several := signedBy(t, jwt.SigningMethodHS256, []byte(tokenSecret), jwt.MapClaims{
		"tenant_id": []string{"team-z", "team-y"}, "sub": "s", "exp": time.Now().Add(time.Hour).Unix(),
	})
	statuses := func() (got string) {
		for _, lines := range [][]string{
			{"Authorization: Bearer " + signedToken(t, "team-a")},
			{"Authorization: Bearer " + signedToken(t, "team-a")}, // another token of the tenant
			{"Authorization: Bearer " + signedToken(t, "team-b")},
			{"Authorization: Bearer " + signedToken(t, "team-b")},
			{several, "X-Scope-OrgID: team-z"},
			{several, "X-Scope-OrgID: team-y"},
			{"Authorization: Bearer " + signedToken(t, "team-y")},
			{"Authorization: Bearer " + signedToken(t, "team-z")},
		} {
			status, body := pushWith(t, client, r.url(""), lines...)
			got += map[int]string{200: "+", 503: "-"}[status]
			if status == 503 && !strings.Contains(body, "tenant_limited") {
				t.Errorf("refused with %q", body)
			}
		}
		return got
	}
	if got, want := statuses(), "+-+++--+"; got != want {
		t.Errorf("at the start %s, want %s", got, want)
	}
	r.write(gate(rest + "[limits.tenants.team-b]\n" + never))
	if problems := r.Reload(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, want := statuses(), "+++-++++"; got != want {
		t.Errorf("after the reload %s, want %s", got, want)
	}
}

// TestSourcesAgreeOnLimits: what two sources say of one tenant must be the same, and goes when neither says it any more.
func TestSourcesAgreeOnLimits(t *testing.T) {
	l := newTenantLimits(proxy.NewShares())
	one, two := config.TenantLimits{RequestsPerSecond: 1}, config.TenantLimits{RequestsPerSecond: 2}
	limits := func(l config.TenantLimits) map[string]config.TenantLimits {
		return map[string]config.TenantLimits{"team-a": l}
	}
	steps := []struct {
		source string
		limits map[string]config.TenantLimits
		fails  bool
	}{
		{"x", limits(one), false},
		{"y", limits(one), false},
		{"y", limits(two), true},
		{"x", limits(two), true}, // y still says one
		{"y", nil, false},
		{"x", limits(two), false},
		{"y", limits(one), true},
		{"x", nil, false},
		{"y", limits(one), false},
	}
	for i, step := range steps {
		err := l.replace(step.source, step.limits)
		if step.fails != (err != nil) {
			t.Errorf("step %d: %v", i, err)
		}
		if err != nil && (!strings.Contains(err.Error(), `"x"`) || !strings.Contains(err.Error(), `"y"`)) {
			t.Errorf("step %d: %v names not both sources", i, err)
		}
	}
	if len(l.sources) != 1 {
		t.Errorf("%d tenants have limits at the end, want one", len(l.sources))
	}
}

// TestLimitsAreAmendedTenantByTenant: what one tenant may not have is no other's concern, and a source that was refused
// says nothing of that tenant, so that it is in nobody's way.
func TestLimitsAreAmendedTenantByTenant(t *testing.T) {
	l := newTenantLimits(proxy.NewShares())
	one, two := config.TenantLimits{RequestsPerSecond: 1}, config.TenantLimits{RequestsPerSecond: 2}
	amend := func(refused string, changes map[string]*config.TenantLimits) {
		t.Helper()
		var got []string
		for tenant, err := range l.amend("etcd", changes) {
			got = append(got, tenant)
			if !strings.Contains(err.Error(), `"etcd"`) || !strings.Contains(err.Error(), `"file"`) {
				t.Errorf("%v names not both sources", err)
			}
		}
		if strings.Join(got, " ") != refused {
			t.Errorf("refused are %q, want %q", got, refused)
		}
	}
	file := func(limits config.TenantLimits) {
		t.Helper()
		if err := l.replace("file", map[string]config.TenantLimits{"team-a": limits}); err != nil {
			t.Error(err)
		}
	}
	file(one)
	amend("", map[string]*config.TenantLimits{"team-a": &one, "team-b": &one})
	amend("team-a", map[string]*config.TenantLimits{"team-a": &two, "team-b": &two, "team-c": &two})
	file(two) // etcd says nothing of it any more
	amend("", map[string]*config.TenantLimits{"team-a": &two, "team-c": nil, "team-d": nil})
	if said := l.said["etcd"]; len(said) != 2 || said["team-a"] != two || said["team-b"] != two {
		t.Errorf("etcd says %v", said)
	}
	if err := l.replace("file", nil); err != nil || len(l.sources) != 2 {
		t.Errorf("%v; %d tenants have limits, want two", err, len(l.sources))
	}
	if err := l.replace("etcd", nil); err != nil || len(l.sources) != 0 {
		t.Errorf("%v; %d tenants have limits at the end, want none", err, len(l.sources))
	}
}
