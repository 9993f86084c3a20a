package balancer

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The clock of the bubble stands still while anything runs, so the times are exact.
func TestLookUpsComeAtOnceAndThenAfterTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Second
		var ended []time.Time
		begin := time.Now()
		p := New(Options{
			Targets:         []Target{{Name, "distributor.test", 80}},
			Resolver:        &scriptedResolver{ips: map[string][]string{"distributor.test": {"10.0.0.1"}}},
			RefreshInterval: interval,
			afterRound:      func() { ended = append(ended, time.Now()) },
		}, nil)
		time.Sleep(500 * interval)
		p.Close()
		if !ended[0].Equal(begin) {
			t.Errorf("the first look-up came after %v, want at once", ended[0].Sub(begin))
		}
		shortest, longest := interval, interval
		for i := range ended[1:] {
			pause := ended[i+1].Sub(ended[i])
			shortest, longest = min(shortest, pause), max(longest, pause)
		}
		if shortest < interval*9/10 || longest > interval*11/10 {
			t.Errorf("pauses between %v and %v, want within 10%% of %v", shortest, longest, interval)
		}
		if longest-shortest < interval/10 {
			t.Errorf("pauses between %v and %v: no jitter", shortest, longest)
		}
	})
}

func TestNameWithoutAnAnswerIsAskedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resolver := &scriptedResolver{fails: map[string]error{"distributor.test": errDNS}}
		p := New(Options{
			Targets:         []Target{{Name, "distributor.test", 80}},
			Resolver:        resolver,
			RefreshInterval: time.Hour,
		}, nil)
		defer p.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(resolver.asked); n < 9 || n > 12 {
			t.Errorf("asked %d times in 10 s, want once a second", n)
		}
		resolver.change(func(s *scriptedResolver) {
			s.ips, s.fails = map[string][]string{"distributor.test": {"10.0.0.1"}}, nil
		})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantHosts(t, p, "10.0.0.1:80")
	})
}

func TestLookUpThatHangsEndsAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{
			Targets:         []Target{{Name, "hangs.test", 80}, {Name, "works.test", 80}},
			Resolver:        halfSilentResolver{},
			RefreshInterval: 5 * time.Second,
		}, nil)
		defer p.Close()
		synctest.Wait()
		wantHosts(t, p, "10.0.0.1:80")
		for _, tt := range []struct {
			within time.Duration
			want   bool
		}{{lookupTimeout - 1, false}, {time.Second, true}} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.within)
			if got := p.Wait(ctx); got != tt.want {
				t.Errorf("Wait = %v after another %v, want %v", got, tt.within, tt.want)
			}
			cancel()
		}
		if err := p.ResolveError(); err == nil || !strings.Contains(err.Error(), "hangs.test") {
			t.Errorf("ResolveError() = %v, want it to name the target", err)
		}
	})
}

// halfSilentResolver answers for one name only.
type halfSilentResolver struct{ silentResolver }

func (r halfSilentResolver) LookupIP(ctx context.Context, host string) (addrs []netip.Addr, err error) {
	if host == "works.test" {
		return (&scriptedResolver{ips: map[string][]string{host: {"10.0.0.1"}}}).LookupIP(ctx, host)
	}
	return r.silentResolver.LookupIP(ctx, host)
}

func TestCloseDoesNotWaitForALookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Targets: []Target{{Name, "distributor.test", 80}}, Resolver: silentResolver{}}, nil)
		synctest.Wait()
		begin := time.Now()
		p.Close()
		p.Close()
		if waited := time.Since(begin); waited > 0 {
			t.Errorf("Close took %v", waited)
		}
		if p.o.Log.Enabled(t.Context(), slog.LevelError) {
			t.Error("without Log something is logged")
		}
	})
}

// TestANameThatWasNeverAnsweredHasNoLastAnswer: the log must not tell of hosts that there are not.
func TestANameThatWasNeverAnsweredHasNoLastAnswer(t *testing.T) {
	var log bytes.Buffer
	_, r := steppedPool(t, Options{
		Name: "distributor", Targets: []Target{{Name, "distributor.test", 80}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Resolver: &scriptedResolver{fails: map[string]error{"distributor.test": errDNS}},
	}, nil)
	r.first()
	if want := `msg="look-up failed; it has never been answered, so its hosts are not known"`; !strings.Contains(log.String(), want) {
		t.Errorf("no %s in\n%s", want, &log)
	}
}

func TestFailuresAreLoggedWhenTheyBeginAndEnd(t *testing.T) {
	var log bytes.Buffer
	resolver := &scriptedResolver{ips: map[string][]string{"distributor.test": {"10.0.0.1"}}}
	p, r := steppedPool(t, Options{
		Name:     "distributor",
		Targets:  []Target{{Name, "distributor.test", 80}},
		Resolver: resolver,
		Log:      slog.New(slog.NewTextHandler(&log, nil)),
	}, nil)
	r.first()
	resolver.change(func(s *scriptedResolver) { s.fails, s.ips = map[string]error{"distributor.test": errDNS}, nil })
	r.next()
	r.next()
	resolver.change(func(s *scriptedResolver) {
		s.fails, s.ips = nil, map[string][]string{"distributor.test": {"10.0.0.2"}}
	})
	r.next()
	r.next()
	for text, want := range map[string]int{
		`msg="hosts changed" upstream=distributor`:                                             2,
		`hosts=1 came=[10.0.0.2:80] went=[10.0.0.1:80]`:                                        1,
		`level=WARN msg="look-up failed; the hosts of the last good answer stay"`:              1,
		`target=distributor.test:80 error="look up distributor.test: server misbehaving"`:      1,
		`level=INFO msg="look-up works again" upstream=distributor target=distributor.test:80`: 1,
	} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q stands in the log %d times, want %d:\n%s", text, got, want, &log)
		}
	}
	_ = p
}
