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
		if !h.Available() {
			t.Error("the host is not back after a good probe")
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

func TestHostBackOnProbationGoesWithTheNextFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Targets: literals(2), MaxFails: 3, probe: new(prober).probe}, nil)
		defer p.Close()
		h := p.Hosts()[0]
		back := func() {
			t.Helper()
			time.Sleep(defaultFailTimeout)
			synctest.Wait()
			if !h.Available() {
				t.Fatal("the host is not back")
			}
		}
		fail(h, 3)
		back()
		h.Failed()
		if h.Available() {
			t.Error("the host is available after it failed again")
		}
		back()
		h.Succeeded()
		fail(h, 2)
		if !h.Available() {
			t.Error("a good answer did not end the probation")
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

func TestProbesTakeOutAtMostHalfOfTheHosts(t *testing.T) {
	tests := []struct {
		hosts        int
		failed, down string // by requests, by probes
		want         int    // of those that are down or failed; which, is chance
	}{
		{1, "", "1", 0},
		{2, "", "2", 1},
		{2, "", "1 2", 1},
		{3, "", "2 3", 1},
		{4, "", "4", 1},
		{4, "", "1 2 3 4", 2},
		{5, "", "1 2 3 4 5", 2},
		{4, "3", "1 2 3 4", 2}, // those that failed requests count
		{4, "3 4", "1 2 3 4", 2},
		{4, "1 2 3 4", "1 2", 4}, // requests may take out all
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			network := &prober{}
			p := New(Options{
				Targets: literals(tt.hosts), MaxFails: 1, FailTimeout: time.Hour, probe: network.probe,
				Health: Health{Path: "/ready", Interval: time.Second, Fall: 3},
			}, nil)
			defer p.Close()
			for _, n := range strings.Fields(tt.failed) {
				p.Hosts()[n[0]-'1'].Failed()
			}
			var down []string
			for _, n := range strings.Fields(tt.down) {
				down = append(down, "10.0.0."+n+":9009")
			}
			after := func(pause time.Duration) string {
				time.Sleep(pause)
				synctest.Wait()
				return unavailable(p)
			}
			after(0)
			network.set(down...)
			if got := after(2 * time.Second); got != tt.failed {
				t.Errorf("%+v: %q out before the third bad probe", tt, got)
			}
			out := after(2 * time.Second)
			if len(strings.Fields(out)) != tt.want {
				t.Errorf("%+v: %q out", tt, out)
			}
			for _, n := range strings.Fields(out) {
				if !strings.Contains(tt.down+tt.failed, n) {
					t.Errorf("%+v: %s is out though it is well", tt, n)
				}
			}
			if later := after(time.Minute); later != out {
				t.Errorf("%+v: %q out, a minute later %q", tt, out, later)
			}
			network.set()
			if got := after(3 * time.Second); got != tt.failed {
				t.Errorf("%+v: all are well, but %q out", tt, got)
			}
		})
	}
}

func TestProbesRiseAndFall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		p := New(Options{
			Targets: literals(2), probe: network.probe,
			Health: Health{Path: "/ready", Interval: 10 * time.Second, Rise: 2, Fall: 3},
		}, nil)
		defer p.Close()
		h := p.Hosts()[0]
		probes := 0
		for i, step := range []struct {
			story string // of probes: + good, - bad
			want  bool
		}{
			{"+", true}, {"--", true}, {"+", true}, {"--", true}, {"-", false}, {"-", false}, {"+", false}, {"-", false},
			{"+", false}, {"+", true}, {"--", true}, {"-", false}, {"++", true},
		} {
			for _, c := range step.story {
				if c == '-' {
					network.set(h.Addr())
				} else {
					network.set()
				}
				for probes++; network.count(h.Addr()) < probes; {
					time.Sleep(time.Second)
				}
			}
			synctest.Wait()
			if h.Available() != step.want {
				t.Fatalf("step %d, %q: Available() = %v, want %v", i, step.story, h.Available(), step.want)
			}
		}
	})
}

// The pool shrinks until the hosts that are out are more than half of it.
func TestProbesPutHostsBackWhenTheOthersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resolver := &scriptedResolver{ips: map[string][]string{
			"a.test": {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"},
		}}
		network := &prober{down: []string{"10.0.0.1:9009", "10.0.0.2:9009"}}
		p := New(Options{
			Targets: []Target{{Name, "a.test", 9009}}, Resolver: resolver, RefreshInterval: time.Second,
			probe: network.probe, Health: Health{Path: "/ready", Interval: time.Second},
		}, nil)
		defer p.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := unavailable(p); got != "1 2" {
			t.Fatalf("%q out, want 1 2", got)
		}
		resolver.change(func(s *scriptedResolver) { s.ips["a.test"] = []string{"10.0.0.1", "10.0.0.2"} })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := unavailable(p); got != "1" {
			t.Errorf("%q out of 1 and 2, want 1", got)
		}
	})
}

func TestHostThatFailedComesBackByItsHealthPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{
			Targets: literals(2), MaxFails: 1, FailTimeout: 30 * time.Second, probe: new(prober).probe,
			Health: Health{Path: "/ready", Interval: time.Second},
		}, nil)
		defer p.Close()
		h := p.Hosts()[0]
		h.Failed()
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if h.Available() {
			t.Error("good probes brought the host back before fail_timeout")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if !h.Available() {
			t.Error("the host is not back after fail_timeout and a good probe")
		}
	})
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
			if n := network.count(h.Addr()); n != 1 || !h.Available() {
				t.Errorf("%s stays: %d probes, available %v; want 1, true", tt.name, n, h.Available())
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
		h.nextProbe = time.Time{} // due at once, and only the newer pool may see to it
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
		time.Sleep(time.Minute) // back
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
