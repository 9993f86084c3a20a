package proxy

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
)

func TestMemoryIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inUse, looks atomic.Int64
		m := memory{limit: 1000, inUse: func() int64 { looks.Add(1); return inUse.Load() }}
		for range 1000 {
			if m.tight(time.Now()) {
				t.Fatal("tight with nothing in use")
			}
		}
		if looks.Load() != 1 {
			t.Errorf("%d looks in one moment, want one", looks.Load())
		}
		inUse.Store(801)
		time.Sleep(memoryLook)
		start := time.Now()
		if m.await(time.Second) {
			t.Error("801 of 1,000 bytes are in use, and there is memory")
		}
		if waited := time.Since(start); waited < time.Second || waited > time.Second+memoryRetry {
			t.Errorf("waited %v, want a second", waited)
		}
		go func() {
			time.Sleep(300 * time.Millisecond)
			inUse.Store(800)
		}()
		if !m.await(time.Second) {
			t.Error("memory that was given back was not waited for")
		}
	})
}

func TestMemoryThatIsNotKnownIsNeverTight(t *testing.T) {
	var m memory
	if m.tight(time.Now()) || !m.await(0) {
		t.Error("tight without a limit")
	}
}

func TestWhatIsInUseIsRead(t *testing.T) {
	if n := memoryInUse(); n < 1<<20 || n > 1<<34 {
		t.Errorf("%d bytes in use", n)
	}
}

// TestNearTheMemoryLimit: pushes are refused so that they come again, reads too, and what is in use is the whole reason.
func TestNearTheMemoryLimit(t *testing.T) {
	t.Parallel()
	upstream := startRecorder(t, nil)
	g := startGateway(t, testRoutes(testPool(t, upstream.addr), nil))
	var inUse atomic.Int64
	g.memory.limit, g.memory.inUse = 1000, inUse.Load
	inUse.Store(900)
	g.memory.next.Store(0)
	for raw, want := range map[string]int{push("data"): 503, query: 429} {
		got := g.ask(t, raw)
		if got.status != want || got.reason != "overloaded" {
			t.Errorf("client got %v, want %d", got, want)
		}
	}
	inUse.Store(0)
	g.memory.next.Store(0)
	if got := g.ask(t, push("data")); got.status != 200 {
		t.Errorf("client got %v with memory to spare", got)
	}
	x := exchange{proxy: g.Proxy, route: &route{Route: Route{Scope: authcache.Write, RetryBodySize: 100}}}
	if !x.keeps(10) {
		t.Error("a body is not kept with memory to spare")
	}
	inUse.Store(900)
	g.memory.next.Store(0)
	if x.keeps(10) {
		t.Error("a body is kept without memory to spare")
	}
}
