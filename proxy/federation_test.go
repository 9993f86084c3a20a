package proxy

import (
	"strings"
	"testing"
)

// TestWhichTenantGoesUpstream is the whole of what a client may name, by route and identity, on real sockets.
func TestWhichTenantGoesUpstream(t *testing.T) {
	t.Parallel()
	const header, lookAlike = "X-Scope-OrgID: ", "X_Scope_OrgID: "
	federated, single := queryLine, "GET /api/v1/rules" // a read that only the first takes several tenants for
	many := "a|" + strings.Repeat("x|", 20) + "b"
	u := startRecorder(t, nil)
	for _, test := range []struct {
		name, user, line string
		fields           []string
		tenant           string // upstream; "": refused
		status           int
		reason, says     string
		ignored          bool
	}{
		// Without a list the header never counts, however often it is there.
		{name: "own", user: "tenant-a", line: pushLine, tenant: "tenant-a"},
		{name: "own, named", user: "tenant-a", line: pushLine, fields: []string{header + "tenant-a"}, tenant: "tenant-a"},
		{name: "another", user: "tenant-a", line: pushLine, fields: []string{header + "victim"}, tenant: "tenant-a", ignored: true},
		{name: "another, reading", user: "tenant-a", line: federated, fields: []string{header + "victim"}, tenant: "tenant-a", ignored: true},
		{name: "several", user: "tenant-a", line: federated, fields: []string{header + "tenant-a|victim"}, tenant: "tenant-a", ignored: true},
		{name: "two headers", user: "tenant-a", line: pushLine, fields: []string{header + "tenant-a", header + "victim"}, tenant: "tenant-a", ignored: true},
		{name: "nobody", user: "tenant-a", line: pushLine, fields: []string{header}, tenant: "tenant-a", ignored: true},
		{name: "look-alike", user: "tenant-a", line: pushLine, fields: []string{lookAlike + "victim"}, tenant: "tenant-a", ignored: true},
		{name: "look-alike of the own", user: "tenant-a", line: pushLine, fields: []string{lookAlike + "tenant-a"}, tenant: "tenant-a"},

		// Reads of an identity with read_tenants.
		{name: "default", user: "several", line: federated, tenant: "a|b"},
		{name: "one", user: "several", line: federated, fields: []string{header + "c"}, tenant: "c"},
		{name: "one, in other letters", user: "several", line: federated, fields: []string{"x-scope-orgid: c"}, tenant: "c"},
		{name: "some", user: "several", line: federated, fields: []string{header + "c|a"}, tenant: "a|c"},
		{name: "some, twice", user: "several", line: federated, fields: []string{header + "c|a|c|a"}, tenant: "a|c"},
		{name: "one, twice", user: "several", line: federated, fields: []string{header + "b|b"}, tenant: "b"},
		{name: "named by Connection", user: "several", line: federated, fields: []string{"Connection: X-Scope-OrgID", header + "c"}, tenant: "c"},
		{name: "the own one, which is in no list", user: "several", line: federated, fields: []string{header + "own"}, status: 403, reason: "tenant_denied", says: `tenant "own"`},
		{name: "one outside", user: "several", line: federated, fields: []string{header + "d"}, status: 403, reason: "tenant_denied", says: `tenant "d"`},
		{name: "one inside, two outside", user: "several", line: federated, fields: []string{header + "x|a|d"}, status: 403, reason: "tenant_denied", says: `tenants "d", "x"`},
		{name: "empty", user: "several", line: federated, fields: []string{header}, status: 400, reason: "tenant_malformed"},
		{name: "empty part", user: "several", line: federated, fields: []string{header + "a|"}, status: 400, reason: "tenant_malformed"},
		{name: "nothing but a separator", user: "several", line: federated, fields: []string{header + "|"}, status: 400, reason: "tenant_malformed"},
		{name: "two headers, both inside", user: "several", line: federated, fields: []string{header + "a", header + "a"}, status: 400, reason: "tenant_malformed"},
		{name: "a header and a look-alike", user: "several", line: federated, fields: []string{header + "a", lookAlike + "a"}, status: 400, reason: "tenant_malformed"},
		{name: "a look-alike and a header", user: "several", line: federated, fields: []string{lookAlike + "d", header + "a"}, status: 400, reason: "tenant_malformed"},
		{name: "a look-alike alone", user: "several", line: federated, fields: []string{lookAlike + "c"}, tenant: "a|b", ignored: true},
		{name: "no tenant", user: "several", line: federated, fields: []string{header + "a/b"}, status: 400, reason: "tenant_malformed"},
		{name: "blank", user: "several", line: federated, fields: []string{header + "a |b"}, status: 400, reason: "tenant_malformed"},
		{name: "comma", user: "several", line: federated, fields: []string{header + "a,b"}, status: 400, reason: "tenant_malformed"},
		{name: "other letters", user: "several", line: federated, fields: []string{header + "A"}, status: 403, reason: "tenant_denied"},

		// Where Cortex takes one tenant, so do we.
		{name: "one on a single route", user: "several", line: single, fields: []string{header + "c"}, tenant: "c"},
		{name: "two on a single route", user: "several", line: single, fields: []string{header + "a|b"}, status: 400, reason: "tenant_malformed"},
		{name: "default on a single route", user: "several", line: single, status: 400, reason: "tenant_malformed"},

		// Writes and rules name one of write_tenants, or get the own one.
		{name: "push of the own", user: "several", line: pushLine, tenant: "own"},
		{name: "push of another", user: "several", line: pushLine, fields: []string{header + "d"}, tenant: "d"},
		{name: "rules of another", user: "several", line: rulesLine, fields: []string{header + "a"}, tenant: "a"},
		{name: "push of one that may be read", user: "several", line: pushLine, fields: []string{header + "b"}, status: 403, reason: "tenant_denied", says: `tenant "b"`},
		{name: "rules of one that may be read", user: "several", line: rulesLine, fields: []string{header + "c"}, status: 403, reason: "tenant_denied"},
		{name: "push of two", user: "several", line: pushLine, fields: []string{header + "a|d"}, status: 400, reason: "tenant_malformed"},
		{name: "push of one, twice", user: "several", line: pushLine, fields: []string{header + "a|a"}, status: 400, reason: "tenant_malformed"},
		{name: "push of nobody", user: "several", line: pushLine, fields: []string{header}, status: 400, reason: "tenant_malformed"},

		// Every tenant is still one that Cortex knows to be one.
		{name: "any", user: "every", line: pushLine, fields: []string{header + "whoever"}, tenant: "whoever"},
		{name: "any two", user: "every", line: federated, fields: []string{header + "z|y"}, tenant: "y|z"},
		{name: "any, none named", user: "every", line: federated, tenant: "own"},
		{name: "the star", user: "every", line: federated, fields: []string{header + "*"}, tenant: "*"},
		{name: "a name of Cortex's own", user: "every", line: pushLine, fields: []string{header + "__markers__"}, status: 400, reason: "tenant_malformed"},
		{name: "a path", user: "every", line: pushLine, fields: []string{header + ".."}, status: 400, reason: "tenant_malformed"},
		{name: "beyond ASCII", user: "every", line: pushLine, fields: []string{header + "tenänt"}, status: 400, reason: "tenant_malformed"},
		{name: "too long", user: "every", line: pushLine, fields: []string{header + strings.Repeat("x", 151)}, status: 400, reason: "tenant_malformed"},
		{name: "more than Cortex takes", user: "every", line: federated, fields: []string{header + "a|b|c|d|e"}, status: 400, reason: "tenant_malformed", says: "up to 4"},
		{name: "the same many times", user: "every", line: federated, fields: []string{header + many}, tenant: "a|b|x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u.forget()
			g := startEveryKind(t, u.addr, func(s *Settings) { s.Tenants.MaxTenants = 4 })
			r := g.ask(t, requestAs(test.line, append(test.fields, "Authorization: "+basicOf(test.user))...))
			if test.tenant == "" {
				if r.status != test.status || r.reason != test.reason || !strings.Contains(r.body, test.says) {
					t.Errorf("answered %v with %q, want %d %s", r, r.body, test.status, test.reason)
				}
				if got := u.requests(); len(got) > 0 {
					t.Errorf("the upstream was asked with %q", got[0].fields)
				}
				return
			}
			if r.status != 200 {
				t.Fatalf("answered %v with %q", r, r.body)
			}
			if tenant, client := u.last(t); tenant != test.tenant || client != test.user {
				t.Errorf("the upstream saw tenant %q of client %q, want %q", tenant, client, test.tenant)
			}
			want := "0"
			if test.ignored {
				want = "1"
			}
			if n := g.metric("headgate_client_tenants_ignored_total"); n != want {
				t.Errorf("%s ignored tenants are counted, want %s", n, want)
			}
			if said := strings.Contains(g.log.String(), "tenant that was not used"); said != test.ignored {
				t.Errorf("the log: %q", g.log.String())
			}
		})
	}
}

