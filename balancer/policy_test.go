package balancer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// literals returns n targets 10.0.0.1, 10.0.0.2, …
func literals(n int) []Target {
	var targets []Target
	for i := range n {
		targets = append(targets, Target{Literal, fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), 9009})
	}
	return targets
}

// literalPool returns a pool of n hosts that nobody dials.
func literalPool(t testing.TB, n int) *Pool {
	t.Helper()
	p := New(Options{Name: "distributor", Targets: literals(n)}, nil)
	t.Cleanup(p.Close)
	return p
}

// picks counts what n picks give, by address.
func picks(p *Pool, n int, tried ...*Host) map[string]int {
	counts := map[string]int{}
	for range n {
		counts[p.Pick(tried).Addr()]++
	}
	return counts
}

func TestPickWithoutHostsIsNil(t *testing.T) {
	p := literalPool(t, 0)
	if h := p.Pick(nil); h != nil {
		t.Errorf("Pick = %v, want nil", h)
	}
	if h := p.Pick([]*Host{literalPool(t, 1).Hosts()[0]}); h != nil {
		t.Errorf("Pick with a stranger tried = %v, want nil", h)
	}
}

func TestPickGoesRoundTheHosts(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 100} {
		p := literalPool(t, n)
		for addr, got := range picks(p, 5*n) {
			if got != 5 {
				t.Errorf("%d hosts: %s was picked %d times of %d, want 5", n, addr, got, 5*n)
			}
		}
	}
}

func TestPickSkipsTriedHostsWhileAnotherIsLeft(t *testing.T) {
	p := literalPool(t, 3)
	a, b, c := p.Hosts()[0], p.Hosts()[1], p.Hosts()[2]
	tests := []struct {
		tried []*Host
		want  []*Host
	}{
		{nil, []*Host{a, b, c}},
		{[]*Host{a}, []*Host{b, c}},
		{[]*Host{c, a}, []*Host{b}},
		{[]*Host{a, b, c}, []*Host{a, b, c}},
	}
	for _, tt := range tests {
		got := picks(p, 60, tt.tried...)
		if len(got) != len(tt.want) {
			t.Errorf("tried %v: picked %v, want %v", tt.tried, got, tt.want)
		}
		for _, h := range tt.want {
			if got[h.Addr()] != 60/len(tt.want) {
				t.Errorf("tried %v: picked %v, want each of %v equally often", tt.tried, got, tt.want)
			}
		}
	}
}

// With one counter for first and further picks, a host that always fails moves it twice a round: of three hosts one
// would then never get a first attempt.
func TestFurtherAttemptsDoNotPushHostsOutOfTurn(t *testing.T) {
	p := literalPool(t, 3)
	failing := p.Hosts()[0]
	first, further := map[*Host]int{}, map[*Host]int{}
	for range 300 {
		h := p.Pick(nil)
		first[h]++
		if h == failing {
			further[p.Pick([]*Host{h})]++
		}
	}
	for _, h := range p.Hosts() {
		if first[h] != 100 {
			t.Errorf("%v: %d first attempts, want 100", h, first[h])
		}
	}
	if further[p.Hosts()[1]] != 50 || further[p.Hosts()[2]] != 50 {
		t.Errorf("further attempts %v, want 50 each for the other two", further)
	}
}

func TestPickIsEvenAfterTheListChanges(t *testing.T) {
	p := New(Options{Name: "distributor", Targets: []Target{{Name, "distributor", 9009}}, Resolver: silentResolver{}}, nil)
	t.Cleanup(p.Close)
	for _, n := range []int{3, 4, 3, 1, 5} {
		var keys []hostKey
		for _, target := range literals(n) {
			keys = append(keys, literalKey(target))
		}
		before := p.next.Load()
		p.replace(keys, p.Hosts())
		if p.next.Load() != before {
			t.Fatalf("a new list moved the counter from %d to %d", before, p.next.Load())
		}
		got := picks(p, 1000*n+n/2)
		for _, h := range p.Hosts() {
			if c := got[h.Addr()]; c < 1000 || c > 1001 {
				t.Errorf("%d hosts: picked %v, want each 1000 or 1001 times", n, got)
				break
			}
		}
	}
}

func TestPickKeepsTheCounterAcrossPools(t *testing.T) {
	old := literalPool(t, 3)
	first := old.Pick(nil)
	p := New(Options{Name: "distributor", Targets: literals(3)}, old)
	t.Cleanup(p.Close)
	hosts := p.Hosts()
	next := hosts[(slices.Index(hosts, first)+1)%3]
	if got := p.Pick(nil); got != next {
		t.Errorf("the pool before picked %v, this one %v, want %v", first, got, next)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 3, 100} {
		p := literalPool(b, n)
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Pick(nil)
			}
		})
		b.Run(fmt.Sprintf("hosts=%d/parallel", n), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p.Pick(nil)
				}
			})
		})
		b.Run(fmt.Sprintf("hosts=%d/least-conn", n), func(b *testing.B) {
			p := New(Options{Targets: literals(n), Policy: LeastConn}, nil)
			defer p.Close()
			for b.Loop() {
				p.Pick(nil)
			}
		})
		b.Run(fmt.Sprintf("hosts=%d/one-tried", n), func(b *testing.B) {
			tried := p.Hosts()[:1]
			for b.Loop() {
				p.Pick(tried)
			}
		})
	}
}

