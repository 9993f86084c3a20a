package proxy

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// rawCase is one line of testdata/raw-http.jsonl.
type rawCase struct {
	ID             string   `json:"id"`
	Raw            string   `json:"raw"`
	Expect         string   `json:"expect"`
	Why            string   `json:"why"`
	Level          string   `json:"level"`
	MaxUpstream    int      `json:"max_upstream_requests"`
	Status         []int    `json:"status"`
	HalfClose      bool     `json:"half_close"`
	MayTimeout     bool     `json:"may_timeout"`
	Responses      int      `json:"responses"`
	Tenants        []string `json:"tenants"`
	ForbidUpstream []string `json:"forbid_upstream"`
	Close          bool     `json:"close"`
}

// bytes are the raw bytes of a case: code point N stands for byte N.
func (c *rawCase) bytes() []byte {
	var b []byte
	for _, r := range c.Raw {
		b = append(b, byte(r))
	}
	return b
}

func readRawCases(t testing.TB, file string) (cases []rawCase) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c rawCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if lines.Err() != nil || len(cases) == 0 {
		t.Fatalf("%s: %d cases, %v", file, len(cases), lines.Err())
	}
	return cases
}

// verdict is what came back for a raw request.
type verdict struct {
	statuses []int
	closed   bool // by the gateway, before the wait was over
}

// final is the first status that is not an interim one; 0 without any.
func (v *verdict) final() int {
	for _, s := range v.statuses {
		if s >= 200 {
			return s
		}
	}
	return 0
}

// rawPatience is how long something is waited for that should come; rawQuiet is how long a connection that may stay open
// must say nothing more.
const (
	rawPatience = 5 * time.Second
	rawQuiet    = 300 * time.Millisecond
)

// exchangeRaw sends bytes and reads answers until the gateway closes or nothing more comes.
func exchangeRaw(t testing.TB, addr string, raw []byte, halfClose bool, wait time.Duration) *verdict {
	t.Helper()
	return exchangeOn(t, "tcp", addr, raw, halfClose, func(v *verdict) time.Duration {
		if v.final() == 0 {
			return wait
		}
		return min(wait, rawQuiet)
	})
}

// exchangeCase is exchangeRaw for a case, which says what should come.
func exchangeCase(t testing.TB, network, addr string, c *rawCase) *verdict {
	t.Helper()
	return exchangeOn(t, network, addr, c.bytes(), c.HalfClose, c.patience)
}

// patience is how long the next answer to a case is waited for.
func (c *rawCase) patience(v *verdict) time.Duration {
	if v.final() == 0 || len(v.statuses) < c.Responses || c.Close || c.HalfClose {
		return rawPatience
	}
	return rawQuiet
}

// exchangeOn asks before each answer how long to wait for it.
func exchangeOn(t testing.TB, network, addr string, raw []byte, halfClose bool, wait func(*verdict) time.Duration) *verdict {
	t.Helper()
	return exchangeDialled(t, func() (net.Conn, error) { return net.Dial(network, addr) }, raw, halfClose, wait)
}

func exchangeDialled(t testing.TB, dial func() (net.Conn, error), raw []byte, halfClose bool, wait func(*verdict) time.Duration) *verdict {
	t.Helper()
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		conn.Write(raw) //nolint:errcheck // a refusal may come before all was taken
		if halfClose {
			conn.(interface{ CloseWrite() error }).CloseWrite() //nolint:errcheck // as above
		}
	}()
	v := &verdict{}
	br := bufio.NewReader(conn)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(wait(v))); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			timeout, _ := err.(net.Error)
			v.closed = timeout == nil || !timeout.Timeout()
			return v
		}
		if resp.StatusCode >= 200 {
			io.Copy(io.Discard, resp.Body) //nolint:errcheck // only the statuses count
		}
		v.statuses = append(v.statuses, resp.StatusCode)
	}
}

// TestRawRequests sends every raw request of the case file and looks at both sides of the gateway.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	runRawCases(t, readRawCases(t, "testdata/raw-http.jsonl"), rawWorkers, playRawCase)
}

// playRawCase sends a raw request to a gateway of its own.
func playRawCase(t *testing.T, c *rawCase) {
	upstream := startRecorder(t, nil)
	g := startGateway(t, testRoutes(testPool(t, upstream.addr), nil))
	v := exchangeCase(t, "tcp", g.addr, c)
	checkRawCase(t, c, v, upstream.requests())
}

func checkRawCase(t *testing.T, c *rawCase, v *verdict, got []*received) {
	t.Helper()
	final := v.final()
	switch c.Expect {
	case "reject":
		if final < 400 && !(final == 0 && v.closed) && !c.MayTimeout {
			t.Errorf("answered %v, closed %v, want a refusal: %s", v.statuses, v.closed, c.Why)
		}
	case "accept":
		if final < 200 || final > 299 {
			t.Errorf("answered %v, closed %v, want success: %s", v.statuses, v.closed, c.Why)
		}
	}
	if len(c.Status) > 0 && !slices.Contains(c.Status, final) {
		t.Errorf("answered %v, want one of %v", v.statuses, c.Status)
	}
	if c.Close && !v.closed {
		t.Errorf("the connection was left open")
	}
	if c.Responses > 0 && len(v.statuses) != c.Responses {
		t.Errorf("%d answers %v, want %d", len(v.statuses), v.statuses, c.Responses)
	}
	complete := 0
	for _, r := range got {
		if !r.complete {
			continue
		}
		want := "tenant-a"
		if complete < len(c.Tenants) {
			want = c.Tenants[complete]
		}
		complete++
		if tenants := r.tenants(); len(tenants) != 1 || tenants[0] != want {
			t.Errorf("upstream saw the tenants %q, want %q alone, in %q", tenants, want, r.fields)
		}
		for _, forbidden := range c.ForbidUpstream {
			if strings.Contains(strings.Join(r.fields, "\r\n"), forbidden) {
				t.Errorf("upstream saw %q in %q", forbidden, r.fields)
			}
		}
	}
	if complete > c.MaxUpstream {
		t.Errorf("%d complete requests upstream, want at most %d", complete, c.MaxUpstream)
	}
}
