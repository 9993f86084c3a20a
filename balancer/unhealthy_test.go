package balancer

import (
	"testing"
	"testing/synctest"
	"time"
)

// age is how long a pool has had no healthy host; -1: it has one.
func age(p *Pool) time.Duration {
	if since := p.UnhealthySince(); !since.IsZero() {
		return time.Since(since)
	}
	return -1
}

func TestAPoolIsUnhealthyWithoutAHealthyHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := New(Options{
			Targets: literals(2), MaxFails: 1, FailTimeout: time.Minute, probe: (&prober{}).probe,
		}, nil)
		hosts := pool.Hosts()
		step := func(what string, want time.Duration) {
			t.Helper()
			if got := age(pool); got != want {
				t.Errorf("%s: unhealthy for %v, want %v", what, got, want)
			}
		}
		step("at first", -1)
		hosts[0].Failed()
		step("with one of two", -1)
		time.Sleep(3 * time.Second)
		hosts[1].Failed()
		step("with none", 0)
		time.Sleep(2 * time.Second)
		step("two seconds later", 2*time.Second)
		hosts[1].Failed()
		step("after a further failure", 2*time.Second)

		// A reload is no news of the hosts.
		next := New(pool.o, pool)
		pool.Close()
		pool = next
		defer func() { pool.Close() }()
		step("after a reload", 2*time.Second)

		hosts[0].Succeeded()
		step("with one again", -1)
		hosts[0].Failed()
		step("and without it", 0)
	})
}

// TestAHostThatIsIllAndUsedAllTheSameIsNotHealthy has a single host, which probes never take out.
func TestAHostThatIsIllAndUsedAllTheSameIsNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &prober{}
		network.set("10.0.0.1:9009")
		pool := New(Options{
			Targets: literals(1), probe: network.probe,
			Health: Health{Path: "/ready", Interval: time.Second, Fall: 2, Rise: 2},
		}, nil)
		defer pool.Close()
		time.Sleep(10 * time.Second)
		if !pool.Hosts()[0].Available() {
			t.Error("the last host is passed over")
		}
		// Two answers, a second apart give or take a tenth.
		if got := age(pool); got < 8*time.Second || got > 10*time.Second {
			t.Errorf("unhealthy for %v, want about 9s", got)
		}
		network.set()
		time.Sleep(10 * time.Second)
		if got := age(pool); got != -1 {
			t.Errorf("well again, but unhealthy for %v", got)
		}
	})
}

func TestAPoolWithoutHostsIsUnhealthySinceItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := New(Options{}, nil)
		time.Sleep(4 * time.Second)
		next := New(Options{}, pool)
		pool.Close()
		defer next.Close()
		if got := age(next); got != 4*time.Second {
			t.Errorf("unhealthy for %v, want 4s: a reload changes nothing", got)
		}
		after := New(Options{Targets: literals(1)}, next)
		defer after.Close()
		if got := age(after); got != -1 {
			t.Errorf("unhealthy for %v with a host", got)
		}
	})
}
