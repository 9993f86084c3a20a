package proxy

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
)

// rawKinds are the kinds of raw cases, by the first word of their ids, in the order in which docs/security.md shows them.
var rawKinds = []struct{ kind, what string }{
	{"r", "request line, target, version, `Host`"}, {"h", "header fields"}, {"cl", "`Content-Length`"}, {"te", "`Transfer-Encoding`"},
	{"clte", "both, length first"}, {"tecl", "both, coding first"}, {"ch", "chunks"}, {"tr", "trailers"}, {"e", "`Expect`"},
	{"k", "several requests on a connection"}, {"p", "paths"}, {"x", "tenant and identity headers"}, {"u", "upgrades"}, {"a", "credentials"},
	{"base", "plain requests"},
}

func (c *rawCase) kind() string {
	kind, _, _ := strings.Cut(c.ID, "-")
	return kind
}

// tally is what a gateway did with the raw cases.
type tally struct {
	name    string
	mu      sync.Mutex
	through []string // ids of cases that should not have got through as they did
	must    []string // those of them that no RFC leaves to anybody's taste
	refused []string // ids of good requests that were refused
}

// add judges by what matters to a tenant alone: whether something reached the upstream that must not, or as somebody else.
// Which status a refusal has, and whether the connection closes, is not counted here.
func (y *tally) add(c *rawCase, v *verdict, got []*received) {
	y.mu.Lock()
	defer y.mu.Unlock()
	final := v.final()
	if c.Expect == "accept" && (final < 200 || final > 299) {
		y.refused = append(y.refused, c.ID)
		return
	}
	complete, wrong := 0, c.Expect == "reject" && final >= 200 && final < 400
	for _, r := range got {
		if !r.complete {
			continue
		}
		want := "tenant-a"
		if complete < len(c.Tenants) {
			want = c.Tenants[complete]
		}
		complete++
		wrong = wrong || !slices.Equal(r.tenants(), []string{want}) || slices.ContainsFunc(c.ForbidUpstream, func(forbidden string) bool {
			return strings.Contains(strings.Join(r.fields, "\r\n"), forbidden)
		})
	}
	if wrong || complete > c.MaxUpstream {
		y.through = append(y.through, c.ID)
		if c.Level == "must" {
			y.must = append(y.must, c.ID)
		}
	}
}

// cell is how many of the cases with a prefix got through, and in brackets how many of them break a must.
func (y *tally) cell(prefix string) string {
	count := func(ids []string) (n int) {
		for _, id := range ids {
			if strings.HasPrefix(id, prefix) {
				n++
			}
		}
		return n
	}
	if must := count(y.must); must > 0 {
		return fmt.Sprintf("%d (%d)", count(y.through), must)
	}
	return fmt.Sprint(count(y.through))
}

// rival is another gateway to compare with, if it is installed.
type rival struct {
	name    string // as it is written
	program string
	config  string // in testdata/rivals
	version *regexp.Regexp
	args    func(dir string) []string
}

