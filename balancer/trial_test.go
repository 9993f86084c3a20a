package balancer

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// tryOut fails the first host of a pool often enough, and lets the probe reach it after that.
func tryOut(t *testing.T, p *Pool) *Host {
	t.Helper()
	h := p.Hosts()[0]
	fail(h, 3)
	time.Sleep(defaultFailTimeout)
	synctest.Wait()
	if h.out.Load() != onTrial {
		t.Fatal("the host is not on trial")
	}
	return h
}

// TestOneRequestAtATimeTriesAHost, whatever came of the one before, until one has succeeded.
func TestOneRequestAtATimeTriesAHost(t *testing.T) {
	for _, policy := range []Policy{RoundRobin, LeastConn} {
		synctest.Test(t, func(t *testing.T) {
			p := New(Options{Targets: literals(3), Policy: policy, MaxFails: 3, probe: new(prober).probe}, nil)
			defer p.Close()
			h := tryOut(t, p)
			others := p.Hosts()[1:]
			for step, verdict := range []func(){h.Undecided, h.Undecided, h.Failed, h.Undecided, h.Failed, h.Succeeded} {
				if n := picks(p, 600)[h.Addr()]; n != 1 {
					t.Errorf("%v, step %d: %d of 600 requests try the host, want 1", policy, step, n)
				}
				if n := picks(p, 60, others[0])[h.Addr()]; n != 0 {
					t.Errorf("%v, step %d: %d further attempts of 60 go to the host with another one there, want none", policy, step, n)
				}
				verdict()
				if step == 2 || step == 4 { // it failed
					if n := picks(p, 600)[h.Addr()]; n != 0 {
						t.Errorf("%v, step %d: %d of 600 requests go to the host that failed again", policy, step, n)
					}
					time.Sleep(defaultFailTimeout)
					synctest.Wait()
				}
			}
			if n := picks(p, 600)[h.Addr()]; n < 100 {
				t.Errorf("%v: %d of 600 requests go to the host that is back, want its share", policy, n)
			}
			fail(h, 2)
			if !h.Available() {
				t.Error("two failures in a row take out a host that is back")
			}
		})
	}
}

// TestAtOnceOneOfManyTriesAHost asks from many goroutines.
func TestAtOnceOneOfManyTriesAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Targets: literals(2), MaxFails: 3, probe: new(prober).probe}, nil)
		defer p.Close()
		h := tryOut(t, p)
		var mu sync.Mutex
		tries := 0
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				n := picks(p, 200)[h.Addr()]
				mu.Lock()
				tries += n
				mu.Unlock()
			})
		}
		group.Wait()
		if tries != 1 {
			t.Errorf("%d requests try the host at once, want 1", tries)
		}
	})
}

// TestAHostOnTrialIsBetterThanOneThatFails, and then there is nothing to spare requests for.
func TestAHostOnTrialIsBetterThanOneThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		p := New(Options{Targets: literals(3), MaxFails: 3, probe: network.probe}, nil)
		defer p.Close()
		network.set(p.Hosts()[1].Addr(), p.Hosts()[2].Addr())
		fail(p.Hosts()[1], 3)
		fail(p.Hosts()[2], 3)
		h := tryOut(t, p)
		if got := picks(p, 60); got[h.Addr()] != 60 {
			t.Errorf("picked %v, want always the one that takes connections", got)
		}
	})
}

// TestAPoolIsNotUnhealthyWithAHostOnTrial: the balancers in front have to come back, or nobody would ever try it.
func TestAPoolIsNotUnhealthyWithAHostOnTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Targets: literals(1), MaxFails: 3, probe: new(prober).probe}, nil)
		defer p.Close()
		begin := time.Now()
		h := p.Hosts()[0]
		fail(h, 3)
		if got := age(p); got != 0 {
			t.Errorf("unhealthy for %v with a host that fails", got)
		}
		time.Sleep(defaultFailTimeout)
		synctest.Wait()
		if got := age(p); got != -1 {
			t.Errorf("unhealthy for %v with a host on trial", got)
		}
		if c := h.Condition(); c != (Condition{PassedOver: true, Cause: trialCause, Since: begin}) {
			t.Errorf("a host on trial: %+v", c)
		}
		h.Failed()
		if got := age(p); got != 0 {
			t.Errorf("unhealthy for %v with a host whose trial has just failed", got)
		}
	})
}

// TestASlowProbeDelaysNoOther: a host that does not answer probes takes nothing from those that do.
func TestASlowProbeDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		p := New(Options{
			Targets: literals(2), Health: Health{Path: "/ready", Interval: time.Second},
			probe: func(ctx context.Context, h *Host) error {
				if err := network.probe(ctx, h); h.Addr() != "10.0.0.1:9009" {
					return err
				}
				<-ctx.Done()
				return ctx.Err()
			},
		}, nil)
		defer p.Close()
		time.Sleep(time.Minute)
		if slow, other := network.count("10.0.0.1:9009"), network.count("10.0.0.2:9009"); slow != 1 || other < 50 {
			t.Errorf("in a minute, with a probe a second, %d and %d probes; want 1, which goes on, and about 60", slow, other)
		}
	})
}
