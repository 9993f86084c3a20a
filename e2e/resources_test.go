package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// resources are what a gateway holds of its machine.
type resources struct {
	goroutines  int
	descriptors int   // open files; 0 where /proc is missing
	heap        int64 // bytes that are reachable, after a collection
	resident    int64 // bytes of memory; 0 where /proc is missing
}

func (r resources) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MiB of heap, %.1f MiB resident",
		r.goroutines, r.descriptors, float64(r.heap)/(1<<20), float64(r.resident)/(1<<20))
}

// resources looks at the gateway from outside.
func (g *gateway) resources() (resources, error) {
	var r resources
	admin := caller{url: g.admin}
	// "goroutine profile: total 23"
	profile, err := admin.try(http.MethodGet, "/debug/pprof/goroutine?debug=1", "")
	if err != nil {
		return r, err
	}
	if r.goroutines, err = numberAfter(profile.body, "total "); err != nil {
		return r, err
	}
	// "# HeapAlloc = 4711"
	if profile, err = admin.try(http.MethodGet, "/debug/pprof/heap?debug=1&gc=1", ""); err != nil {
		return r, err
	}
	heap, err := numberAfter(profile.body, "# HeapAlloc = ")
	if err != nil {
		return r, err
	}
	r.heap = int64(heap)

	proc := fmt.Sprintf("/proc/%d/", g.cmd.Process.Pid)
	if open, err := os.ReadDir(proc + "fd"); err == nil {
		r.descriptors = len(open)
	}
	if status, err := os.ReadFile(proc + "status"); err == nil {
		kib, err := numberAfter(status, "VmRSS:")
		if err != nil {
			return r, err
		}
		r.resident = int64(kib) << 10
	}
	return r, nil
}

// numberAfter returns the whole number that follows a text.
func numberAfter(page []byte, text string) (int, error) {
	_, after, found := bytes.Cut(page, []byte(text))
	words := strings.Fields(string(after[:min(len(after), 40)]))
	if !found || len(words) == 0 {
		return 0, fmt.Errorf("no number after %q in %q", text, page[:min(len(page), 100)])
	}
	return strconv.Atoi(words[0])
}

// mustResources is resources for a gateway that has to answer.
func (g *gateway) mustResources(t *testing.T) resources {
	t.Helper()
	r, err := g.resources()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// comesBackTo waits until the gateway, whose senders are gone, holds no more
// than it did before they came. The few in addition are the connections on
// which it is asked.
func (g *gateway) comesBackTo(t *testing.T, before resources) {
	t.Helper()
	const few, pooled = 4, 16 << 20
	var now resources
	eventually(t, "headgate holds what it held before", func() error {
		var err error
		if now, err = g.resources(); err != nil {
			return err
		}
		if now.goroutines > before.goroutines+few || now.descriptors > before.descriptors+few || now.heap > before.heap+pooled {
			return fmt.Errorf("%s; before: %s", now, before)
		}
		return nil
	})
	t.Logf("before: %s", before)
	t.Logf("after:  %s", now)
}
