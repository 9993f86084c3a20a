package main

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/headgate/headgate/cmd/headgate/demo"
)

// TestScripts plays the stories of testdata/script: each is a user at the command line, with a stand-in for Cortex at
// $CORTEX.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			cortex := httptest.NewServer(demo.NewCortex())
			env.Defer(cortex.Close)
			env.Setenv("CORTEX", strings.TrimPrefix(cortex.URL, "http://"))
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":       exits,
			"fill":        fill,
			"signal":      sendSignal,
			"stalesocket": staleSocket,
			"until":       until,
		},
	})
}

// exits runs a program and wants an exit code: exits CODE PROGRAM [ARGS…].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// fill replaces @CORTEX@ and @WORK@ in files by what they are in this run: fill FILE….
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! fill")
	}
	for _, name := range args {
		text := strings.NewReplacer("@CORTEX@", ts.Getenv("CORTEX"), "@WORK@", ts.Getenv("WORK")).Replace(ts.ReadFile(name))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
		ts.Check(os.Chmod(ts.MkAbs(name), 0o600)) // they hold passwords, and headgate says so
	}
}

// staleSocket leaves a socket behind that nobody listens on, as a process does that was killed: stalesocket PATH.
func staleSocket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stalesocket PATH")
	}
	l, err := net.Listen("unix", ts.MkAbs(args[0]))
	ts.Check(err)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	ts.Check(l.Close())
}

// sendSignal sends a signal to the programs in the background: signal HUP|TERM|INT.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal HUP|TERM|INT")
	}
	for _, program := range ts.BackgroundCmds() {
		ts.Check(program.Process.Signal(signals[args[0]]))
	}
}

// until runs a program again and again until its output holds a text: until TEXT PROGRAM [ARGS…]. What a signal causes
// has no other end to wait for.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT PROGRAM [ARGS…]")
	}
	const attempts = 1000
	for range attempts {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("the output never held %q; last:\n%s", args[0], ts.ReadFile("stdout"))
}
