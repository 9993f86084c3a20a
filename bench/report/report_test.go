package report

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/scenario"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		list []float64
		want float64
	}{
		{nil, 0}, {[]float64{7}, 7}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}, {[]float64{5, 5, 100}, 5},
	} {
		before := append([]float64(nil), test.list...)
		if got := Median(test.list); got != test.want {
			t.Errorf("%v: got %v, want %v", test.list, got, test.want)
		}
		if !reflect.DeepEqual(before, test.list) {
			t.Errorf("%v was put into another order", before)
		}
	}
}

func subject(name, proxy string, cpu ...float64) Subject {
	s := Subject{Name: name, Proxy: proxy}
	for _, c := range cpu {
		s.Closed = append(s.Closed, Measurement{CPU: c, Throughput: 1e6 / c, RSS: int64(c * 1e6)})
		s.Open = append(s.Open, Measurement{CPU: c, Rate: 1000, P50: 2 * c, P99: 3 * c, P999: 4 * c})
	}
	return s
}

func example() *Run {
	field := []Subject{
		subject(Direct, Direct, 9), subject("headgate", "headgate", 15, 16, 17), subject("haproxy", "haproxy", 21, 20, 19),
		subject("haproxy-64k", "haproxy", 16, 17, 15), subject("nginx", "nginx", 22), subject("vmauth", "vmauth", 55),
	}
	r := &Run{Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Commit: "abc", Versions: map[string]string{"haproxy": "2.6"}}
	for _, s := range scenario.All() {
		r.Scenarios = append(r.Scenarios, Scenario{Scenario: s, Subjects: field, Skipped: map[string]string{"other": "not there"}})
	}
	return r
}

func TestSummaryIsOfMedians(t *testing.T) {
	sum := Summarize(subject("a", "a", 10, 30, 20))
	if sum.CPU != 20 || sum.Spread != 1 || sum.P99 != 60 || sum.RSS != 30 || sum.HasAllocs {
		t.Errorf("got %+v", sum)
	}
}

func TestBestVariantCounts(t *testing.T) {
	s := example().Scenarios[0]
	best, least, ok := s.Best("haproxy", ByCPU)
	if !ok || best.Name != "haproxy-64k" || least != 16 {
		t.Errorf("got %s with %v, %v", best.Name, least, ok)
	}
	if _, _, ok := s.Best("envoy", ByCPU); ok {
		t.Error("found a proxy that was not measured")
	}
}

func TestTables(t *testing.T) {
	r := example()
	r.Scenarios[0].Subjects[1].Closed[0].Failures = 3
	r.Scenarios[0].Subjects[1].Closed[0].Trouble = "reset"
	var out bytes.Buffer
	WriteHead(&out, r)
	for _, s := range r.Scenarios {
		WriteScenario(&out, s)
	}
	WriteGoals(&out, r)
	for _, want := range []string{
		"commit abc", "push-1KiB", "CPU of headgate / best of each: 1.00 haproxy-64k · 0.73 nginx · 0.29 vmauth",
		"! headgate: 0 refused, 3 failed, 0 not answered in time; the first: reset", "- other: not there", "KB per connection",
		"push-1KiB    haproxy  CPU  1.00, want ≤ 1.15: reached, the aim too",
		"push-32KiB   vmauth   CPU  0.29, want ≤ 0.20: missed by 45 %",
		"push-1KiB    haproxy  p99  1.00, want ≤ 1.50: reached (haproxy-64k)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestResultsAreReadAsTheyWereWritten(t *testing.T) {
	r := example()
	name, err := r.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if base := filepath.Base(name); base != "20260102-0304-abc.json" {
		t.Errorf("the file is called %s", base)
	}
	got, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Error("what was read differs from what was written")
	}
}

func TestCharts(t *testing.T) {
	names, err := WriteCharts(t.TempDir(), example())
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 9 {
		t.Errorf("%d charts, want 9: %v", len(names), names)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte("headgate</text>")) {
			t.Errorf("%s: no legend for headgate", name)
		}
	}
	few := example()
	few.Scenarios = few.Scenarios[:1]
	if names, err = WriteCharts(t.TempDir(), few); err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 || len(names) == 9 {
		t.Errorf("charts of one scenario: %v", names)
	}
}
