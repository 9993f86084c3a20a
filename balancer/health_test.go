package balancer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// prober answers for the network: hosts are well unless they are down.
type prober struct {
	mu     sync.Mutex
	down   []string
	probed map[string][]time.Time
}

var errDown = errors.New("no answer")

func (p *prober) probe(_ context.Context, h *Host) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.probed == nil {
		p.probed = map[string][]time.Time{}
	}
	p.probed[h.Addr()] = append(p.probed[h.Addr()], time.Now())
	if slices.Contains(p.down, h.Addr()) {
		return errDown
	}
	return nil
}

func (p *prober) set(down ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *prober) count(addr string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.probed[addr])
}

// unavailable returns the addresses of the hosts that are passed over, without their common beginning and port.
func unavailable(p *Pool) string {
	var list []string
	for _, h := range p.Hosts() {
		if !h.Available() {
			list = append(list, strings.TrimSuffix(strings.TrimPrefix(h.Addr(), "10.0.0."), ":9009"))
		}
	}
	return strings.Join(list, " ")
}

func TestHostIsPassedOverAfterFailuresInARow(t *testing.T) {
	tests := []struct {
		maxFails int
		story    string // F a failure, s a success
		want     bool   // available
	}{
		{3, "", true},
		{3, "FF", true},
		{3, "FFF", false},
		{3, "FFFFFF", false},
		{3, "FFsFF", true},
		{3, "FFsFFF", false},
		{3, "FFFs", true},
		{3, "FFFsFF", true},
		{1, "F", false},
		{0, "FFFFFFFF", true},
		{-1, "FFFFFFFF", true},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			p := New(Options{Targets: literals(2), MaxFails: tt.maxFails, probe: new(prober).probe}, nil)
			defer p.Close()
			h := p.Hosts()[0]
			for _, c := range tt.story {
				if c == 'F' {
					h.Failed()
				} else {
					h.Succeeded()
				}
			}
			if got := h.Available(); got != tt.want {
				t.Errorf("max_fails %d, %q: Available() = %v, want %v", tt.maxFails, tt.story, got, tt.want)
			}
			if !p.Hosts()[1].Available() {
				t.Error("the other host is passed over too")
			}
		})
	}
}

func fail(h *Host, times int) {
	for range times {
		h.Failed()
	}
}

func TestHostThatFailedIsProbedAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		p := New(Options{Targets: literals(2), MaxFails: 3, FailTimeout: 10 * time.Second, probe: network.probe}, nil)
		defer p.Close()
		h := p.Hosts()[0]
		network.set(h.Addr())
		begin := time.Now()
		fail(h, 3)
		time.Sleep(35 * time.Second)
		fail(h, 3) // somebody had no other host to go to: that puts nothing off
		synctest.Wait()
		if h.Available() || network.count(h.Addr()) != 3 {
			t.Errorf("after 35 s: available %v, %d probes; want false, 3", h.Available(), network.count(h.Addr()))
		}
		network.set()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if h.out.Load() != onTrial {
			t.Error("the host is not on trial after a good probe")
		}
		for i, at := range network.probed[h.Addr()] {
			if want := time.Duration(i+1) * 10 * time.Second; at.Sub(begin) != want {
				t.Errorf("probe %d came after %v, want %v", i, at.Sub(begin), want)
			}
		}
		time.Sleep(time.Hour)
		if n := network.count(h.Addr()); n != 4 {
			t.Errorf("%d probes in all, want 4: a host that is well is left alone", n)
		}
		if n := network.count(p.Hosts()[1].Addr()); n != 0 {
			t.Errorf("the host that never failed was probed %d times", n)
		}
	})
}

