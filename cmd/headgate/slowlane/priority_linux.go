package slowlane

import "golang.org/x/sys/unix"

// niceness is how much the thread yields to others. At 3 it gets a third of a core that others could use alone
// (sched_prio_to_weight of the kernel: 526 beside 1,024): slow work is slower then, but comes to an end.
const niceness = 3

// yieldToOthers lowers the priority of the calling thread. A sandbox that does not allow it leaves it as it is, and both get
// the same.
func yieldToOthers() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness) }
