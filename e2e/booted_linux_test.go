package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// booted is a systemd of its own, in namespaces of its own but for the network,
// whose /usr is this machine's with headgate and the units of deploy/ in it.
// The rest of it is empty and in memory. Nothing runs there that a test has
// not started.
type booted struct {
	*process
	systemd int    // its process, as this machine counts
	etc     string // what is /etc/headgate there
}

// boot starts a systemd that is told to stop when the test ends. The drop-ins
// are what an operator would add with systemctl edit: unit and text.
func boot(t *testing.T, dropIns map[string]string) *booted {
	t.Helper()
	if os.Getuid() != 0 {
		missing(t, "only root can start a systemd")
	}
	nspawn, err := exec.LookPath("systemd-nspawn")
	if err != nil {
		missing(t, "systemd-nspawn is not in PATH; on Debian: apt-get install systemd-container")
	}
	usr, etc := filepath.Join(t.TempDir(), "usr"), filepath.Join(t.TempDir(), "headgate")
	units := filepath.Join(usr, "lib", "systemd", "system")
	place(t, needHeadgate(t), filepath.Join(usr, "bin", "headgate"), 0o755)
	shipped, err := filepath.Glob("../deploy/*.s[eo]*")
	if err != nil || len(shipped) == 0 {
		t.Fatalf("no units in deploy: %v", err)
	}
	for _, unit := range shipped {
		place(t, unit, filepath.Join(units, filepath.Base(unit)), 0o644)
	}
	write(t, filepath.Join(units, "headgate-e2e.target"), "[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n", 0o644)
	for unit, text := range dropIns {
		write(t, filepath.Join(units, unit+".d", "e2e.conf"), text, 0o644)
	}
	if err := os.Mkdir(etc, 0o750); err != nil {
		t.Fatal(err)
	}
	machineID := filepath.Join(t.TempDir(), "machine-id") // a machine that was there before enables no unit by itself
	write(t, machineID, "00000000000000000000000000000e2e\n", 0o444)

	b := &booted{etc: etc}
	b.process = start(t, "systemd", nspawn, "--directory=/", "--volatile=yes", "--machine="+fmt.Sprint("headgate-e2e-", os.Getpid()),
		"--register=no", "--keep-unit", "--console=pipe", "--overlay-ro=/usr:"+usr+":/usr", "--bind="+etc+":/etc/headgate",
		"--bind-ro="+machineID+":/etc/machine-id", "--boot", "systemd.unit=headgate-e2e.target")
	eventually(t, "systemd has booted", func() error {
		if b.ended() {
			t.Fatalf("systemd ended before it had booted: %s", b.cmd.ProcessState)
		}
		if b.systemd, err = firstChild(b.cmd.Process.Pid); err != nil {
			return err
		}
		_, err := b.try("systemctl", "is-active", "headgate-e2e.target")
		return err
	})
	t.Cleanup(func() {
		if t.Failed() {
			journal, _ := b.try("journalctl", "--no-pager", "--unit=headgate*")
			t.Logf("its journal:\n%s", journal)
		}
	})
	b.run(t, "sh", "-c", string(read(t, "../deploy/package/preinstall.sh")))
	return b
}

// try runs a command there, as root, and returns what it printed.
func (b *booted) try(command ...string) (string, error) {
	enter := append([]string{fmt.Sprint("--target=", b.systemd), "--all"}, command...)
	out, err := exec.Command("nsenter", enter...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, text)
	}
	return text, nil
}

// run is try for what has to succeed.
func (b *booted) run(t *testing.T, command ...string) string {
	t.Helper()
	text, err := b.try(command...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// configure writes a file of /etc/headgate, which headgate's group may read.
func (b *booted) configure(t *testing.T, name, text string) {
	t.Helper()
	write(t, filepath.Join(b.etc, name), text, 0o640)
	b.run(t, "chgrp", "headgate", "/etc/headgate", filepath.Join("/etc/headgate", name))
}

// property returns what systemd says of a unit.
func (b *booted) property(t *testing.T, unit, name string) string {
	t.Helper()
	return b.run(t, "systemctl", "show", "--value", "--property="+name, unit)
}

// firstChild returns the first process that another one has started.
func firstChild(pid int) (int, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	var child int
	if _, err := fmt.Sscan(string(children), &child); err != nil {
		return 0, fmt.Errorf("children of %d: %q: %w", pid, children, err)
	}
	return child, nil
}

// place copies a file, and makes its folder.
func place(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	write(t, to, string(read(t, from)), mode)
}

// read returns a file.
func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// write writes a file with exactly this mode, and makes its folder.
func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
