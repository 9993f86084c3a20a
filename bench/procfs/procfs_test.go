package procfs

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestProcessTimeIsReadBehindAnyName(t *testing.T) {
	for _, stat := range []string{
		"7 (nginx) S 1 7 7 0 -1 4194304 98 0 0 0 12 30 0 0 20 0 1 0 284784 3133440",
		"7 (a ) (b) S 1 7 7 0 -1 4194304 98 0 0 0 12 30 0 0 20 0 1 0 284784 3133440",
	} {
		user, system, err := parseProcessTime(stat)
		if err != nil || user != 120*time.Millisecond || system != 300*time.Millisecond {
			t.Errorf("%q: got %v and %v, %v; want 120ms and 300ms", stat, user, system, err)
		}
	}
}

func TestProcessTimeRefusesWhatIsNotStat(t *testing.T) {
	for _, stat := range []string{"", "7 nginx S", "7 (nginx) S 1 7", "7 (nginx) S 1 7 7 0 -1 1 9 0 0 0 x y 0"} {
		if _, _, err := parseProcessTime(stat); err == nil {
			t.Errorf("%q: no error", stat)
		}
	}
}

func TestReadOfThisProcess(t *testing.T) {
	usage, err := Read([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if usage.RSS <= 0 || usage.Peak <= 0 {
		t.Errorf("memory %d, peak %d: want both above 0", usage.RSS, usage.Peak)
	}
}

// What a thread has used that has ended is not forgotten.
func TestThreadsThatHaveEndedCount(t *testing.T) {
	read := func() time.Duration {
		usage, err := Read([]int{os.Getpid()})
		if err != nil {
			t.Fatal(err)
		}
		return usage.CPU
	}
	before := read()
	used := make(chan time.Duration)
	go func() {
		runtime.LockOSThread() // and with the goroutine ends its thread
		var now unix.Timespec
		for now.Nano() < (20 * time.Millisecond).Nanoseconds() {
			if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
				t.Error(err)
				break
			}
		}
		used <- time.Duration(now.Nano())
	}()
	spent := <-used
	got := read() - before
	for patience := time.Now().Add(5 * time.Second); got < spent && time.Now().Before(patience); got = read() - before {
		runtime.Gosched() // until it has ended, and is counted to the last
	}
	if got < spent {
		t.Errorf("%v, of which a thread that has ended used %v", got, spent)
	}
}

func TestTreeHoldsChildren(t *testing.T) {
	tree, err := Tree(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	if tree[0] != os.Getppid() || !slices.Contains(tree, os.Getpid()) {
		t.Errorf("tree of the parent: %v does not hold %d", tree, os.Getpid())
	}
}

func TestCoreTimeLeavesOutIdleness(t *testing.T) {
	const stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 400 500 6 7 8 0 0\ncpu10 1 0 0 0 0 0 0 0 0 0\nintr 5\n"
	if got, err := parseCore(stat, 0); err != nil || got != 270*time.Millisecond {
		t.Errorf("got %v, %v; want 270ms", got, err)
	}
	if _, err := parseCore(stat, 1); err == nil {
		t.Error("a core that is not there: no error")
	}
}
