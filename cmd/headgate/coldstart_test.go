package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// cost20 is a hash that takes a minute or so to check.
const cost20 = "$2a$20$pdeh6NnGr0j.clUXgLVeQOabwntOu8L1NmJc7czgAvL5Hd.4CfIY6"

// The work of all slow credentials counts, and nothing else does.
func TestAColdStartIsAllSlowCredentials(t *testing.T) {
	cache := authcache.New(authcache.Options{})
	defer cache.Close()
	identity := &authcache.Identity{Tenant: "a", Client: "a"}
	entries := []authcache.Entry{
		{Identity: identity, User: "plain", Password: "secret"},
		{Identity: identity, User: "generated", SHA256: strings.Repeat("0", 64)},
	}
	replace := func() {
		t.Helper()
		if _, err := cache.Replace("test", entries); err != nil {
			t.Fatal(err)
		}
	}
	replace()
	if s := estimateColdStart(cache); s.String() != "" || s.long() {
		t.Errorf("without slow credentials it says %q", s)
	}
	const apr1 = "$apr1$TAlkMsDV$exrHUAv9ytMWvG1vxlJ5U/"
	entries = append(entries, authcache.Entry{Identity: identity, User: "slow", Hash: cost20}, authcache.Entry{Identity: identity, User: "apr1", Hash: apr1})
	replace()
	if work, n := cache.SlowWork(); work != (verify.Work{Rounds: 1 << 20, Digests: 1}) || n != 2 {
		t.Errorf("the work is %+v of %d", work, n)
	}
	if s := estimateColdStart(cache); !s.long() || s.credentials != 2 || !strings.Contains(s.String(), "password_sha256") {
		t.Errorf("a cost of 20 is said to take %s: %s", s.took, s)
	}
	if s := (coldStart{3, 10 * time.Second}); s.long() || s.String() != "3 credentials have a slow hash; after a restart it takes about 10s on this machine to check all of them" {
		t.Errorf("%q", s)
	}
}

// The log says at the start how long a cold start takes.
func TestTheStartSaysHowLongAColdStartTakes(t *testing.T) {
	g := startFolder(t, "[[tenants]]\nid = \"a\"\nusername = \"a\"\npassword_hash = \""+hashOf(t, "one")+"\"\n", nil)
	eventually(t, "the log says so", func() bool { return strings.Contains(g.log.String(), `"msg":"cold start","credentials":1`) })
}

// A long one is a warning, with what to do about it.
func TestTheStartWarnsOfALongColdStart(t *testing.T) {
	const clients = 40 // long however many processors there are
	var tenants strings.Builder
	for i := range clients {
		hash := cost20[:len(cost20)-3] + fmt.Sprintf("%02d6", i)
		fmt.Fprintf(&tenants, "[[tenants]]\nid = \"a\"\nusername = \"a-%d\"\npassword_hash = %q\n", i, hash)
	}
	g := startFolder(t, tenants.String(), nil)
	eventually(t, "the log says so", func() bool { return strings.Contains(g.log.String(), `"msg":"cold start"`) })
	for line := range strings.Lines(g.log.String()) {
		if strings.Contains(line, `"msg":"cold start"`) && (!strings.Contains(line, `"level":"WARN","msg":"cold start","credentials":40,`) || !strings.Contains(line, "want password_sha256, which headgate new-password prints")) {
			t.Errorf("the log says %s", line)
		}
	}
}

// The last use of every credential and key shows, so that one sees when the old one is idle.
func TestTheLastUseShows(t *testing.T) {
	g := startTokens(t, "secret = \""+tokenSecret+"\"\n"+tenant("team-a", "a", "old")+tenant("team-a", "a", "new"))
	if g.status(t, "a", "new") != 200 || g.tokenStatus(t, signedToken(t, "team-b")) != 200 {
		t.Fatal("the credentials are not taken")
	}
	metrics := request{method: "GET", url: g.adminURL("/metrics")}.must(t, g.client).body
	for line, want := range map[string]bool{
		`headgate_credential_last_use_timestamp_seconds{tenant="team-a",client="a",source="configuration file",where="headgate.toml: tenants[1]"} `: true,
		`headgate_credential_last_use_timestamp_seconds{tenant="team-a",client="a",source="configuration file",where="headgate.toml: tenants[0]"} `: false,
		`headgate_key_last_use_timestamp_seconds{key="auth.jwt.secret"} `:                                                                           true,
	} {
		if strings.Contains(metrics, "\n"+line) != want {
			t.Errorf("%q in /metrics: %v, want %v", line, !want, want)
		}
	}
	if status := (request{method: "GET", url: g.adminURL("/status")}).must(t, g.client).body; strings.Count(status, `"last_used"`) != 2 {
		t.Errorf("/status does not show two uses: %s", status)
	}
}
