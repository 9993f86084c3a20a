package proxy

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// TestChallengesNameWhatIsTaken: a 401 names the ways to authenticate that there are at that moment, and no others.
func TestChallengesNameWhatIsTaken(t *testing.T) {
	t.Parallel()
	const (
		askBasic   = `Basic realm="a \"quoted\" realm", charset="UTF-8"`
		askBearer  = `Bearer realm="a \"quoted\" realm"`
		wrongToken = `Bearer realm="a \"quoted\" realm", error="invalid_token"`
		askShown   = `ClientCertificate realm="a \"quoted\" realm"`
	)
	all := &authcache.Identity{Tenant: "t", Client: "c", Scopes: authcache.Write}
	near := &authcache.Identity{Tenant: "t", Client: "c", Terms: &authcache.Terms{AllowFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	basic := authcache.Entry{Scheme: authcache.Basic, Identity: all, User: "u", Password: "p"}
	token := authcache.Entry{Scheme: authcache.Bearer, Identity: all, Password: "good"}
	shown := authcache.Entry{Scheme: authcache.Certificate, Identity: all, User: "cn:agent"}
	nobody := authcache.Entry{Scheme: authcache.Anonymous, Identity: near}
	u := startRecorder(t, nil)
	routes := testRoutes(testPool(t, u.addr), nil)
	g := startPatient(t, routes)
	cache := authcache.New(authcache.Options{})
	t.Cleanup(cache.Close)
	s := settings(routes, cache)
	s.Realm = `a "quoted" realm`
	g.use(t, s)
	tokens, err := verify.NewTokens(verify.TokenOptions{Default: tokenIssuer(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		entries []authcache.Entry
		tokens  *verify.Tokens
		sent    string // Authorization; "": none
		want    []string
	}{
		{"nothing at all", nil, nil, "", []string{askBasic}},
		{"passwords", []authcache.Entry{basic}, nil, "", []string{askBasic}},
		{"tokens", []authcache.Entry{token}, nil, "", []string{askBearer}},
		{"tokens, a wrong one sent", []authcache.Entry{token}, nil, "Bearer wrong", []string{wrongToken}},
		{"tokens, a password sent", []authcache.Entry{token}, nil, basicA, []string{askBearer}},
		{"signed tokens", nil, tokens, "", []string{askBearer}},
		{"signed tokens, a wrong one sent", nil, tokens, "Bearer a.b.c", []string{wrongToken}},
		{"certificates", []authcache.Entry{shown}, nil, "", []string{askShown}},
		{"certificates and addresses", []authcache.Entry{shown, nobody}, nil, "", []string{askShown}},
		{"certificates and passwords", []authcache.Entry{shown, basic}, nil, "", []string{askBasic}},
		{"all", []authcache.Entry{basic, token, shown, nobody}, tokens, "", []string{askBasic, askBearer}},
		{"all but passwords again", []authcache.Entry{token, shown, nobody}, nil, "", []string{askBearer}},
	} {
		if _, err := cache.Replace("file", test.entries); err != nil {
			t.Fatal(err)
		}
		cache.UseTokens(authcache.TokenOptions{Tokens: test.tokens})
		request := requestAs(pushLine)
		if test.sent != "" {
			request = requestAs(pushLine, "Authorization: "+test.sent)
		}
		r := g.ask(t, request)
		if got := r.header.Values("WWW-Authenticate"); r.status != 401 || !slices.Equal(got, test.want) {
			t.Errorf("%s: %d with %q, want %q", test.name, r.status, got, test.want)
		}
	}
}

// TestATokenThatLacksAScope is told which one it would take (RFC 6750 §3.1); a password is not asked for again.
func TestATokenThatLacksAScope(t *testing.T) {
	t.Parallel()
	u := startRecorder(t, nil)
	g := startEveryKind(t, u.addr, nil)
	r := g.ask(t, requestAs(rulesLine, "Authorization: "+signedFor(t, "tenant-j", "jane")))
	want := []string{`Bearer realm="headgate", error="insufficient_scope", scope="rules"`}
	if got := r.header.Values("WWW-Authenticate"); r.status != 403 || r.reason != "scope_missing" || !slices.Equal(got, want) {
		t.Errorf("%v with %q, want %q", r, got, want)
	}
	r = g.ask(t, requestAs(rulesLine, "Authorization: "+basicOf("reader-a")))
	if got := r.header.Values("WWW-Authenticate"); r.status != 403 || len(got) > 0 {
		t.Errorf("%v with %q", r, got)
	}
}