// TestTheLogHasTheTenantThatWasNotUsed: beside the one that was, and harmless whatever it is.
func TestTheLogHasTheTenantThatWasNotUsed(t *testing.T) {
	t.Parallel()
	g := startEveryKind(t, startRecorder(t, nil).addr, nil)
	for name, test := range map[string]struct {
		fields []string
		want   string
	}{
		"another tenant":        {[]string{"X-Scope-OrgID: tenant-b"}, "tenant_asked=tenant-b"},
		"a look-alike":          {[]string{"X_Scope_OrgID: tenant-b"}, "tenant_asked=tenant-b"},
		"its own and another":   {[]string{"X-Scope-OrgID: tenant-a", "X_Scope_OrgID: tenant-b"}, "tenant_asked=tenant-b"},
		"its own, twice":        {[]string{"X-Scope-OrgID: tenant-a", "X-Scope-OrgID: tenant-a"}, "tenant_asked=tenant-a"},
		"nobody":                {[]string{"X-Scope-OrgID:"}, `tenant_asked=""`},
		"what a terminal reads": {[]string{"X-Scope-OrgID: a\u009bb"}, `tenant_asked=a\u009bb`},
		"a long one":            {[]string{"X-Scope-OrgID: " + strings.Repeat("x", 1000)}, "tenant_asked=" + strings.Repeat("x", 150) + "…\n"},
	} {
		g.log.reset()
		if r := g.ask(t, requestAs(pushLine, append(test.fields, "Authorization: "+basicA)...)); r.status != 200 {
			t.Fatalf("%s: answered %v", name, r)
		}
		if want := `msg="a client sent a tenant that was not used" client=tenant-a tenant=tenant-a ` + test.want; !strings.Contains(g.log.String(), want) {
			t.Errorf("%s: the log has no %q: %s", name, want, g.log)
		}
	}
}

