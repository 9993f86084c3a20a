package e2e

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startTied starts cmd so that it dies with this process: a test binary that
// panics or reaches go test's timeout runs no cleanups, and would leave a
// Cortex behind. The kernel ties a child to the thread that made it, not to
// the process, so one that must outlive the call is made by a thread that never
// ends.
func startTied(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		started <- cmd.Start()
		select {}
	}()
	return <-started
}