var rivals = []rival{
	{"nginx", "nginx", "nginx.conf", regexp.MustCompile(`nginx/(\S+)`), func(dir string) []string {
		return []string{"-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "error.log")}
	}},
	{"HAProxy", "haproxy", "haproxy.cfg", regexp.MustCompile(`(?i)version (\d[\d.]*\d)`), func(dir string) []string {
		return []string{"-db", "-f", filepath.Join(dir, "haproxy.cfg")}
	}},
}

// rivalLanes is how many cases a rival has under way at a time.
const rivalLanes = 48

// lane is one listener of a rival and the upstream behind it, which are used for one case at a time.
type lane struct {
	Number   int
	Socket   string
	Upstream string
	recorder *recorder
}

// start runs the rival until the test ends.
func (r *rival) start(t *testing.T) (lanes []lane, version string) {
	t.Helper()
	program, err := exec.LookPath(r.program)
	if err != nil {
		program, err = exec.LookPath(filepath.Join("/usr/sbin", r.program))
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed, and CI must compare with it", r.name)
		}
		t.Skipf("%s is not installed: nothing to compare with (apt-get install %s)", r.name, r.program)
	}
	said, err := exec.Command(program, "-v").CombinedOutput()
	if match := r.version.FindSubmatch(said); err == nil && match != nil {
		version = string(match[1])
	} else {
		t.Fatalf("%s -v: %q, %v", program, said, err)
	}
	dir, err := os.MkdirTemp("", r.program) // not t.TempDir: the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for i := range rivalLanes {
		upstream := startRecorder(t, nil)
		lanes = append(lanes, lane{i, filepath.Join(dir, fmt.Sprint(i)), upstream.addr, upstream})
	}
	users, err := os.ReadFile("testdata/rivals/users")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "users"), users, 0o600); err != nil {
		t.Fatal(err)
	}
	var config bytes.Buffer
	err = template.Must(template.ParseFiles(filepath.Join("testdata/rivals", r.config))).Execute(&config, map[string]any{"Dir": dir, "Lanes": lanes})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, r.config), config.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	cmd := exec.Command(program, r.args(dir)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-ended
	})
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for _, l := range lanes {
		for {
			c, err := net.Dial("unix", l.Socket)
			if err == nil {
				c.Close()
				break
			}
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("%s ended with %v: %s", r.name, err, log.String())
			case <-t.Context().Done():
				t.Fatalf("%s does not listen: %v", r.name, err)
			case <-poll.C:
			}
		}
	}
	return lanes, version
}

// TestWhoLetsWhatThrough sends all raw cases through headgate, nginx and HAProxy. The first column of docs/security.md must
// say what headgate does now; the others are what the rivals did when it was written (-update).
func TestWhoLetsWhatThrough(t *testing.T) {
	t.Parallel()
	cases := append(readRawCases(t, "testdata/raw-http.jsonl"), readRawCases(t, "testdata/raw-http-more.jsonl")...)
	tallies := make([]*tally, 1+len(rivals))
	tallies[0] = &tally{name: "headgate"}
	var playing sync.WaitGroup
	playing.Go(func() {
		runRawCases(t, cases, rawWorkers, func(t *testing.T, c *rawCase) {
			upstream := startRecorder(t, nil)
			g := startGateway(t, testRoutes(testPool(t, upstream.addr), nil))
			tallies[0].add(c, exchangeCase(t, "tcp", g.addr, c), upstream.requests())
		})
	})
	for i := range rivals {
		playing.Go(func() {
			t.Run(rivals[i].name, func(t *testing.T) { tallies[1+i] = rivals[i].play(t, cases) })
		})
	}
	playing.Wait()
	checkComparison(t, cases, slices.DeleteFunc(tallies, func(y *tally) bool { return y == nil }))
}

// play sends all cases through the rival.
func (r *rival) play(t *testing.T, cases []rawCase) *tally {
	t.Helper()
	lanes, version := r.start(t)
	y := &tally{name: r.name + " " + version}
	free := make(chan lane, len(lanes))
	for _, l := range lanes {
		free <- l
	}
	runRawCases(t, cases, len(lanes), func(t *testing.T, c *rawCase) {
		l := <-free
		l.recorder.forget()
		lenient := *c
		lenient.Close = false // it is not judged, so it is not waited for
		y.add(c, exchangeCase(t, "unix", l.Socket, &lenient), l.recorder.requests())
		free <- l
	})
	// Versions vary; that the plain cases work says that the comparison is one.
	for _, plain := range []string{"base-get", "base-post-cl0", "base-unauth", "k-two-tenants"} {
		if slices.Contains(y.through, plain) || slices.Contains(y.refused, plain) {
			t.Errorf("%s fails even %s: its configuration does not work", y.name, plain)
		}
	}
	return y
}
