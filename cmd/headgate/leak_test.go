package main

import (
	"os"
	"strings"
	"testing"
)

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("skipped: this system does not show open files in /proc")
	}
	return len(entries)
}

func TestManyReloadsLeaveNothingBehind(t *testing.T) {
	cortex, other := newUpstream(t), newUpstream(t)
	sides := []string{
		gate(everything(cortex.URL) + tenant("team-a", "prometheus-a", "one")),
		strings.ReplaceAll(gate(everything(other.URL)+tenant("team-a", "prometheus-a", "one")), `listen = "127.0.0.1:0"`, `listen = "localhost:0"`),
		"[server]\nlistn = 1\n",
	}
	r := start(t, sides[0])
	before := openFiles(t)
	const rounds = 60
	for i := range rounds {
		r.write(sides[i%len(sides)])
		problems := r.Reload()
		if broken := i%len(sides) == 2; broken != (len(problems) > 0) {
			t.Fatalf("reload %d: %v", i, problems)
		}
		client := newClient(t)
		if a := (request{method: "POST", url: r.url("/api/v1/push"), user: "prometheus-a", password: "one", body: "x"}).must(t, client); a.status != 200 {
			t.Fatalf("a push after reload %d: %d %q", i, a.status, a.body)
		}
		client.CloseIdleConnections()
	}
	// Each generation may hold a connection to its upstream for its idle_timeout, and test servers close when they notice.
	const slack = 8
	eventually(t, "descriptors come back", func() bool { return openFiles(t) <= before+slack })
}

func TestAStartThatFailsLeavesNothingBehind(t *testing.T) {
	checkLeaks(t)
	cortex := newUpstream(t)
	taken := strings.TrimPrefix(cortex.URL, "http://")
	r := &running{t: t, file: t.TempDir() + "/headgate.toml"}
	r.write(strings.Replace(gate(everything(cortex.URL)), "[admin]\nlisten = \"127.0.0.1:0\"", "[admin]\nlisten = \""+taken+"\"", 1))
	before := openFiles(t)
	for range 10 {
		if _, err := New(AppOptions{ConfigFile: r.file, Log: &lockedBuffer{}}); err == nil {
			t.Fatal("it started on an address that is in use")
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors were left open", after-before)
	}
}
