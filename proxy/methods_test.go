package proxy

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// TestEveryMethodNamesItsTenant: whatever somebody proves who they are with, the upstream gets that tenant and client,
// also when the same request is sent once more and answered from memory.
func TestEveryMethodNamesItsTenant(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	for name, test := range map[string]struct{ authorization, tenant, client string }{
		"plain password":       {basicA, "tenant-a", "tenant-a"},
		"slow password":        {basicOf("slow"), "tenant-s", "slow"},
		"token":                {bearerB, "tenant-b", "bearer-b"},
		"scheme in lower case": {strings.Replace(bearerB, "Bearer", "bearer", 1), "tenant-b", "bearer-b"},
		"signed token":         {signedFor(t, "tenant-j", "jane"), "tenant-j", "jane"},
		"token of nobody":      {signedFor(t, "tenant-j", ""), "tenant-j", authcache.SafeClient("")},
		"odd subject":          {signedFor(t, "tenant-j", "jané\r\nX-Scope-OrgID: victim"), "tenant-j", authcache.SafeClient("jané\r\nX-Scope-OrgID: victim")},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if r := g.ask(t, requestAs(pushLine, "Authorization: "+test.authorization)); r.status != 200 {
					t.Fatalf("answered %v", r)
				}
				if tenant, client := u.last(t); tenant != test.tenant || client != test.client {
					t.Errorf("the upstream saw tenant %q of client %q, want %q and %q", tenant, client, test.tenant, test.client)
				}
			}
		})
	}
}

// TestAuthorizationDecidesAlone: an address that needs no credential does not make a wrong one good, nor one that cannot
// be read.
func TestAuthorizationDecidesAlone(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	near := g.callerFrom(t, "192.0.2.7")
	if r := near.ask(requestAs(pushLine)); r.status != 200 {
		t.Fatalf("without anything answered %v", r)
	}
	if tenant, client := u.last(t); tenant != "tenant-n" || client != "nobody" {
		t.Errorf("the upstream saw tenant %q of client %q", tenant, client)
	}
	u.forget()
	for _, wrong := range []string{"", "Basic", "Basic !", "Negotiate abc", "Bearer wrong", basicOf("nobody"), basicOf("")} {
		if r := near.ask(requestAs(pushLine, "Authorization: "+wrong)); r.status != 401 || r.reason != "unauthorized" {
			t.Errorf("%q: answered %v", wrong, r)
		}
	}
	if got := u.requests(); len(got) > 0 {
		t.Errorf("the upstream was asked: %q", got[0].fields)
	}
	if r := near.ask(requestAs(pushLine, "Authorization: "+basicB)); r.status != 200 {
		t.Fatalf("answered %v", r)
	}
	if tenant, _ := u.last(t); tenant != "tenant-b" {
		t.Errorf("the upstream saw tenant %q, want that of the credential", tenant)
	}
	if r := g.callerFrom(t, "192.0.3.7").ask(requestAs(pushLine)); r.status != 401 {
		t.Errorf("from elsewhere without anything answered %v", r)
	}
}

// TestRefusalsTellNothing: who may not use a right credential is told what somebody with a wrong one is told.
func TestRefusalsTellNothing(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) {
		entry := func(user string, terms authcache.Terms) authcache.Entry {
			return authcache.Entry{
				Scheme: authcache.Basic, User: user, Password: "secret",
				Identity: &authcache.Identity{Tenant: "t", Client: user, Scopes: authcache.Write, Terms: &terms},
			}
		}
		if _, err := s.Credentials.Replace("terms", []authcache.Entry{
			entry("expired", authcache.Terms{Expires: time.Now().Add(-time.Hour)}),
			entry("early", authcache.Terms{NotBefore: time.Now().Add(time.Hour)}),
			entry("elsewhere", authcache.Terms{AllowFrom: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}),
		}); err != nil {
			t.Fatal(err)
		}
	})
	type told struct {
		status    int
		reason    string
		body      string
		challenge []string
	}
	tell := func(authorization string) told {
		r := g.ask(t, requestAs(pushLine, "Authorization: "+authorization))
		text, _, _ := strings.Cut(r.body, " (request ")
		return told{r.status, r.reason, text, r.header.Values("WWW-Authenticate")}
	}
	wrong := tell(basicOf("unknown"))
	for _, user := range []string{"expired", "early", "elsewhere"} {
		if got := tell(basicOf(user)); got.status != 401 || got.body != wrong.body || got.reason != wrong.reason ||
			!slices.Equal(got.challenge, wrong.challenge) {
			t.Errorf("%s: told %v, and for a wrong password %v", user, got, wrong)
		}
	}
	for _, want := range []string{"verdict=expired", "verdict=early", "verdict=misplaced", "verdict=rejected", "sender=early", "scheme=Basic"} {
		eventually(t, "the log says "+want, func() bool { return strings.Contains(g.log.String(), want) })
	}
}

