package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// TestWhoIsToBlame: a limit of the host's own that passed is its fault, and so is a timeout of the route that it had for the
// most part. What others left it of that is not.
func TestWhoIsToBlame(t *testing.T) {
	for _, c := range []struct {
		name            string
		timeout, limit  time.Duration // 0: none
		before, waiting time.Duration // until the wait for the host began, and since then
		want            error
	}{
		{"within both limits", 25 * time.Second, 8 * time.Second, time.Second, 7 * time.Second, nil},
		{"its own limit", 25 * time.Second, 8 * time.Second, time.Second, 8 * time.Second, errSlow},
		{"its own limit, without a timeout", 0, 8 * time.Second, time.Second, 8 * time.Second, errSlow},
		{"both at once", 25 * time.Second, 8 * time.Second, 17 * time.Second, 8 * time.Second, errSlow},
		{"no limit at all", 0, 0, time.Second, time.Hour, nil},
		{"a moment after a slow client", 25 * time.Second, 8 * time.Second, 24 * time.Second, time.Second, errPressed},
		{"a moment after two slow hosts", 20 * time.Second, 8 * time.Second, 16 * time.Second, 4 * time.Second, errPressed},
		{"not even a moment", 25 * time.Second, 8 * time.Second, 26 * time.Second, 0, errPressed},
		{"no limit of its own, after a slow client", 25 * time.Second, 0, 24 * time.Second, time.Second, errPressed},
		{"no limit of its own, and all of the timeout", 25 * time.Second, 0, 0, 25 * time.Second, errSlow},
		{"a limit beyond the timeout, and all of that", 5 * time.Second, 8 * time.Second, 0, 5 * time.Second, errSlow},
		{"a limit beyond the timeout, and half of that", 5 * time.Second, 8 * time.Second, 2500 * time.Millisecond, 2500 * time.Millisecond, errSlow},
	} {
		x := &exchange{route: &route{Route: Route{Timeout: c.timeout}}}
		start := time.Unix(1_000_000, 0).Add(c.before)
		if c.timeout > 0 {
			x.deadline = time.Unix(1_000_000, 0).Add(c.timeout)
		}
		if _, err := x.hostTime(start.Add(c.waiting), start, c.limit); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// blaming is a pool that passes a host over after a single failure.
func blaming(t *testing.T, addrs ...string) *balancer.Pool {
	return testPoolWith(t, func(o *balancer.Options) { o.MaxFails, o.FailTimeout = 1, time.Hour }, addrs...)
}

// TestASlowClientIsNoFaultOfTheHost: what its body leaves of the route's timeout is too short for any host.
func TestASlowClientIsNoFaultOfTheHost(t *testing.T) {
	t.Parallel()
	u := startScripted(t, stuck(""))
	pool := blaming(t, u.addr)
	const timeout = 4 * ample
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.BodyTimeout, r.ReadTimeout = timeout, long, long }))
	for _, body := range bodies {
		client := g.caller(t)
		raw := requestOf("write", "n", body)
		io.WriteString(client, raw[:len(raw)-1]) //nolint:errcheck // the answer tells
		<-time.After(timeout * 3 / 4)
		io.WriteString(client, raw[len(raw)-1:]) //nolint:errcheck // the answer tells
		// Where the test itself was too slow, the connection ends instead.
		if got := client.read("POST"); got.status != 0 && (got.status != 504 || got.reason != "deadline") {
			t.Errorf("client got %v: %s", got, got.body)
		}
	}
	if !pool.Hosts()[0].Available() {
		t.Error("the host is passed over for what a client did")
	}
}

// TestASlowReaderIsNoFaultOfTheHost: a client that takes longer for its answer than the route allows.
func TestASlowReaderIsNoFaultOfTheHost(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	u := startScripted(t, func(l *line) {
		l.request()
		l.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		io.Copy(l, io.LimitReader(zeroes{}, size)) //nolint:errcheck // it is cut
	})
	pool := blaming(t, u.addr)
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.ReadTimeout = ample, long }))
	client := g.caller(t)
	io.WriteString(client, query) //nolint:errcheck // the answer tells
	client.br.ReadByte()          //nolint:errcheck // only to see that it has begun
	<-time.After(2 * ample)
	n, _ := io.Copy(io.Discard, client.br)
	if n >= size {
		t.Fatal("the answer was not cut")
	}
	eventually(t, "the request has ended", func() bool { return g.InFlight() == 0 })
	if !pool.Hosts()[0].Available() {
		t.Error("the host is passed over for what a client did")
	}
}

// TestAHostIsToBlameForItself: what it does with the time that it has.
func TestAHostIsToBlameForItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		play  func(*line)
		limit func(*Route)
	}{
		"read_timeout":             {stuck(""), func(r *Route) { r.ReadTimeout, r.Timeout = short, long }},
		"the whole timeout":        {stuck(""), func(r *Route) { r.ReadTimeout, r.Timeout = long, short }},
		"503":                      {answering(status(503, "No")), nil},
		"closed":                   {func(l *line) { l.request() }, nil},
		"cut":                      {partly("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"), nil},
		"the status of a stranger": {answering(status(404, "No")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := blaming(t, startScripted(t, c.play).addr)
			g := startPatient(t, testRoutes(pool, c.limit))
			if got := g.ask(t, push("samples")); got.status < 502 {
				t.Errorf("client got %v", got)
			}
			if pool.Hosts()[0].Available() {
				t.Error("the host is not passed over")
			}
		})
	}
}

// TestTheEndOfAKeptConnectionIsNobodysFault: it may have been idle for longer than the host likes.
func TestTheEndOfAKeptConnectionIsNobodysFault(t *testing.T) {
	t.Parallel()
	u := startScripted(t, func(l *line) {
		l.request()
		l.say(answerOK)
		l.request()
	})
	pool := blaming(t, u.addr)
	g := startPatient(t, testRoutes(pool, nil))
	client := g.caller(t)
	if got := client.ask(push("samples")); got.status != 200 {
		t.Fatal(got)
	}
	if got := client.ask(requestOf("rules", "n", "groups")); got.status != 502 || got.reason != "upstream_closed" {
		t.Errorf("client got %v, want the end of the kept connection", got)
	}
	if !pool.Hosts()[0].Available() {
		t.Error("the host is passed over for the end of a kept connection")
	}
}

// zeroes never end.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestAConnectWithoutTimeIsNoFaultOfTheHost: no host can accept a connection in no time.
func TestAConnectWithoutTimeIsNoFaultOfTheHost(t *testing.T) {
	t.Parallel()
	pool := blaming(t, startDeaf(t, wiring{}))
	g := startPatient(t, testRoutes(pool, func(r *Route) { r.Timeout, r.BodyTimeout, r.ConnectTimeout = 4*ample, long, long }))
	client := g.caller(t)
	raw := push(strings.Repeat("x", 100))
	io.WriteString(client, raw[:len(raw)-1]) //nolint:errcheck // the answer tells
	<-time.After(3 * ample)
	io.WriteString(client, raw[len(raw)-1:]) //nolint:errcheck // the answer tells
	if got := client.read("POST"); got.status != 0 && (got.status != 504 || got.reason != "deadline") {
		t.Errorf("client got %v: %s", got, got.body)
	}
	if !pool.Hosts()[0].Available() {
		t.Error("the host is passed over for what a client did")
	}
}
