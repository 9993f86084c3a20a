package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, test := range []struct {
		in   any
		want time.Duration
		text string // as it prints; "" when it is refused
	}{
		{"5s", 5 * time.Second, "5s"},
		{"360s", 6 * time.Minute, "6m"},
		{"1h0m0s", time.Hour, "1h"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"125s", 125 * time.Second, "2m5s"},
		{"10m10s", 610 * time.Second, "10m10s"},
		{"0s", 0, "0s"},
		{"0", 0, "0s"},
		{int64(0), 0, "0s"},
		{int64(5), 0, ""},
		{"5", 0, ""},
		{"5 s", 0, ""},
		{"-5s", 0, ""},
		{"1d", 0, ""},
		{"auto", 0, ""},
		{"", 0, ""},
		{5.0, 0, ""},
		{true, 0, ""},
		{[]any{"5s"}, 0, ""},
	} {
		var d Duration
		err := d.UnmarshalTOML(test.in)
		if (err == nil) != (test.text != "") || err == nil && (time.Duration(d) != test.want || d.String() != test.text) {
			t.Errorf("%#v: %q, %v; want %q", test.in, d, err, test.text)
		}
	}
	var auto AutoDuration
	if err := auto.UnmarshalTOML("auto"); err != nil || !auto.Auto {
		t.Errorf("auto: %+v, %v", auto, err)
	}
	if err := auto.UnmarshalTOML("soon"); err == nil || !strings.Contains(err.Error(), `"auto"`) {
		t.Errorf("soon: %v, want an error that knows auto", err)
	}
	opt := OptDuration{Value: time.Second, Set: true}
	if err := opt.UnmarshalTOML(""); err != nil || opt.Set || opt.or(time.Hour) != time.Hour {
		t.Errorf("left out: %+v, %v", opt, err)
	}
}

