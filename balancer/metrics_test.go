package balancer

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func text(set *metrics.Set) string {
	var b bytes.Buffer
	set.WritePrometheus(&b)
	return b.String()
}

func TestMetricsAreThoseOfTheGoldenFile(t *testing.T) {
	set := metrics.NewSet()
	u := listen(t, "127.0.0.1:0", nil)
	resolver := &scriptedResolver{
		ips:   map[string][]string{"a.test": {"127.0.0.1"}},
		fails: map[string]error{"b.test": errDNS},
	}
	p, r := steppedPool(t, Options{
		Name:           "distributor",
		Targets:        []Target{{Name, "a.test", u.target().Port}, {Name, "b.test", 80}, {Literal, "::1", 9009}},
		Resolver:       resolver,
		MaxConnections: 2,
		Metrics:        NewMetrics(set),
	}, nil)
	r.first()
	h := p.Hosts()[0]
	h.Begin()
	kept := acquire(t, h)
	acquire(t, h)
	if _, err := h.Acquire(time.Now(), 0, 0); err == nil {
		t.Fatal("a third connection of two")
	}
	_ = u.next(t).Close()
	arrived(t, kept.conn)
	kept.Release()
	acquire(t, h).Release()
	resolver.change(func(s *scriptedResolver) { s.ips["b.test"], s.fails = []string{"10.0.0.1"}, nil })
	r.next()

	got := strings.ReplaceAll(text(set), h.Addr(), "127.0.0.1:PORT")
	got = regexp.MustCompile(`(timestamp_seconds\{.*\}) [1-9]\d{9}`).ReplaceAllString(got, "$1 TIME")
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("metrics are\n%s\nwant\n%s", got, want)
	}
}

func TestSeriesGoWithTheirHosts(t *testing.T) {
	set := metrics.NewSet()
	resolver := &scriptedResolver{ips: map[string][]string{"a.test": {"10.0.0.1", "10.0.0.2"}}}
	p, r := steppedPool(t, Options{
		Name: "distributor", Targets: []Target{{Name, "a.test", 80}}, Resolver: resolver, Metrics: NewMetrics(set),
	}, nil)
	r.first()
	resolver.change(func(s *scriptedResolver) { s.ips["a.test"] = []string{"10.0.0.2"} })
	r.next()
	if got := text(set); strings.Contains(got, "10.0.0.1") || !strings.Contains(got, "10.0.0.2") {
		t.Errorf("after 10.0.0.1 left:\n%s", got)
	}
	r.quitNow()
	p.Close()
	if got := text(set); got != "" {
		t.Errorf("after the pool was closed:\n%s", got)
	}
}

// While a reload replaces hosts, and for routes with connections of their own, two hosts have the same labels.
func TestHostsWithTheSameLabelsShareTheirSeries(t *testing.T) {
	set := metrics.NewSet()
	o := Options{Name: "distributor", Targets: literals(1), Metrics: NewMetrics(set)}
	old := New(o, nil)
	old.Hosts()[0].series.dials.Add(3)
	old.Hosts()[0].Begin()
	o.MaxConnections = 7
	p := New(o, old)
	p.Hosts()[0].series.dials.Add(4)
	p.Hosts()[0].Begin()

	contains := func(lines ...string) {
		t.Helper()
		got := text(set)
		for _, line := range lines {
			if strings.Count(got, line+"\n") != 1 {
				t.Errorf("want %q once in\n%s", line, got)
			}
		}
	}
	const labels = `{upstream="distributor",host="10.0.0.1:9009"} `
	contains("headgate_upstream_host_dials_total"+labels+"7", "headgate_upstream_host_in_flight"+labels+"2",
		`headgate_upstream_hosts{upstream="distributor"} 1`)
	old.Close()
	contains("headgate_upstream_host_dials_total"+labels+"7", "headgate_upstream_host_in_flight"+labels+"1")
	p.Close()
	if got := text(set); got != "" {
		t.Errorf("after both pools were closed:\n%s", got)
	}
}
