package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// process is one program that a test has started. It is ended, by its own id,
// when the test ends; if the test has failed, the end of what it printed is
// shown.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // file with standard output and error
	done chan struct{} // closed when the process has ended
}

// start runs bin with args. name is for messages.
func start(t *testing.T, name, bin string, args ...string) *process {
	t.Helper()
	return startCommand(t, name, exec.Command(bin, args...))
}

// startCommand runs cmd, whose output it takes.
func startCommand(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the process has its own descriptor

	p := &process{name: name, cmd: cmd, log: path, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := startTied(p.cmd); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.end(t)
		if t.Failed() {
			t.Logf("the end of what %s printed:\n%s", p.name, p.tail(t, 100))
		}
	})
	return p
}

// end asks the process to stop and waits until it has; one that does not is
// killed and fails the test. A second call does nothing.
func (p *process) end(t *testing.T) {
	t.Helper()
	if p.ended() {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Errorf("%s is still there %s after SIGTERM", p.name, patience)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// kill ends the process as a machine that loses power would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// ended reports whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// awaitReady waits until GET url answers 200. It gives up at once when the
// process has ended, because then nothing will.
func (p *process) awaitReady(t *testing.T, url string) {
	t.Helper()
	eventually(t, p.name+" is ready", func() error {
		if p.ended() {
			t.Fatalf("%s ended before it was ready: %s", p.name, p.cmd.ProcessState)
		}
		return expectStatus(url, 200)
	})
}

// tail returns the last lines that the process has printed.
func (p *process) tail(t *testing.T, lines int) []byte {
	t.Helper()
	all, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	rows := bytes.SplitAfter(all, []byte("\n"))
	return bytes.Join(rows[max(0, len(rows)-lines):], nil)
}
