package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// cortexPackage is the program that go.mod names as a tool, and cortexTags the
// build tags of Cortex's own Makefile. Without slicelabels Prometheus's label
// sets are strings with lengths inside, while Cortex casts lists of labels to
// them: the first push of a sample panics.
const (
	cortexPackage = "github.com/cortexproject/cortex/cmd/cortex"
	cortexTags    = "netgo,slicelabels"
)

// buildCortexOnce is buildCortex for a whole test run: one look is enough.
var buildCortexOnce = sync.OnceValues(buildCortex)

// cortexBinary returns the path of Cortex, built by go.mod's versions.
func cortexBinary(t *testing.T) string {
	t.Helper()
	bin, err := buildCortexOnce()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// buildCortex builds Cortex into the user's cache folder unless this version is
// there already.
func buildCortex() (string, error) {
	version, err := goOutput("list", "-m", "-f", "{{.Version}}", "github.com/cortexproject/cortex")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, "headgate-e2e", "cortex-"+version)
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintf(os.Stderr, "building Cortex %s into %s: some minutes, once\n", version, bin)
	if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
		return "", err
	}
	// Renamed when it is whole, so that an interrupted build is never taken for
	// Cortex, and two test runs at once do not disturb each other.
	dir, err := os.MkdirTemp(filepath.Dir(bin), "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	built := filepath.Join(dir, "cortex")
	if _, err := goOutput("build", "-tags", cortexTags, "-ldflags", "-s -w -X main.Version="+version, "-o", built, cortexPackage); err != nil {
		return "", err
	}
	return bin, os.Rename(built, bin)
}

// goOutput runs the go command in this module and returns what it printed,
// trimmed.
func goOutput(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return strings.TrimSpace(string(out)), nil
}
