package operator

import (
	"os"
	"os/exec"
	"testing"
)

// repository is the root of the repository as seen from here.
const repository = "../.."

// missing skips the test because this machine lacks what it needs; in CI,
// which is meant to install everything, it fails instead.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing in CI: %s", what)
	}
	t.Skipf("skipped: %s", what)
}

func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name+" is not in PATH")
		}
	}
}
