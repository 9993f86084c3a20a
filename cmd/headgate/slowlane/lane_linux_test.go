package slowlane

import (
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// onProcessors runs the test as GOMAXPROCS=n would.
func onProcessors(t *testing.T, n int, setting string) {
	t.Helper()
	before := runtime.GOMAXPROCS(n)
	t.Setenv("GOMAXPROCS", setting)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

func priority(t *testing.T) int {
	t.Helper()
	// The kernel's answer is 20 less the niceness, so that it is never below 0 (getpriority(2)).
	raised, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - raised
}

func TestOneProcessorGetsASecondForAsLong(t *testing.T) {
	onProcessors(t, 1, "1")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	usual, ours := priority(t), unix.Gettid()
	var lane Lane
	ran := false
	lane.Run(func() {
		ran = true
		if n := runtime.GOMAXPROCS(0); n != 2 {
			t.Errorf("%d processors meanwhile, want 2", n)
		}
		if unix.Gettid() == ours {
			t.Error("it runs on the thread of its caller")
		}
		if got, want := priority(t), usual+niceness; got != want {
			t.Errorf("niceness %d, want %d", got, want)
		}
	})
	if !ran {
		t.Error("Run returned before its work was done")
	}
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("%d processors afterwards, want 1", n)
	}
	if got := priority(t); got != usual {
		t.Errorf("the caller's niceness is %d now, it was %d", got, usual)
	}
}

func TestTheDefaultComesBackWhereNothingElseIsSet(t *testing.T) {
	onProcessors(t, 1, "")
	new(Lane).Run(func() {})
	if n, want := runtime.GOMAXPROCS(0), runtime.NumCPU(); n > want || n == 1 && want > 1 {
		t.Errorf("%d processors afterwards; the machine has %d", n, want)
	}
}

func TestTheSecondProcessorStaysUntilTheLastHasEnded(t *testing.T) {
	onProcessors(t, 1, "1")
	var lane Lane
	var first, second sync.WaitGroup
	begun, end := make(chan struct{}), make(chan struct{})
	first.Go(func() { lane.Run(func() { close(begun); <-end }) })
	<-begun
	second.Go(func() { lane.Run(func() {}) })
	second.Wait()
	if n := runtime.GOMAXPROCS(0); n != 2 {
		t.Errorf("%d processors while work goes on, want 2", n)
	}
	close(end)
	first.Wait()
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("%d processors afterwards, want 1", n)
	}
}

// TestNothingIsCollectedWhileMuchIsLoaded: the last one to end gives the collector back what it had.
func TestNothingIsCollectedWhileMuchIsLoaded(t *testing.T) {
	onProcessors(t, 1, "1")
	const usual = 77
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	percent := func() int {
		now := debug.SetGCPercent(-1)
		debug.SetGCPercent(now)
		return now
	}
	var lane Lane
	lane.Run(func() {
		if got := percent(); got != usual {
			t.Errorf("GOGC is %d beside work that leaves nothing, want %d", got, usual)
		}
	})
	lane.Load(func() {
		lane.Load(func() {})
		if got := percent(); got != -1 {
			t.Errorf("GOGC is %d meanwhile, want -1", got)
		}
	})
	if got := percent(); got != usual {
		t.Errorf("GOGC is %d afterwards, want %d", got, usual)
	}
	func() {
		defer func() { _ = recover() }()
		lane.Load(func() { panic("broken") })
	}()
	if got := percent(); got != usual {
		t.Errorf("GOGC is %d after a panic, want %d", got, usual)
	}
	collections := func() int64 {
		var s debug.GCStats
		debug.ReadGCStats(&s)
		return s.NumGC
	}
	before := collections()
	lane.Load(func() {})
	for collections() == before { // for ever, if nobody calls the collector
		runtime.Gosched()
	}
}

func TestMoreProcessorsAreEnough(t *testing.T) {
	onProcessors(t, 2, "2")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours := unix.Gettid()
	new(Lane).Run(func() {
		if unix.Gettid() != ours || runtime.GOMAXPROCS(0) != 2 {
			t.Error("something was changed for it")
		}
	})
}

func TestAPanicIsTheCallers(t *testing.T) {
	onProcessors(t, 1, "1")
	var lane Lane
	func() {
		defer func() {
			if v := recover(); v != "broken" {
				t.Errorf("recovered %v, want the panic of the work", v)
			}
		}()
		lane.Run(func() { panic("broken") })
	}()
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("%d processors afterwards, want 1", n)
	}
}
