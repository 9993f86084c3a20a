package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// units are what deploy has for systemd.
var units = []string{"headgate.service", "headgate.socket", "headgate-second.service", "headgate-admin.socket"}

// TestUnitsAreGood lets systemd's own tool look at the units, with this binary in the place of the installed one.
func TestUnitsAreGood(t *testing.T) {
	needProgram(t, "systemd-analyze")
	program, err := exec.LookPath("headgate") // this test binary under that name, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"verify"}
	for _, name := range units {
		text, err := os.ReadFile(filepath.Join(repository, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/bin/headgate", program)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := exec.Command("systemd-analyze", args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestServiceIsSandboxed wants systemd's own mark for what the service could do to the machine to be 2.0 or better.
func TestServiceIsSandboxed(t *testing.T) {
	needProgram(t, "systemd-analyze")
	for _, unit := range []string{"headgate.service", "headgate-second.service"} {
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20",
			filepath.Join(repository, "deploy", unit)).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze security %s: %v\n%s", unit, err, out)
		}
	}
}

// TestTheSecondServiceIsLikeTheFirst compares what both are told. The second one takes the sockets, is not started again
// by itself, is not reloaded, and leaves the folder for unix sockets to the first.
func TestTheSecondServiceIsLikeTheFirst(t *testing.T) {
	settings := func(unit string) (set []string) {
		text, err := os.ReadFile(filepath.Join(repository, "deploy", unit))
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(text), "[Service]\n")
		section, _, _ = strings.Cut(section, "[Install]\n")
		for line := range strings.Lines(section) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				set = append(set, line)
			}
		}
		return set
	}
	first, second := settings("headgate.service"), settings("headgate-second.service")
	alone := []string{
		"ExecReload=/bin/true", "ExecReload=/usr/bin/headgate check --config /etc/headgate/config.toml", "ExecReload=/bin/kill -HUP $MAINPID",
		"Restart=always", "RestartSec=1s", "RuntimeDirectory=headgate", "RuntimeDirectoryPreserve=yes",
	}
	shared := slices.DeleteFunc(slices.Clone(first), func(line string) bool { return slices.Contains(alone, line) })
	if len(first) != len(shared)+len(alone) {
		t.Errorf("the first lacks one of %q", alone)
	}
	if want := append([]string{"Sockets=headgate.socket headgate-admin.socket"}, shared...); !slices.Equal(second, want) {
		t.Errorf("the second is told\n%q\nwant\n%q", second, want)
	}
}

// TestPackagedConfigurationIsReadyToEdit: what a package puts into /etc/headgate is good as it is, and so are the tables in
// it that wait for their # to be taken away.
func TestPackagedConfigurationIsReadyToEdit(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "deploy", "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	edited := regexp.MustCompile(`(?m)^#([^#])`).ReplaceAllString(string(text), "$1")
	for _, c := range []struct {
		name, text string
		upstreams  int
	}{{"as it is", string(text), 0}, {"with its examples", edited, 1}} {
		cfg, problems := config.Parse("config.toml", []byte(c.text), config.Options{NoFiles: true})
		if problems.Errors() > 0 {
			t.Errorf("%s: %v", c.name, problems)
		}
		if len(cfg.Upstreams) != c.upstreams || len(cfg.Tenants) != c.upstreams {
			t.Errorf("%s: %d upstreams and %d tenants", c.name, len(cfg.Upstreams), len(cfg.Tenants))
		}
	}
}

// TestUnitsFitTheProgram compares what the units say with what the program takes them to say, and the sockets with the
// configuration that the packages bring.
func TestUnitsFitTheProgram(t *testing.T) {
	packaged, problems := config.Load(filepath.Join(repository, "deploy", "config.toml"), config.Options{NoFiles: true})
	if problems.Errors() > 0 {
		t.Fatal(problems)
	}
	for name, lines := range map[string][]string{
		"headgate.service":        {"Type=notify", "NotifyAccess=main", "WatchdogSec=30s", "ExecReload=/bin/kill -HUP $MAINPID"},
		"headgate.socket":         {"FileDescriptorName=" + namedForTenants, "ListenStream=" + string(packaged.Server.Listen[0])},
		"headgate-admin.socket":   {"FileDescriptorName=" + namedForOperators, "ListenStream=" + string(packaged.Admin.Listen), "Service=headgate.service"},
		"headgate-second.service": {"Sockets=headgate.socket headgate-admin.socket", "Type=notify"},
	} {
		text, err := os.ReadFile(filepath.Join(repository, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains("\n"+string(text), "\n"+line+"\n") {
				t.Errorf("%s has no line %s", name, line)
			}
		}
	}
}
