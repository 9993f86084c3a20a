package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// good is a machine that nothing is wrong with.
var good = map[string]string{
	"net.core.somaxconn":                 "4096",
	"net.ipv4.tcp_max_syn_backlog":       "4096",
	"net.ipv4.ip_local_port_range":       "15000\t65000",
	"net.ipv4.ip_local_reserved_ports":   "",
	"net.ipv4.tcp_syncookies":            "1",
	"net.ipv4.tcp_slow_start_after_idle": "0",
	"net.ipv4.tcp_tw_reuse":              "1",
	"net.ipv4.tcp_window_scaling":        "1",
	"net.netfilter.nf_conntrack_max":     "262144",
	"net.netfilter.nf_conntrack_count":   "100",
}

// machine is the good one with some settings changed; "-" takes one away.
func machine(t *testing.T, changes ...string) Machine {
	t.Helper()
	proc := t.TempDir()
	settings := map[string]string{}
	for name, value := range good {
		settings[name] = value
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		settings[name] = value
	}
	for name, value := range settings {
		if value == "-" {
			continue
		}
		path := filepath.Join(proc, "sys", strings.ReplaceAll(name, ".", "/"))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Machine{Proc: proc, OpenFiles: 1 << 20, Synchronised: func() (bool, bool) { return true, true }}
}

// unwell are the findings that are not OK.
func unwell(findings []Finding) string {
	var lines []string
	for _, f := range findings {
		if f.Level != OK {
			lines = append(lines, f.String())
		}
	}
	return strings.Join(lines, "\n")
}

func TestAGoodMachineIsFine(t *testing.T) {
	found := machine(t).Look(Load{Clients: 1000, FixedClients: true, HostsMost: 512, Ports: []int{8080, 8081}})
	if text := unwell(found); text != "" {
		t.Error(text)
	}
	if len(found) != 10 {
		t.Errorf("%d things were looked at: %v", len(found), found)
	}
}

func TestAMachineThatTellsNothingIsNotAccused(t *testing.T) {
	if found := (Machine{Proc: t.TempDir()}).Look(Load{}); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

func TestFindingsOfTheMachine(t *testing.T) {
	for _, tc := range []struct {
		change string
		load   Load
		want   string // the beginning of the one line; "": nothing is wrong
	}{
		{change: "net.core.somaxconn=128", want: "warning: net.core.somaxconn: 128 connections may wait to be accepted; set it to 4096"},
		{change: "net.ipv4.tcp_max_syn_backlog=512", want: "hint: net.ipv4.tcp_max_syn_backlog: 512"},
		{change: "net.ipv4.ip_local_port_range=32768 40000", want: "warning: net.ipv4.ip_local_port_range: 7233 ports"},
		{change: "net.ipv4.ip_local_port_range=32768 33000", load: Load{HostsMost: 512}, want: "error: net.ipv4.ip_local_port_range: 233 ports are fewer than max_connections"},
		{load: Load{Ports: []int{15000}}, want: "warning: port 15000: it is one of those"},
		{load: Load{Ports: []int{14999, 65001}}},
		{change: "net.ipv4.ip_local_reserved_ports=8080,15000-15010", load: Load{Ports: []int{15009}}},
		{change: "net.ipv4.ip_local_reserved_ports=8080,15000-15010", load: Load{Ports: []int{15011}}, want: "warning: port 15011"},
		{change: "net.ipv4.tcp_syncookies=0", want: "warning: net.ipv4.tcp_syncookies: 0: a flood"},
		{change: "net.ipv4.tcp_slow_start_after_idle=1", want: "hint: net.ipv4.tcp_slow_start_after_idle: 1:"},
		{change: "net.ipv4.tcp_tw_reuse=2", want: "hint: net.ipv4.tcp_tw_reuse: 2:"},
		{change: "net.netfilter.nf_conntrack_max=65535", want: "warning: net.netfilter.nf_conntrack_max: 65535 tracked"},
		{change: "net.netfilter.nf_conntrack_count=250000", want: "error: net.netfilter.nf_conntrack_max: 250000 of 262144"},
		{change: "net.netfilter.nf_conntrack_max=-"},
	} {
		var changes []string
		if tc.change != "" {
			changes = append(changes, tc.change)
		}
		got := unwell(machine(t, changes...).Look(tc.load))
		if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) || strings.Contains(got, "\n") {
			t.Errorf("%s %+v: found\n%s\nwant\n%s", tc.change, tc.load, got, tc.want)
		}
	}
}

func TestOpenFilesAndClock(t *testing.T) {
	m := machine(t)
	m.OpenFiles = 1024
	if got := unwell(m.Look(Load{Clients: 512})); !strings.HasPrefix(got, "warning: open files: the limit of 1024 is low; set LimitNOFILE") {
		t.Error(got)
	}
	if got := unwell(m.Look(Load{Clients: 513, FixedClients: true})); !strings.HasPrefix(got, "error: open files: the limit of 1024 is too low for server.max_connections = 513") {
		t.Error(got)
	}
	m = machine(t)
	m.Synchronised = func() (bool, bool) { return true, false }
	if got := unwell(m.Look(Load{})); !strings.HasPrefix(got, "warning: clock: nothing keeps it right") {
		t.Error(got)
	}
	m.Synchronised = func() (bool, bool) { return false, false }
	if got := unwell(m.Look(Load{})); !strings.HasPrefix(got, "unknown: clock: from here it cannot be told") {
		t.Error(got)
	}
}
