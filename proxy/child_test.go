package proxy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const childVariable = "HEADGATE_TEST_CHILD"

// alone runs the calling test once more in a process of its own, for what is counted by process: descriptors,
// goroutines, memory, limits. It reports true there, and false where the result has been taken over.
func alone(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(childVariable) == t.Name() {
		return true
	}
	cmd := child(t, env...)
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("%s", out)
	}
	if err != nil {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	for row := range strings.Lines(string(out)) {
		if strings.Contains(row, "_test.go:") {
			t.Log(strings.TrimSpace(row))
		}
	}
	return false
}

// child is this test in a process of its own.
func child(t *testing.T, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v", "-test.timeout=60s")
	cmd.Env = append(append(os.Environ(), childVariable+"="+t.Name()), env...)
	return cmd
}

// inChild reports whether this is the process that child started for the test.
func inChild(t *testing.T) bool { return os.Getenv(childVariable) == t.Name() }

// descriptors is how many files this process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries) - 1 // the folder itself
}

// memoryStatus is one line of /proc/self/status, in bytes.
func memoryStatus(t testing.TB, key string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for row := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(row, key+":"); ok {
			var kib int64
			if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("/proc/self/status has no %s", key)
	return 0
}
