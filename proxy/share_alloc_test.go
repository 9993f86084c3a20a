//go:build !race

package proxy

import "testing"

// TestSharesDoNotAllocate: what is counted for every push leaves nothing to collect, with limits or without, and also where
// it is counted who has how much.
func TestSharesDoNotAllocate(t *testing.T) {
	for _, limited := range []string{"none", "another", "others", "all"} {
		p := limitedTenants(limited, []string{"team-a"})
		x := newArrival(p, &route{slots: new(slots), connections: bounded(512)}, "team-a")
		push := shareLoop(x)
		if n := testing.AllocsPerRun(1000, push); n > 0 {
			t.Errorf("limited=%s: %v allocations", limited, n)
		}
		x.route.connections = crowdedSlots(512)
		p.writes.used.Store(5000)
		if n := testing.AllocsPerRun(1000, push); n > 0 {
			t.Errorf("limited=%s, crowded: %v allocations", limited, n)
		}
	}
}
