package proxy

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
)

func TestMemoryIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inUse, looks atomic.Int64
		m := memory{limit: 1000, inUse: func() int64 { looks.Add(1); return inUse.Load() }, collect: func() {}}
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

// TestACollectionComesBeforeARefusal: garbage that the runtime has not collected yet is no reason to refuse anybody, and
// looking for some is not done all the time.
func TestACollectionComesBeforeARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inUse, garbage, collections := 100, 800, 0
		m := memory{limit: 1000, inUse: func() int64 { return int64(inUse + garbage) }}
		m.collect = func() { garbage = 0; collections++; time.Sleep(10 * time.Millisecond) }
		if m.tight(time.Now()) || collections != 1 {
			t.Errorf("tight because of garbage, after %d collections", collections)
		}
		inUse = 900
		start := time.Now()
		for range 100_000 {
			time.Sleep(time.Millisecond)
			if !m.tight(time.Now()) && time.Since(start) > 2*memoryLook {
				t.Fatalf("not tight, with what is in use %v ago", time.Since(start))
			}
		}
		if lasted := time.Since(start); collections < 100 || time.Duration(collections-1) > lasted/memoryCollect {
			t.Errorf("%d collections in %v that found nothing, want no more than one in %v", collections, lasted, memoryCollect)
		}
		m.collect = func() { collections++; time.Sleep(time.Second) }
		start, collections = time.Now(), 0
		for time.Since(start) < time.Minute {
			time.Sleep(time.Millisecond)
			m.tight(time.Now())
		}
		if collections > 7 {
			t.Errorf("%d collections of a second each in a minute: want a tenth of the time at most", collections)
		}
	})
}

// TestMemoryThatIsGivenBackIsThere reads what the runtime says. A process that was near its limit and has nothing to do
// any more collects no garbage by itself.
func TestMemoryThatIsGivenBackIsThere(t *testing.T) {
	if inChild(t) {
		serveAsChild(t)
		return
	}
	answer := make(chan struct{})
	u := startScripted(t, holdingThose(answer, func(l *line) bool { return l.nonce == "held" }))
	g := startGatewayProcess(t, u.addr, "GOMEMLIMIT=100MiB")
	defer g.end()
	ask := func(nonce, body string) reply {
		c, err := dialLarge(g.addr)
		if err != nil {
			return reply{err: err}
		}
		defer c.Close()
		// In chunks, so that it is kept in the memory of the process.
		return c.ask(inChunks(requestOf("write", nonce, body)))
	}
	large := strings.Repeat("x", 1_000_000)
	var pushes sync.WaitGroup
	eventually(t, "the process is near its limit", func() bool {
		for range 10 {
			pushes.Go(func() { ask("held", large) })
		}
		got := ask("n", "samples")
		return got.status == 503 && got.reason == "overloaded"
	})
	close(answer)
	pushes.Wait()
	// With nothing under way a push now and then has to do, and it is no load that makes the runtime collect.
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		got := ask("n", "samples")
		if got.status == 200 {
			t.Logf("there is memory again after %v", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("after %v with nothing under way, a push is answered %v: %s", patience, got, got.body)
		}
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