func TestSizes(t *testing.T) {
	for _, test := range []struct {
		in   any
		want int64
		text string // as it prints; "" when it is refused
	}{
		{"16KiB", 16 << 10, "16KiB"},
		{"100MiB", 100 << 20, "100MiB"},
		{"1024MiB", 1 << 30, "1GiB"},
		{int64(1536), 1536, "1536"},
		{"1536", 1536, "1536"},
		{int64(0), 0, "0"},
		{"8589934591GiB", 8589934591 << 30, "8589934591GiB"},
		{"8589934592GiB", 0, ""},
		{"9223372036854775808", 0, ""},
		{int64(-1), 0, ""},
		{"-1", 0, ""},
		{"1.5MiB", 0, ""},
		{"16MB", 0, ""},
		{"16 MiB", 0, ""},
		{"16mib", 0, ""},
		{"MiB", 0, ""},
		{"", 0, ""},
		{1.0, 0, ""},
	} {
		var s Size
		err := s.UnmarshalTOML(test.in)
		if (err == nil) != (test.text != "") || err == nil && (int64(s) != test.want || s.String() != test.text) {
			t.Errorf("%#v: %q, %v; want %q", test.in, s, err, test.text)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, loopback := range map[string]bool{
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.1:80": false, "gate.example:0": false,
		"127.0.0.1:8080": true, "127.9.9.9:1": true, "[::1]:8080": true, "localhost:8080": true, "unix:/run/headgate.sock": true,
		"[::ffff:127.0.0.1]:80": true,
	} {
		var a Address
		if err := a.UnmarshalTOML(text); err != nil || a.loopback() != loopback {
			t.Errorf("%q: %v, loopback %t", text, err, a.loopback())
		}
	}
	for _, text := range []string{"", "8080", "127.0.0.1", ":http", ":65536", ":-1", "::1:80", "a b:80", "a/b:80", "unix:", "unix:run",
		"unix:/" + strings.Repeat("x", 200), "http://127.0.0.1:80"} {
		var a Address
		if err := a.UnmarshalTOML(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	for _, test := range []struct {
		a, b Address
		want bool
	}{
		{":80", ":80", true}, {":80", "127.0.0.1:80", true}, {"10.0.0.1:80", ":80", true}, {"10.0.0.1:80", "10.0.0.2:80", false},
		{":80", ":81", false}, {":0", ":0", false}, {"unix:/a", "unix:/a", true}, {"unix:/a", "unix:/b", false}, {":80", "unix:/a", false},
	} {
		if test.a.clashes(test.b) != test.want {
			t.Errorf("%s and %s: %t", test.a, test.b, !test.want)
		}
	}
}

// TestRangesOfIPv4WrittenAsIPv6 mean IPv4, under every key that has ranges: the addresses of clients are compared as IPv4.
func TestRangesOfIPv4WrittenAsIPv6(t *testing.T) {
	for _, test := range []struct{ in, want string }{ // "" when it is refused
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"::ffff:10.1.2.3/104", "10.0.0.0/8"},
		{"::ffff:a00:0/104", "10.0.0.0/8"},
		{"::ffff:10.1.2.3", "10.1.2.3/32"},
		{"::ffff:10.1.2.3/128", "10.1.2.3/32"},
		{"::ffff:0.0.0.0/96", "0.0.0.0/0"},
		{"::ffff:10.0.0.0/95", ""},
		{"::ffff:10.0.0.0/8", ""}, // 8 bits of IPv4 are meant
		{"::ffff:0:0/0", ""},
		{"::/0", "::/0"},
		{"::/64", "::/64"},
		{"::1", "::1/128"},
		{"fd00::/8", "fd00::/8"},
		{"fe80::1%eth0", ""},
	} {
		var c CIDR
		switch err := c.UnmarshalTOML(test.in); {
		case (err == nil) != (test.want != ""), err == nil && c.String() != test.want:
			t.Errorf("%s: %s, %v; want %q", test.in, c, err, test.want)
		}
	}
	c := mustParse(t, `
[server]
allow_from = ["::ffff:10.0.0.0/104"]
proxy_protocol = true
trusted_proxies = ["::ffff:10.0.0.0/104"]
[admin]
trusted = ["::ffff:10.0.0.0/104"]
[[tenants]]
id = "team-a"
username = "a"
password = "one"
allow_from = ["::ffff:10.0.0.0/104"]
`)
	for key, got := range map[string][]CIDR{
		"server.allow_from": c.Server.AllowFrom, "server.trusted_proxies": c.Server.TrustedProxies,
		"admin.trusted": c.Admin.Trusted, "tenants.allow_from": c.Tenants[0].AllowFrom,
	} {
		if len(got) != 1 || got[0].String() != "10.0.0.0/8" {
			t.Errorf("%s: %v", key, got)
		}
	}
	if got := c.Entries()[0].Identity.Terms.AllowFrom; len(got) != 1 || got[0].String() != "10.0.0.0/8" {
		t.Errorf("the entry: %v", got)
	}
}

func TestPaths(t *testing.T) {
	for _, text := range []string{"/", "/a", "/a/", "/a/b.c/~-_!$&'()+,=:@/9"} {
		if path, prefix, err := readPath(text, false); err != nil || path != text || prefix {
			t.Errorf("%q: %q, %t, %v", text, path, prefix, err)
		}
	}
	for _, text := range []string{"/a", "/a/b"} {
		for _, written := range []string{text, text + "/*"} {
			if path, prefix, err := readPath(written, true); err != nil || path != text || !prefix {
				t.Errorf("prefix %q: %q, %t, %v", written, path, prefix, err)
			}
		}
	}
	for _, text := range []string{"", "a", "*", "//", "/a//b", "/a//", "/.", "/a/..", "/a/./b", "/../", "/a;b", "/a%2Fb", "/a%", "/a?b", "/a#b",
		"/{a}", "/a*", "/*/a", "/a/**", "/a//*", "/a b", "/\x00", "/\x7f", "/é", `/a\b`, "/*/*"} {
		if path, prefix, err := readPath(text, false); err == nil {
			t.Errorf("%q is accepted as %q, %t", text, path, prefix)
		}
	}
}

func TestComponentsMeant(t *testing.T) {
	for name, want := range map[string]string{
		"distributor": Distributor, "Distributor": Distributor, "distributer": Distributor, "distributors": Distributor,
		"frontend": QueryFrontend, "query_frontend": QueryFrontend, "queryfrontend": QueryFrontend, "query frontend": QueryFrontend, "query-fronted": QueryFrontend,
		"queriers": Querier, "quereir": Querier, "rulers": Ruler, "alert-manager": Alertmanager, "alert_manager": Alertmanager, "am": Alertmanager,
		"store_gateway": "store-gateway", "storegateway": "store-gateway", "ALL": All, "override": "overrides",
		"ruler2": "", "querier-2": "", "ruler-eu": "", "grafana": "", "own": "", "x": "", "": "", "rules": Ruler,
	} {
		got, ok := ComponentMeant(name)
		if got != want || ok != (want != "") {
			t.Errorf("%q means %q, %t; want %q", name, got, ok, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "a", 0}, {"listn", "listen", 1}, {"lsiten", "listen", 1}, {"listem", "listen", 1}, {"llisten", "listen", 1},
		{"usrename", "username", 1}, {"abc", "", 3}, {"kitten", "sitting", 3},
	} {
		if got := editDistance(test.a, test.b, 10); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
		if got := editDistance(test.b, test.a, 10); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

// Lines are found whatever stands around a key.
func TestLines(t *testing.T) {
	const text = "\xef\xbb\xbf# first = 1\n" + // line 1
		"a = \"x # y\" # b = 1\r\n" + // 2
		"b . \"c d\" = [\n  \"]\", # ]\n  { e = '}' },\n]\n" + // 3 to 6
		"f = \"\"\"\n[[tenants]]\n\\\"\"\"\"\"\n" + // 7 to 9
		"g = '''\n'''''\n" + // 10, 11
		"[ h . 'i.j' ]\n" + // 12
		"k = 1\n" + // 13
		"[[tenants]]\nid = 1\n" + // 14, 15
		"[[tenants]] # again\n  id = 2\n" + // 16, 17
		"[tenants.limits]\n\"id\" = 3\n" + // 18, 19
		"[[tenants.more]]\n[[tenants.more]]\nid = 4\n" + // 20 to 22
		"last = 1" // 23
	lines := map[string]int{
		"a": 2, "b": 3, `b."c d"`: 3, `b."c d"[1].e`: 3, "f": 7, "g": 10, `h."i.j"`: 12, `h."i.j".k`: 13, `h."i.j".unknown`: 12,
		"tenants": 14, "tenants[0]": 14, "tenants[0].id": 15, "tenants[1]": 16, "tenants[1].id": 17, "tenants[1].limits": 18,
		"tenants[1].limits.id": 19, "tenants[1].more[0]": 20, "tenants[1].more[1]": 21, "tenants[1].more[1].id": 22,
		"tenants[1].more[1].last": 23, "tenants[0].name": 14, "first": 0, "nothing.at.all": 0, "": 0, "tenants[2]": 14,
	}
	all := indexLines([]byte(text), slices.Collect(maps.Keys(lines))...)
	for key, want := range lines {
		if got := all.of(key); got != want {
			t.Errorf("%s: line %d, want %d", key, got, want)
		}
		if got := indexLines([]byte(text), key).of(key); got != want {
			t.Errorf("%s: line %d, want %d, when nothing else is asked for", key, got, want)
		}
	}
}