func TestPickPassesOverHosts(t *testing.T) {
	tests := []struct {
		name       string
		out, tried string // of the hosts 1 to 4
		want       string
	}{
		{"none out", "", "", "1 2 3 4"},
		{"one out", "2", "", "1 3 4"},
		{"three out", "1 2 4", "", "3"},
		{"all out", "1 2 3 4", "", "1 2 3 4"},
		{"one out, one tried", "2", "3", "1 4"},
		{"all but one out, that one tried", "1 2 3", "4", "4"},
		{"all out, one tried", "1 2 3 4", "3", "1 2 4"},
		{"all out, all tried", "1 2 3 4", "1 2 3 4", "1 2 3 4"},
	}
	for _, policy := range []Policy{RoundRobin, LeastConn} {
		for _, tt := range tests {
			p := New(Options{Targets: literals(4), Policy: policy, MaxFails: 1, FailTimeout: time.Hour}, nil)
			numbered := func(list string) (hosts []*Host) {
				for _, n := range strings.Fields(list) {
					hosts = append(hosts, p.Hosts()[n[0]-'1'])
				}
				return hosts
			}
			for _, h := range numbered(tt.out) {
				h.Failed()
			}
			got := picks(p, 1200, numbered(tt.tried)...)
			want := numbered(tt.want)
			for _, h := range want {
				n := got[h.Addr()]
				if policy == RoundRobin && n != 1200/len(want) || n == 0 {
					t.Errorf("%v, %s: %v was picked %d times of 1200; all: %v", policy, tt.name, h, n, got)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%v, %s: picked %v, want only %v", policy, tt.name, got, want)
			}
			p.Close()
		}
	}
}

func TestHealthGoesWithTheHost(t *testing.T) {
	withHealth := func(o *Options) { o.Health = Health{Path: "/ready"} }
	tests := []struct {
		name          string
		before, after func(*Options)
		down          bool // for the probes
		failed        bool
		want          bool // available after the reload
	}{
		{"failed", nil, nil, false, true, false},
		{"failed, and failures no longer matter", nil, func(o *Options) { o.MaxFails = 0 }, false, true, true},
		{"ill", withHealth, withHealth, true, false, false},
		{"ill, and there are no probes any more", withHealth, nil, true, false, true},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			network := &prober{}
			o := Options{Targets: literals(2), MaxFails: 1, FailTimeout: time.Hour, probe: network.probe}
			before, after := o, o
			for _, c := range []struct {
				change  func(*Options)
				options *Options
			}{{tt.before, &before}, {tt.after, &after}} {
				if c.change != nil {
					c.change(c.options)
				}
			}
			old := New(before, nil)
			defer old.Close()
			h := old.Hosts()[0]
			if tt.down {
				network.set(h.Addr())
			}
			if tt.failed {
				h.Failed()
			}
			time.Sleep(time.Minute)
			if h.Available() {
				t.Fatalf("%s: the host is available before the reload", tt.name)
			}
			p := New(after, old)
			old.Close()
			defer p.Close()
			if p.Hosts()[0] != h || h.Available() != tt.want {
				t.Errorf("%s: Available() = %v after the reload, want %v", tt.name, h.Available(), tt.want)
			}
		})
	}
}

// Whoever holds a host last looks after it, also when that changes back.
func TestHostIsProbedByThePoolThatStays(t *testing.T) {
	for _, tt := range []struct {
		name   string
		closed func(old, new *Pool) *Pool
	}{
		{"the new one", func(old, _ *Pool) *Pool { return old }},
		{"the old one", func(_, new *Pool) *Pool { return new }},
	} {
		synctest.Test(t, func(t *testing.T) {
			network := &prober{}
			o := Options{Targets: literals(2), MaxFails: 1, FailTimeout: time.Minute, probe: network.probe}
			old := New(o, nil)
			defer old.Close()
			h := old.Hosts()[0]
			h.Failed()
			synctest.Wait()
			p := New(o, old)
			defer p.Close()
			old.wakeUp() // the old one finds that it has nothing to do
			synctest.Wait()
			tt.closed(old, p).Close()
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := network.count(h.Addr()); n != 1 || h.out.Load() != onTrial {
				t.Errorf("%s stays: %d probes, on trial %v; want 1, true", tt.name, n, h.out.Load() == onTrial)
			}
		})
	}
}

func TestHostInTwoPoolsIsProbedByTheNewerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		o := Options{Targets: literals(1), MaxFails: 1, FailTimeout: time.Minute, probe: network.probe}
		old := New(o, nil)
		defer old.Close()
		p := New(o, old)
		defer p.Close()
		h := p.Hosts()[0]
		network.set(h.Addr())
		h.Failed()
		time.Sleep(10*time.Minute + time.Second)
		h.judged.Lock()
		h.nextProbe = time.Time{} // due at once, and only the newer pool may see to it
		h.judged.Unlock()
		old.probeDue(t.Context())
		if n := network.count(h.Addr()); n != 10 {
			t.Errorf("%d probes in ten minutes, want 10", n)
		}
	})
}

func TestChangesOfStateAreLoggedAndCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		network := &prober{}
		p := New(Options{
			Name: "distributor", Targets: literals(2), MaxFails: 1, FailTimeout: 20 * time.Second, probe: network.probe,
			Health: Health{Path: "/ready", Interval: time.Second}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}, nil)
		h := p.Hosts()[0]
		network.set(h.Addr())
		time.Sleep(10 * time.Second) // out by the probes
		fail(h, 5)                   // and by its requests: still the same state
		time.Sleep(time.Minute)
		network.set()
		time.Sleep(time.Minute) // on trial, which is no change yet
		h.Failed()
		time.Sleep(time.Minute) // and once more
		h.Succeeded()           // back
		fail(h, 5)              // out once more
		p.Close()
		for text, want := range map[string]int{
			`level=WARN msg="host is passed over" upstream=distributor host=10.0.0.1:9009 cause="its health probes fail"`: 1,
			`level=WARN msg="host is passed over" upstream=distributor host=10.0.0.1:9009 cause="its requests fail"`:      1,
			`level=INFO msg="host is back" upstream=distributor host=10.0.0.1:9009`:                                       1,
			`host=`: 3,
		} {
			if got := strings.Count(log.String(), text); got != want {
				t.Errorf("%q stands in the log %d times, want %d:\n%s", text, got, want, &log)
			}
		}
		if n := h.series.passedOver.Load(); n != 2 {
			t.Errorf("passed over %d times by the count, want 2", n)
		}
		if probes, failures := h.series.probes.Load(), h.series.probeFailures.Load(); failures == 0 || probes <= failures {
			t.Errorf("%d probes, %d failures were counted", probes, failures)
		}
	})
}