// TestFederationIsTheClusters: where Cortex does not join tenants, a read of two of them never reaches it.
func TestFederationIsTheClusters(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) { s.Tenants.Federation = false })
	ask := func(user, tenant string) reply {
		return g.ask(t, requestAs(queryLine, "Authorization: "+basicOf(user), "X-Scope-OrgID: "+tenant))
	}
	if r := ask("several", "a|b"); r.status != 400 || r.reason != "tenant_malformed" {
		t.Errorf("answered %v", r)
	}
	if r := ask("several", "b"); r.status != 200 {
		t.Errorf("answered %v", r)
	}
	if tenant, _ := u.last(t); tenant != "b" {
		t.Errorf("the upstream saw tenant %q", tenant)
	}
}

// TestPatternsNeverReachCortex: where Cortex reads tenants as patterns, one that could be one is refused.
func TestPatternsNeverReachCortex(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) { s.Tenants.RegexMatcher = true })
	for _, tenant := range []string{".*", "a.", "(a)", "it's", "a|.*", "team.a"} {
		r := g.ask(t, requestAs(queryLine, "Authorization: "+basicOf("every"), "X-Scope-OrgID: "+tenant))
		if r.status != 400 || r.reason != "tenant_malformed" {
			t.Errorf("%q: answered %v", tenant, r)
		}
		r = g.ask(t, requestAs(pushLine, "Authorization: "+signedFor(t, strings.TrimPrefix(tenant, "a|"), "jane")))
		if r.status != 403 || r.reason != "tenant_denied" {
			t.Errorf("%q in a token: answered %v", tenant, r)
		}
	}
	if got := u.requests(); len(got) > 0 {
		t.Errorf("the upstream was asked with %q", got[0].fields)
	}
}

// TestTheHeaderMayBeChecked: with tenant_header = "check", who names another tenant than is used is refused where
// something is changed, and passed over elsewhere.
func TestTheHeaderMayBeChecked(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) { s.Tenants.Check = true })
	for _, test := range []struct {
		line, user string
		fields     []string
		status     int
		reason     string
	}{
		{pushLine, "tenant-a", []string{"X-Scope-OrgID: victim"}, 200, ""},
		{queryLine, "tenant-a", []string{"X-Scope-OrgID: victim"}, 200, ""},
		{rulesLine, "tenant-a", []string{"X-Scope-OrgID: victim"}, 403, "tenant_denied"},
		{rulesLine, "tenant-a", []string{"X-Scope-OrgID: tenant-a"}, 200, ""},
		{rulesLine, "tenant-a", []string{"X-Scope-OrgID: tenant-a|victim"}, 400, "tenant_malformed"},
		{rulesLine, "tenant-a", []string{"X-Scope-OrgID: tenant-a", "X-Scope-OrgID: tenant-a"}, 400, "tenant_malformed"},
		{rulesLine, "tenant-a", []string{"X_Scope_OrgID: victim"}, 403, "tenant_denied"},
		{rulesLine, "tenant-a", nil, 200, ""},
		{ringLine, "operator", []string{"X-Scope-OrgID: victim"}, 403, "tenant_denied"},
		{ringLine, "operator", nil, 200, ""},
	} {
		r := g.ask(t, requestAs(test.line, append(test.fields, "Authorization: "+basicOf(test.user))...))
		if r.status != test.status || r.reason != test.reason {
			t.Errorf("%s of %s with %q: answered %v, want %d %s", test.line, test.user, test.fields, r, test.status, test.reason)
		}
	}
}
