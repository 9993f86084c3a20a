package e2e

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// missing skips the test because this machine lacks what it needs; in CI,
// which is meant to install everything, it fails instead.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing in CI: %s", what)
	}
	t.Skipf("skipped: %s", what)
}

// needPrograms makes sure that Prometheus's programs can be run.
func needPrograms(t *testing.T) {
	t.Helper()
	for _, program := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is not in PATH; on Debian: apt-get install prometheus")
		}
	}
}

// needHeadgate returns the path of the gateway's binary.
func needHeadgate(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("HEADGATE_BIN")
	if bin == "" {
		bin = "../bin/headgate"
	}
	if _, err := os.Stat(bin); err != nil {
		missing(t, "no headgate at "+bin+"; run make build, or set HEADGATE_BIN")
	}
	return bin
}

// needAddress makes sure that this host can listen on a loopback address. Not
// every system has all of 127.0.0.0/8 as Linux does.
func needAddress(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		missing(t, "cannot listen on "+address+": "+err.Error())
	}
	_ = l.Close()
}
