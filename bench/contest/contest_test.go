package contest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
)

func withMost(name string, throughput ...float64) *contestant {
	one := &contestant{result: report.Subject{Name: name}}
	for _, t := range throughput {
		one.result.Closed = append(one.result.Closed, report.Measurement{Throughput: t})
	}
	return one
}

func TestRates(t *testing.T) {
	for _, test := range []struct {
		name  string
		field []*contestant
		want  []float64
	}{
		{"half of headgate's most for all", []*contestant{withMost("direct", 90), withMost("headgate", 60, 40, 50), withMost("haproxy", 70)}, []float64{25, 25, 25}},
		{"half of its own for the slow", []*contestant{withMost("headgate", 60), withMost("vmauth", 20)}, []float64{30, 10}},
		{"half of the slowest without headgate", []*contestant{withMost("nginx", 60), withMost("vmauth", 20)}, []float64{10, 10}},
	} {
		setRates(test.field)
		for i, one := range test.field {
			if one.order.Rate != test.want[i] || one.out {
				t.Errorf("%s: %s got %v, want %v", test.name, one.result.Name, one.order.Rate, test.want[i])
			}
		}
	}
	silent := withMost("haproxy")
	setRates([]*contestant{withMost("headgate", 10), silent})
	if !silent.out {
		t.Error("a subject that answered nothing takes part in the open loop")
	}
}

// startTestWorker runs the worker in this process; its orders are written to the first, its lines read from the second.
func startTestWorker(t *testing.T) (*json.Encoder, *bufio.Reader) {
	t.Helper()
	orders, in := io.Pipe()
	out, lines := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- RunWorker(orders, lines)
		lines.Close()
	}()
	t.Cleanup(func() {
		in.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return json.NewEncoder(in), bufio.NewReader(out)
}

func TestWorkerMeasuresItsOwnUpstream(t *testing.T) {
	in, out := startTestWorker(t)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	good := order{
		Addr: netip.MustParseAddrPort(strings.TrimSpace(line)), Request: payload.Push("a", "Basic eDp5", []byte("body")),
		Connections: 4, Pace: load.Open, Rate: 500, Window: 200 * time.Millisecond, Grace: 10 * time.Second,
		Subject: []int{os.Getpid()},
	}
	bad := good
	bad.Connections = 0
	for _, o := range []order{good, bad, good} {
		if err := in.Encode(o); err != nil {
			t.Fatal(err)
		}
		line, err := out.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var got outcome
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if o.Connections == 0 {
			if got.Error == "" {
				t.Error("an order that cannot be carried out: no error")
			}
			continue
		}
		m := got.Measurement
		if got.Error != "" || m.Requests == 0 || m.Rate != 500 || m.RSS == 0 || m.P50 <= 0 || m.P99 < m.P50 || m.P999 < m.P99 || m.Refused+m.Failures > 0 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestReadingMallocsDoesNotCountItself(t *testing.T) {
	count := 1000
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count += 7 // What one page costs.
		json.NewEncoder(w).Encode("other")
		w.Write([]byte("go_memstats_mallocs_total " + strings.TrimSpace(string(mustJSON(t, count))) + "\n"))
	}))
	defer server.Close()
	running := &rivals.Running{
		Variant: rivals.Variant{Proxy: rivals.Headgate},
		Setting: rivals.Setting{Admin: netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))},
	}
	before, err := readMallocs(t.Context(), running)
	if err != nil {
		t.Fatal(err)
	}
	count += 500
	after, err := readMallocs(t.Context(), running)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := after.since(before); got != 500 || !ok {
		t.Errorf("got %v allocations, %v; want 500", got, ok)
	}
	if got, ok := after.since(after); ok {
		t.Errorf("got %v allocations between readings with nothing between them", got)
	}
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestProgressIsOneLineForAScenarioOutsideOfATerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.expect(4)
	for _, scenario := range []string{"a", "a", "b", "b"} {
		p.step(scenario, "headgate", "round")
	}
	p.end()
	if got, want := out.String(), "[0/4] a\n[2/4] b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestADisturbedRoundIsTakenAgain: until one is quiet, or there were enough; the least disturbed counts.
func TestADisturbedRoundIsTakenAgain(t *testing.T) {
	for _, test := range []struct {
		noise   []float64
		retakes int
		want    float64
		taken   int
	}{
		{[]float64{0.05}, 4, 0.05, 0},
		{[]float64{0.5, 0.1}, 4, 0.1, 1},
		{[]float64{0.5, 0.3, 0.4, 0.02, 0.9}, 4, 0.02, 3},
		{[]float64{0.5, 0.3, 0.4}, 2, 0.3, 2},
		{[]float64{0.5}, 0, 0.5, 0},
	} {
		rounds := 0
		got, err := undisturbed(test.retakes, func() (report.Measurement, error) {
			rounds++
			return report.Measurement{Noise: test.noise[rounds-1]}, nil
		})
		if err != nil || got.Noise != test.want || got.Retakes != test.taken || rounds != test.taken+1 {
			t.Errorf("%v: got %v after %d retakes in %d rounds, %v", test.noise, got.Noise, got.Retakes, rounds, err)
		}
	}
	if _, err := undisturbed(4, func() (report.Measurement, error) { return report.Measurement{Noise: 1}, io.EOF }); err != io.EOF {
		t.Errorf("a round that failed was taken for %v", err)
	}
}
