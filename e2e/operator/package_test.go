package operator

import (
	"bytes"
	"debug/elf"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestReleasesAreReproducible builds everything that is released twice, in two
// folders and not at the same time, and wants the same bytes.
func TestReleasesAreReproducible(t *testing.T) {
	needPrograms(t, "bash", "git", "make", "tar")
	var sums [2][]byte
	for i := range sums {
		tree := copyTree(t)
		makeTarget(t, tree, "package", "v1.2.3")
		var err error
		if sums[i], err = os.ReadFile(filepath.Join(tree, "dist", "SHA256SUMS")); err != nil {
			t.Fatal(err)
		}
		for _, arch := range []string{"amd64", "arm64"} {
			isStatic(t, filepath.Join(tree, "dist", "headgate-v1.2.3-linux-"+arch, "headgate"))
		}
		check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
		check.Dir = filepath.Join(tree, "dist")
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("the checksums are not those of the files: %v\n%s", err, out)
		}
	}
	for _, name := range []string{
		"headgate-v1.2.3-linux-amd64/headgate", "headgate-v1.2.3-linux-arm64/headgate",
		"headgate-v1.2.3-linux-amd64.tar.gz", "headgate-v1.2.3-linux-arm64.tar.gz",
		"headgate_1.2.3-1_amd64.deb", "headgate_1.2.3-1_arm64.deb",
		"headgate-1.2.3-1.x86_64.rpm", "headgate-1.2.3-1.aarch64.rpm",
	} {
		if !bytes.Contains(sums[0], []byte("  "+name+"\n")) {
			t.Errorf("no %s among\n%s", name, sums[0])
		}
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Errorf("two builds of the same differ:\n%s\n%s", sums[0], sums[1])
	}
}

// isStatic wants a binary to need nothing but the kernel.
func isStatic(t *testing.T, path string) {
	t.Helper()
	binary, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, segment := range binary.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			t.Errorf("%s wants a dynamic linker (%s)", path, segment.Type)
		}
	}
}

// TestPackagesInstallRunUpgradeAndGo plays testdata/packages.sh, in which an
// operator installs a package, edits the configuration, runs the gateway,
// upgrades and removes it: with dpkg, then with rpm. All of it happens in a copy
// of this machine that only its own mount namespace sees.
func TestPackagesInstallRunUpgradeAndGo(t *testing.T) {
	needPrograms(t, "bash", "git", "make", "dpkg", "rpm", "unshare", "setpriv", "curl", "systemd-analyze", "systemctl")
	if os.Geteuid() != 0 {
		missing(t, "installing packages, even in a namespace, takes root")
	}
	if err := exec.Command("unshare", "--mount", "--pid", "--fork", "true").Run(); err != nil {
		missing(t, "this machine has no mount namespaces: "+err.Error())
	}
	before := hostState(t)
	first, second := copyTree(t), copyTree(t)
	makeTarget(t, first, "package", "v1.2.3", "ARCHES="+runtime.GOARCH)
	// The next version comes with another configuration file, which must not take the place of an edited one.
	shipped := filepath.Join(second, "deploy", "config.toml")
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(shipped, append(text, "\n## shipped with the next version\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	makeTarget(t, second, "package", "v1.3.0-rc.1", "ARCHES="+runtime.GOARCH)

	for _, kind := range []string{"deb", "rpm"} {
		t.Run(kind, func(t *testing.T) {
			story := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
				"sh", "-eu", "testdata/packages.sh", kind, only(t, first, kind), only(t, second, kind), t.TempDir(),
				freePort(t), freePort(t))
			if out, err := story.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if after := hostState(t); after != before {
		t.Errorf("the machine itself was changed, from\n%s\nto\n%s", before, after)
	}
}

// copyTree copies what git would commit here, so that building leaves nothing
// in it.
func copyTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	copying := exec.Command("bash", "-euo", "pipefail", "-c", `git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done | tar --null -T - -cf - | tar -C "$TREE" -xf -`)
	copying.Dir = repository
	copying.Env = append(os.Environ(), "TREE="+tree)
	if out, err := copying.CombinedOutput(); err != nil {
		t.Fatalf("copy the repository: %v\n%s", err, out)
	}
	return tree
}

// makeTarget runs make in a tree that is no checkout.
func makeTarget(t *testing.T, tree, target, version string, args ...string) {
	t.Helper()
	build := exec.Command("make", append([]string{"-C", tree, target}, args...)...)
	build.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+strings.Repeat("0", 40), "SOURCE_DATE_EPOCH=1790000000")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, out)
	}
}

// only returns the one package of a kind.
func only(t *testing.T, tree, kind string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tree, "dist", "*."+kind))
	if err != nil || len(found) != 1 {
		t.Fatalf("packages of kind %s: %v, %v", kind, found, err)
	}
	return found[0]
}

// hostState is what a package would leave on this machine.
func hostState(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, path := range []string{
		"/usr/bin/headgate", "/etc/headgate", "/var/lib/headgate", "/usr/share/doc/headgate", "/etc/passwd", "/etc/group",
		"/usr/lib/systemd/system/headgate.service", "/var/lib/dpkg/status", "/var/lib/rpm",
	} {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintf(&b, "%s is not there\n", path)
			continue
		}
		fmt.Fprintf(&b, "%s: %s, %d bytes, %s\n", path, info.Mode(), info.Size(), info.ModTime())
	}
	return b.String()
}

// freePort is a port of loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
