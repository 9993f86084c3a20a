package config

import (
	"strconv"
	"strings"
	"testing"
)

func TestChangesNameWhatIsOther(t *testing.T) {
	before := mustParse(t, `
[server]
listen = "127.0.0.1:8080"
[log]
level = "info"
[upstreams.distributor]
url = "http://10.0.0.1:9009"
[upstreams.ruler]
url = "http://10.0.0.1:9009"
[[routes]]
path = "/open/*"
methods = ["GET"]
upstream = "ruler"
scope = "read"
[[tenants]]
id = "team-a"
username = "stays"
password = "one"
[[tenants]]
id = "team-a"
username = "rotated"
password = "two"
[[tenants]]
id = "team-b"
username = "goes"
password = "three"
`)
	after := mustParse(t, `
[server]
listen = ["127.0.0.1:8080", "127.0.0.1:8082"]
[log]
level = "debug"
[upstreams.distributor]
url = "http://10.0.0.2:9009"
retries = 1
[upstreams.alertmanager]
url = "http://10.0.0.1:9009"
[[routes]]
path = "/open/*"
methods = ["GET"]
upstream = "distributor"
scope = "read"
[[tenants]]
id = "team-a"
username = "stays"
password = "one"
[[tenants]]
id = "team-a"
username = "rotated"
password = "a secret of its own"
[[tenants]]
id = "team-c"
username = "comes"
password = "four"
`)
	want := `server.listen: ["127.0.0.1:8080"] → ["127.0.0.1:8080", "127.0.0.1:8082"]
server.write_timeout: "1m10s" → "40s"
server.drain_timeout: "1m10s" → "40s"
log.level: "info" → "debug"
upstreams.alertmanager: new
upstreams.distributor.url: "http://10.0.0.1:9009" → "http://10.0.0.2:9009"
upstreams.distributor.retries: none → 1
upstreams.ruler: gone
routes: GET /open/*: changed
tenants: team-a/rotated: changed
tenants: team-b/goes: gone
tenants: team-c/comes: new`
	got := strings.Join(after.Changes(before), "\n")
	if got != want {
		t.Errorf("\n got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(got, "secret") {
		t.Error("a change shows a secret")
	}
	if same := after.Changes(after); same == nil || len(same) != 0 {
		t.Errorf("nothing has changed, and yet: %q", same)
	}
}

func TestChangesAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 3 * mostChanges {
		text.WriteString("[[tenants]]\nid = \"t" + strconv.Itoa(i) + "\"\nusername = \"u" + strconv.Itoa(i) + "\"\npassword = \"p\"\n")
	}
	got := mustParse(t, text.String()).Changes(mustParse(t, ""))
	if len(got) != mostChanges+1 || got[mostChanges] != "and 200 more" {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}
