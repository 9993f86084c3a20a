package main

import (
	"strings"
	"testing"
)

func isServed(line map[string]any) bool { return line["msg"] == "a request was served" }

// TestTheAccessLogChangesWithAReload: on, off, and with what reads ask for, without a restart.
func TestTheAccessLogChangesWithAReload(t *testing.T) {
	cortex := newUpstream(t)
	quiet := gate(everything(cortex.URL)) + tenant("team-a", "prometheus-a", "one")
	r := start(t, quiet)
	client := newClient(t)
	read := func() {
		t.Helper()
		a := request{method: "GET", url: r.url("/prometheus/api/v1/query?query=up"), user: "prometheus-a", password: "one"}.must(t, client)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	reload := func(toml string) {
		t.Helper()
		r.write(toml)
		if problems := r.Reload(); problems != nil {
			t.Fatal(problems)
		}
	}
	count := func() int {
		return len(linesOf(t, r.log, isServed))
	}
	read()
	reload(quiet + "[log]\nlevel = \"error\"\n[log.access]\nenabled = true\nquery = true\n")
	read()
	eventually(t, "the read is in the log, the one before is not", func() bool { return count() == 1 })
	line := linesOf(t, r.log, isServed)[0]
	if line["query"] != "up" || line["client"] != "prometheus-a" || line["tenant"] != "team-a" || line["status"] != 200.0 {
		t.Errorf("%v", line)
	}
	reload(quiet + "[log.access]\nenabled = true\nsample = 0\n")
	for range 20 {
		read()
	}
	reload(quiet + "[log.access]\nenabled = true\n")
	read()
	eventually(t, "the last read is in the log", func() bool { return count() >= 2 })
	if n := count(); n != 2 {
		t.Errorf("%d lines, want two: of the other reads a part of 0 was asked for", n)
	}
	if line := linesOf(t, r.log, isServed)[1]; line["query"] != nil {
		t.Errorf("%v has what was asked for, though that is off", line)
	}
	reload(quiet + "[log]\nformat = \"logfmt\"\n[log.access]\nenabled = true\n")
	read()
	eventually(t, "a line is in logfmt", func() bool {
		return strings.Contains(r.log.String(), ` msg="a request was served" log=access tenant=team-a client=prometheus-a address=127.0.0.1 request=`)
	})
}
