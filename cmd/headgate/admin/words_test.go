package admin

import (
	"testing"
	"time"
)

func TestWordsOfThePage(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{spanWords(0), "0s"},
		{spanWords(1499 * time.Millisecond), "1s"},
		{spanWords(61 * time.Second), "1m 1s"},
		{spanWords(2 * time.Hour), "2h"},
		{spanWords(26*time.Hour + 59*time.Minute), "1d 2h"},
		{spanWords(10 * time.Minute), "10m"},
		{rateWords(0), "0"},
		{rateWords(0.04), "< 0.1"},
		{rateWords(3.14), "3.1"},
		{rateWords(12345.6), "12\u202f346"},
		{numberWords(int64(-1234)), "-1\u202f234"},
		{numberWords(999), "999"},
		{bytesWords(int64(1536)), "1.5\u00a0KiB"},
		{bytesWords(0.0), "0\u00a0B"},
		{bytesWords(float64(5 << 30)), "5\u00a0GiB"},
		{latencyWords(0), "–"},
		{latencyWords(0.00042), "0.42\u00a0ms"},
		{latencyWords(0.0042), "4.2\u00a0ms"},
		{latencyWords(0.42), "420\u00a0ms"},
		{latencyWords(4.2), "4\u202f200\u00a0ms"},
		{zeroClass(0.0) + zeroClass(int64(0)) + zeroClass(0.01), " zero zero"},
		{string(breaks("limits.max_in_flight, <b>.toml")), "limits.<wbr>max_<wbr>in_<wbr>flight, &lt;b&gt;.<wbr>toml"},
		{string(breaks("10.0.0.1:9009 of a|b.c.d: no")), "10.0.0.1:9009 of a|<wbr>b.<wbr>c.<wbr>d: no"},
		{percentWords(1, 3), "33\u00a0%"},
		{leftWords(time.Unix(0, 0), time.Unix(60, 0)), "in 1m"},
		{leftWords(time.Unix(60, 0), time.Unix(0, 0)), "1m ago"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
}

func TestNoticesNameWhatIsWrong(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	good := Status{Config: Config{LastReload: Reload{Successful: true}}}
	if n := good.Notices(now); n == nil || len(n) != 0 {
		t.Errorf("of nothing wrong: %v", n)
	}
	s := Status{
		Config: Config{LastReload: Reload{Time: now, Problems: []string{"error: x", "error: upstreams.y.tls"}}, RestartRequired: []string{"server.idle_timeout"}},
		Upstreams: []Upstream{
			{Name: "ruler", Problem: "no such name"},
			{Name: "distributor", Hosts: []Host{
				{Address: "a", State: HostUp}, {Address: "b", State: HostPassedOver, Cause: "its requests fail", Since: in(-time.Minute)},
			}},
			{Name: "querier", Hosts: []Host{{Address: "c", State: HostPassedOver, Since: in(0), ClockAheadSeconds: -60}}},
		},
		Sources: []Source{{Name: "one", Read: true, Held: []string{"x", "y"}, Problem: "held"}, {Name: "two", Problem: "broken"}, {Name: "three"}, {Name: "own", Own: true, Read: true, Problem: "error: x"}},
		Certificates: []Certificate{{Key: "server.tls", Expires: now.Add(-time.Hour)}, {Key: "upstreams.x.tls", Expires: now.Add(time.Hour), Problem: "half"},
			{Key: "upstreams.y.tls", Expires: now.Add(Soon + time.Hour), Problem: "error: upstreams.y.tls"}},
		Credentials: Credentials{Shown: []Credential{
			{Client: "ends", Tenant: "t", Expires: in(time.Hour)}, {Client: "replaced", Tenant: "t", Expires: in(-time.Hour)}, {Client: "stays", Tenant: "t"},
			{Client: "gone", Tenant: "u", Expires: in(-2 * time.Hour), Until: in(-time.Hour), Last: true},
			{Client: "taken", Tenant: "v", Expires: in(-time.Hour), Until: in(time.Hour), Last: true},
		}},
		Limits: []Limit{{Key: "limits.max_in_flight", Used: 80, Limit: 100}, {Key: "free", Used: 79, Limit: 100}, {Key: "none", Used: 5},
			{Key: "memory", Used: 900 << 20, Limit: 1 << 30}},
	}
	want := []string{
		"bad: ruler has no host: no such name",
		"bad: no host of querier is up",
		"bad: one: the removal of 2 clients is held until somebody accepts it",
		"bad: two: in error, what it held before stays in use",
		"bad: not all that the configuration of 2026-12-01 00:00:00 UTC says is in use: error: x",
		"bad: the certificate of server.tls has ended 1h ago",
		"bad: the certificate of upstreams.x.tls is not renewed: half",
		"bad: a credential of gone, tenant u, has ended 2h ago",
		"warn: b of distributor is passed over, for 1m: its requests fail",
		"warn: the clocks of c (querier) and of this machine are 1m apart",
		"warn: three: not read yet, pushes with credentials that are not known get 503",
		"warn: server.idle_timeout keeps its old value until a restart",
		"warn: the certificate of upstreams.x.tls ends in 1h",
		"warn: a credential of ends, tenant t, ends in 1h",
		"warn: a credential of taken, tenant v, has ended 1h ago and is taken until 2026-12-01 01:00:00 UTC (auth.expiry_grace)",
		"warn: limits.max_in_flight: 80 of 100 are in use",
		"warn: memory: 900\u00a0MiB of 1\u00a0GiB are in use",
	}
	got := s.Notices(now)
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i].Level + ": " + got[i].Text
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%d: %q, want %q", i, g, w)
		}
	}
}