// TestVerdictsThatMayPass: while it is not known whether a credential is right, a write is told to come again.
func TestVerdictsThatMayPass(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	var cache *authcache.Cache
	g := startEveryKind(t, u.addr, func(s *Settings) { cache = s.Credentials })
	cache.Failed("a folder", errors.New("it is gone"))
	unknown := "Authorization: " + basicOf("unknown")
	for _, test := range []struct {
		request, reason string
		status          int
	}{
		{requestAs(pushLine, unknown), "credentials_unready", 503},
		{requestAs(pushLine, "Authorization: Bearer unknown"), "credentials_unready", 503},
		{requestAs(pushLine), "credentials_unready", 503},
		{requestAs(queryLine, unknown), "credentials_unready", 401},
		{requestAs(queryLine, "Authorization: Bearer unknown"), "credentials_unready", 401},
		{requestAs(rulesLine, unknown), "credentials_unready", 401},
		{requestAs(pushLine, "Authorization: nonsense"), "unauthorized", 401},
		{requestAs(pushLine, "Authorization: "+basicA), "", 200},
		{requestAs(queryLine, "Authorization: "+bearerA), "", 200},
	} {
		r := g.ask(t, test.request)
		if r.status != test.status || r.reason != test.reason {
			t.Errorf("%q: answered %v, want %d %s", test.request, r, test.status, test.reason)
		}
		if retry := r.header.Get("Retry-After"); (retry != "") != (test.status == 503) {
			t.Errorf("%q: %d with Retry-After %q", test.request, r.status, retry)
		}
		for _, challenge := range r.header.Values("WWW-Authenticate") {
			if strings.Contains(challenge, "invalid_token") {
				t.Errorf("%q: %s of a token that may be good", test.request, challenge)
			}
		}
	}
}

// TestBusyIsNoRejection: a password for whose check there is no time may be right.
func TestBusyIsNoRejection(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) {
		s.Credentials = authcache.New(authcache.Options{})
		if _, err := s.Credentials.Replace("file", []authcache.Entry{{
			Scheme: authcache.Basic, User: "slow", Hash: bcryptOfSecret,
			Identity: &authcache.Identity{Tenant: "t", Client: "slow", Scopes: authcache.Write | authcache.Read},
		}}); err != nil {
			t.Fatal(err)
		}
		s.Credentials.Close() // nothing slow is checked any more
	})
	for _, line := range []string{pushLine, queryLine} {
		if r := g.ask(t, requestAs(line, "Authorization: "+basicOf("slow"))); r.status != 503 || r.reason != "authentication_busy" {
			t.Errorf("%s: answered %v, want 503", line, r)
		}
	}
}

// TestATokenThatNamesNoTenant is good, and still of no use: 403.
func TestATokenThatNamesNoTenant(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	token, err := verify.Mint(*tokenIssuer(t), verify.MintOptions{Tenant: "not/a/tenant", Subject: "jane"})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{pushLine, queryLine} {
		r := g.ask(t, requestAs(line, "Authorization: Bearer "+token))
		if r.status != 403 || r.reason != "tenant_denied" {
			t.Errorf("%s: answered %v, want 403", line, r)
		}
	}
}

// TestDeniedWritesMayBeKept: with denied_write_status 503, senders keep what was refused for who they are; nobody else is
// told anything else.
func TestDeniedWritesMayBeKept(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, func(s *Settings) { s.KeepDeniedWrites = true })
	for _, test := range []struct {
		request, reason string
		status          int
	}{
		{requestAs(pushLine, "Authorization: "+basicOf("unknown")), "unauthorized", 503},
		{requestAs(pushLine), "unauthorized", 503},
		{requestAs(pushLine, "Authorization: "+basicOf("reader-a")), "scope_missing", 503},
		{requestAs(pushLine, "Authorization: "+basicOf("several"), "X-Scope-OrgID: c"), "tenant_denied", 503},
		{requestAs(pushLine, "Authorization: "+basicOf("several"), "X-Scope-OrgID: a|d"), "tenant_malformed", 400},
		{requestAs(queryLine, "Authorization: "+basicOf("unknown")), "unauthorized", 401},
		{requestAs(rulesLine, "Authorization: "+basicOf("unknown")), "unauthorized", 401},
		{requestAs(rulesLine, "Authorization: "+basicOf("reader-a")), "scope_missing", 403},
		{requestAs("POST /nowhere", "Authorization: "+basicA), "no_route", 404},
	} {
		r := g.ask(t, test.request)
		if r.status != test.status || r.reason != test.reason {
			t.Errorf("%q: answered %v, want %d %s", test.request, r, test.status, test.reason)
		}
		if got := r.header.Values("WWW-Authenticate"); (len(got) > 0) != (test.status == 401) {
			t.Errorf("%q: %d with the challenges %q", test.request, r.status, got)
		}
	}
}