func TestLeastConnAvoidsTheBusierHost(t *testing.T) {
	tests := []struct {
		inFlight []int
		want     []int // indices of the hosts that are ever picked
	}{
		{[]int{0}, []int{0}},
		{[]int{5}, []int{0}},
		{[]int{0, 0}, []int{0, 1}},
		{[]int{0, 1}, []int{0}},
		{[]int{7, 3}, []int{1}},
		{[]int{1, 1, 9}, []int{0, 1}},
		{[]int{9, 8, 7}, []int{1, 2}}, // the most loaded one never wins
		{[]int{0, 0, 0, 0}, []int{0, 1, 2, 3}},
	}
	for _, tt := range tests {
		p := New(Options{Targets: literals(len(tt.inFlight)), Policy: LeastConn}, nil)
		for i, n := range tt.inFlight {
			for range n {
				p.Hosts()[i].Begin()
			}
		}
		got := picks(p, 1000)
		for _, i := range tt.want {
			if got[p.Hosts()[i].Addr()] == 0 {
				t.Errorf("in flight %v: host %d was never picked", tt.inFlight, i)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("in flight %v: picked %v, want only %v", tt.inFlight, got, tt.want)
		}
		p.Close()
	}
}

func TestLeastConnKeepsTheLoadTogether(t *testing.T) {
	p := New(Options{Targets: literals(10), Policy: LeastConn}, nil)
	defer p.Close()
	for range 1000 {
		p.Pick(nil).Begin()
	}
	// Two random choices stay within a few of the mean; one alone would be off by tens.
	for _, h := range p.Hosts() {
		if n := h.InFlight(); n < 90 || n > 110 {
			t.Errorf("%v has %d requests of 1000 among ten, want about 100", h, n)
		}
	}
}

func TestPoliciesHaveTheNamesOfTheConfiguration(t *testing.T) {
	for name, want := range map[string]Policy{"round_robin": RoundRobin, "least_conn": LeastConn} {
		if got, ok := ParsePolicy(name); !ok || got != want || got.String() != name {
			t.Errorf("ParsePolicy(%q) = %v, %v; want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "leastconn", "LEAST_CONN"} {
		if got, ok := ParsePolicy(name); ok {
			t.Errorf("ParsePolicy(%q) = %v, want none", name, got)
		}
	}
}

// TestPickAvoidsFullHosts: a host whose connections are all in use comes behind those of its kind, but never behind one
// that is passed over.
func TestPickAvoidsFullHosts(t *testing.T) {
	for _, policy := range []Policy{RoundRobin, LeastConn} {
		p := New(Options{Name: "distributor", Targets: literals(3), Policy: policy, MaxConnections: 2, MaxFails: 1, FailTimeout: time.Hour}, nil)
		t.Cleanup(p.Close)
		a, b, c := p.Hosts()[0], p.Hosts()[1], p.Hosts()[2]
		for _, h := range []*Host{a, a, b, b} {
			h.Begin()
		}
		for _, step := range []struct {
			what  string
			do    func()
			tried []*Host
			want  []*Host
		}{
			{"two are full", func() {}, nil, []*Host{c}},
			{"the third was tried", func() {}, []*Host{c}, []*Host{a, b}},
			{"the third is passed over", c.Failed, nil, []*Host{a, b}},
			{"and a full one was tried", func() {}, []*Host{a}, []*Host{b}},
			{"both full ones were tried", func() {}, []*Host{a, b}, []*Host{a, b}},
			{"one has room again", a.End, nil, []*Host{a}},
		} {
			step.do()
			for addr := range picks(p, 60, step.tried...) {
				if !slices.ContainsFunc(step.want, func(h *Host) bool { return h.Addr() == addr }) {
					t.Errorf("%s, %s: %s was picked, want one of %v", policy, step.what, addr, step.want)
				}
			}
		}
		if a.Crowded() || b.Crowded() {
			t.Error("a host with no more requests than connections is crowded")
		}
		b.Begin()
		if !b.Crowded() {
			t.Error("a host with more requests than connections is not crowded")
		}
		if _, err := b.Acquire(time.Now(), time.Hour, 0); !errors.Is(err, ErrNoConnection) {
			t.Errorf("Acquire without a queue: %v, want ErrNoConnection", err)
		}
	}
}
