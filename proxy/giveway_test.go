package proxy

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestGivingWayKnowsWhetherOthersWait(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var g giveWay
	now := time.Now()
	look := func() bool {
		now = now.Add(giveWayLook)
		g.before(now)
		return g.busy.Load()
	}
	for tries := 0; look(); tries++ { // whatever else runs in this process or on this machine ends
		if tries == 1000 {
			t.Fatal("nobody else runs, and still it gives way")
		}
		time.Sleep(time.Millisecond)
	}

	var ran atomic.Int64
	end := make(chan struct{})
	for range 2 {
		go func() {
			for {
				select {
				case <-end:
					return
				default:
					for until := time.Now().Add(2 * giveWayBusy); time.Now().Before(until); {
					}
					ran.Add(1)
					runtime.Gosched()
				}
			}
		}()
	}
	defer close(end)
	runtime.Gosched()
	for tries := 0; !look(); tries++ {
		if tries == 1000 {
			t.Fatal("others run, and it does not give way")
		}
	}
	before := ran.Load()
	for tries := 0; ran.Load() == before; tries++ {
		if tries == 1000 {
			t.Fatal("it gives way, and nobody else gets to run")
		}
		g.before(now)
	}
}
