package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
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

// TestChangesAmongMany: wherever in the list something is other, and only that, is told; a further password of a client is
// a change of the client.
func TestChangesAmongMany(t *testing.T) {
	list := func(users ...string) *Config {
		var text strings.Builder
		for _, user := range users {
			name, password, _ := strings.Cut(user, "=")
			text.WriteString("[[tenants]]\nid = \"t\"\nusername = \"" + name + "\"\npassword = \"p" + password + "\"\n")
		}
		return mustParse(t, text.String())
	}
	for _, test := range []struct{ before, after, want string }{
		{"a b c", "a b c", ""},
		{"", "a", "a: new"},
		{"a", "", "a: gone"},
		{"a b c", "b c", "a: gone"},
		{"a b c", "a b", "c: gone"},
		{"a b c", "a c", "b: gone"},
		{"b c", "a b c", "a: new"},
		{"a b c", "a b=2 c", "b: changed"},
		{"a b c", "a=2 b c=2", "a: changed, c: changed"},
		{"a b c", "c b a", ""},
		{"a b c", "a b b=2 c", "b: changed"},
		{"a b b=2 c", "a b c", "b: changed"},
		{"a b=2 b c", "a b c", "b: changed"},
		{"a b c d", "x a c y d", "b: gone, x: new, y: new"},
		{"a a=2", "a=2 a", "a: changed"},
		{"a a", "a", "a: changed"},
	} {
		var want []string
		for line := range strings.SplitSeq(test.want, ", ") {
			if line != "" {
				want = append(want, "tenants: t/"+line)
			}
		}
		got := list(strings.Fields(test.after)...).Changes(list(strings.Fields(test.before)...))
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q to %q: %q, want %q", test.before, test.after, got, want)
		}
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

// TestEveryKeyOfATenantIsCompared changes one field after the other.
func TestEveryKeyOfATenantIsCompared(t *testing.T) {
	for i := range reflect.TypeFor[Tenant]().NumField() {
		var a, b Tenant
		name, field := reflect.TypeFor[Tenant]().Field(i).Name, reflect.ValueOf(&b).Elem().Field(i)
		switch v := field.Addr().Interface().(type) {
		case *string:
			*v = "x"
		case *Secret:
			*v = "x"
		case *Date:
			v.Time = time.Now()
		case **TenantLimits:
			*v = new(TenantLimits)
		default:
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
			if a.same(&b) {
				t.Errorf("%s: an empty list is like none", name)
			}
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		}
		if a.same(&b) || b.same(&a) {
			t.Errorf("%s is not compared", name)
		}
		if !b.same(&b) {
			t.Errorf("%s: a table is not like itself", name)
		}
	}
	one, other := Tenant{Limits: &TenantLimits{MaxInFlight: 1}}, Tenant{Limits: &TenantLimits{MaxInFlight: 1}}
	if !one.same(&other) {
		t.Error("equal limits are not alike")
	}
	if other.Limits.MaxInFlight = 2; one.same(&other) {
		t.Error("other limits are alike")
	}
}
