package balancer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
		if h.out.Load() != failing {
			t.Error("good probes brought the host back before fail_timeout")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if h.out.Load() != onTrial {
			t.Error("the host is not on trial after fail_timeout and a good probe")
		}
	})
}
