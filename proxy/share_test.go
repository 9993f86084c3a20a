package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// startLimited serves two tenants before a recorder, and returns what their limits are set with.
func startLimited(t *testing.T, patience time.Duration) (*gateway, *recorder, *Shares) {
	t.Helper()
	cortex := startRecorder(t, nil)
	g, shares := limitedBefore(t, cortex.addr, patience)
	return g, cortex, shares
}

func limitedBefore(t *testing.T, upstream string, patience time.Duration) (*gateway, *Shares) {
	t.Helper()
	shares := NewShares()
	g := startGatewayWith(t, testRoutes(testPool(t, upstream), nil), Options{
		HeaderTimeout: 2 * time.Second, IdleTimeout: 10 * time.Second, MaxHeaderSize: 16 << 10, Shares: shares,
	})
	g.snapshot.Load().limits.QueueTimeout = patience
	return g, shares
}

// sendOn sends one request and reads its answer.
func sendOn(t *testing.T, rw io.ReadWriter, br *bufio.Reader, request string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(rw, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body) //nolint:errcheck // the answer's head is what counts
	return answer
}

func pushOf(basic, body string) string {
	return fmt.Sprintf("POST /api/v1/push HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", basic, len(body), body)
}

// TestATenantGetsItsShare: what is beyond the limit is refused in a way that a sender repeats, with the time to wait, and
// touches nobody else.
func TestATenantGetsItsShare(t *testing.T) {
	long := strings.Repeat("x", 4000)
	for _, c := range []struct {
		name   string
		limits TenantLimits
		body   string
		passes int // of three pushes at once
		after  int // seconds of Retry-After, at least
	}{
		{"none", TenantLimits{}, long, 3, 0},
		{"requests, one in a hundred seconds", TenantLimits{RequestsPerSecond: 0.01}, "x", 1, maxRetryAfter},
		{"requests, eight in a second", TenantLimits{RequestsPerSecond: 8}, "x", 2, 1},
		{"bytes", TenantLimits{BytesPerSecond: 400}, long, 1, 9},
		{"both", TenantLimits{BytesPerSecond: 400, RequestsPerSecond: 1000}, long, 1, 9},
		{"enough of both", TenantLimits{BytesPerSecond: 1 << 30, RequestsPerSecond: 1000}, long, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, cortex, shares := startLimited(t, 0)
			shares.Limit("tenant-a", &c.limits)
			send := func(basic string) *http.Response {
				client := g.dial(t)
				return sendOn(t, client, bufio.NewReader(client), pushOf(basic, c.body))
			}
			for i := range 3 {
				answer := send(basicA)
				if i < c.passes {
					if answer.StatusCode != 200 {
						t.Errorf("push %d: %s, want 200", i, answer.Status)
					}
					continue
				}
				after, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
				if answer.StatusCode != 503 || answer.Header.Get("X-Headgate-Reason") != "tenant_limited" || after < c.after || after > c.after+3 {
					t.Errorf("push %d: %s, reason %q, Retry-After %d; want 503, tenant_limited, %d s",
						i, answer.Status, answer.Header.Get("X-Headgate-Reason"), after, c.after)
				}
				if other := send(basicB); other.StatusCode != 200 {
					t.Errorf("the other tenant's push: %s, want 200", other.Status)
				}
			}
			if n := strings.Count(strings.Join(tenantsOf(cortex), " "), "tenant-a"); n != c.passes {
				t.Errorf("%d pushes reached Cortex, want %d", n, c.passes)
			}
		})
	}
}

func tenantsOf(r *recorder) (tenants []string) {
	for _, req := range r.requests() {
		tenants = append(tenants, req.tenants()...)
	}
	return tenants
}

// TestAChunkedBodyIsChargedForAsItComes: what it owes holds up the next request while it is still coming, and the body itself
// is never cut.
func TestAChunkedBodyIsChargedForAsItComes(t *testing.T) {
	g, _, shares := startLimited(t, 0)
	shares.Limit("tenant-a", &TenantLimits{BytesPerSecond: 1000})
	client := g.dial(t)
	fmt.Fprintf(client, "POST /api/v1/push HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\n\r\n1f40\r\n%s\r\n",
		basicA, strings.Repeat("x", 8000))
	next := g.caller(t)
	eventually(t, "the next push is refused", func() bool { return next.ask(pushOf(basicA, "")).reason == "tenant_limited" })
	if answer := sendOn(t, client, bufio.NewReader(client), "0\r\n\r\n"); answer.StatusCode != 200 {
		t.Errorf("the body that goes over the rate: %s, want 200", answer.Status)
	}
	if answer := next.ask(pushOf(basicA, "")); answer.reason != "tenant_limited" {
		t.Errorf("the next push: %v, want it refused", answer)
	}
}

// TestWhatDoesNotComeIsGivenBack: a body that was declared and refused costs nothing.
func TestWhatDoesNotComeIsGivenBack(t *testing.T) {
	g, _, shares := startLimited(t, 0)
	shares.Limit("tenant-a", &TenantLimits{BytesPerSecond: 1000})
	for range 3 {
		client := g.dial(t)
		head := "POST /api/v1/push HTTP/1.1\r\nHost: h\r\nAuthorization: " + basicA + "\r\nContent-Length: 200000000\r\n\r\n"
		if answer := sendOn(t, client, bufio.NewReader(client), head); answer.StatusCode != 413 {
			t.Fatalf("a body over the route's limit: %s, want 413", answer.Status)
		}
		for g.InFlight() > 0 { // it is settled behind the answer
			time.Sleep(time.Millisecond)
		}
	}
	client := g.dial(t)
	if answer := sendOn(t, client, bufio.NewReader(client), pushOf(basicA, "x")); answer.StatusCode != 200 {
		t.Errorf("the push after it: %s, want 200", answer.Status)
	}
}

// TestLimitsChangeWhileServing: a new limit counts from the next request on, and so does none.
func TestLimitsChangeWhileServing(t *testing.T) {
	g, _, shares := startLimited(t, 0)
	client := g.dial(t)
	br := bufio.NewReader(client)
	status := func() int { return sendOn(t, client, br, pushOf(basicA, "x")).StatusCode }
	steps := []struct {
		change func()
		want   int
	}{
		{func() {}, 200},
		{func() { shares.LimitOthers(TenantLimits{RequestsPerSecond: 0.001}) }, 200},
		{func() {}, 503},
		{func() { shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 1e9}) }, 200}, // what was taken is paid for at once
		{func() { shares.Limit("tenant-a", nil) }, 200},
		{func() {}, 503},
		{func() { shares.Limit("tenant-b", &TenantLimits{}) }, 503},
		{func() { shares.Limit("tenant-a", &TenantLimits{}) }, 200},
		{func() { shares.Limit("tenant-a", nil) }, 200},
		{func() {}, 503},
		{func() { shares.LimitOthers(TenantLimits{}) }, 200},
		{func() { shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 0.001}) }, 503}, // it is owed still
	}
	for i, step := range steps {
		step.change()
		if got := status(); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

// TestOtherRatesOtherDebts: a higher rate pays what is owed sooner, a lower one no later than the one before would have, and
// the time to wait says so.
func TestOtherRatesOtherDebts(t *testing.T) {
	const inDebt = 100 * time.Second
	for _, c := range []struct {
		name          string
		before, after TenantLimits
		length        int64
		taken         int           // requests at once under the first
		owed          time.Duration // then
		wait          time.Duration // under the second
	}{
		{"requests, more", TenantLimits{RequestsPerSecond: 0.01}, TenantLimits{RequestsPerSecond: 1000}, 0, 1, inDebt, 0},
		{"requests, a little more", TenantLimits{RequestsPerSecond: 0.01}, TenantLimits{RequestsPerSecond: 0.02}, 0, 1, inDebt, 50 * time.Second},
		{"requests, fewer", TenantLimits{RequestsPerSecond: 1000}, TenantLimits{RequestsPerSecond: 0.01}, 0, 250, time.Millisecond, burst},
		{"requests, the same", TenantLimits{RequestsPerSecond: 0.01}, TenantLimits{RequestsPerSecond: 0.01, MaxInFlight: 9}, 0, 1, inDebt, inDebt},
		{"requests, any number", TenantLimits{RequestsPerSecond: 0.01}, TenantLimits{MaxInFlight: 9}, 0, 1, inDebt, 0},
		{"bytes, more", TenantLimits{BytesPerSecond: 1000}, TenantLimits{BytesPerSecond: 1_000_000}, 500_000, 1, 500*time.Second - burst, burst},
		{"bytes, fewer", TenantLimits{BytesPerSecond: 1000}, TenantLimits{BytesPerSecond: 10}, 1000, 1, time.Second - burst, time.Second - burst},
		{"bytes, any number", TenantLimits{BytesPerSecond: 1000}, TenantLimits{RequestsPerSecond: 1000}, 500_000, 1, 500*time.Second - burst, 0},
	} {
		for _, how := range []string{"its own", "those of all others", "its own after those of all others"} {
			t.Run(c.name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := New(Options{Shares: NewShares()})
					set := func(limits TenantLimits, first bool) {
						if how == "its own" || how != "those of all others" && !first {
							p.shares.Limit("team-a", &limits)
						} else {
							p.shares.LimitOthers(limits)
						}
					}
					ask := func() *failure {
						x := newArrival(p, &route{slots: new(slots)}, "team-a")
						x.head.Length = c.length
						defer x.leave()
						f := x.admit()
						x.received = x.charged
						return f
					}
					wait := func() time.Duration {
						if f := ask(); f != nil {
							return f.after
						}
						return 0
					}
					set(c.before, true)
					for i := range c.taken {
						if f := ask(); f != nil {
							t.Fatalf("request %d: %v", i, f)
						}
					}
					if got := wait(); got != c.owed {
						t.Errorf("before: one more waits for %v, want %v", got, c.owed)
					}
					set(c.after, false)
					if got := wait(); got != c.wait {
						t.Errorf("after: one more waits for %v, want %v", got, c.wait)
					}
				})
			})
		}
	}
}

// TestWhoseShareItIs: a request takes from the share of its credential's tenant, whatever it names, so that nobody can be
// made to pay for another, or escape his limits by other names.
func TestWhoseShareItIs(t *testing.T) {
	u := startRecorder(t, nil)
	for _, test := range []struct {
		name, user, line, names, pays string
	}{
		{"its own", "tenant-a", pushLine, "", "tenant-a"},
		{"another, which does not count", "tenant-a", pushLine, "tenant-b", "tenant-a"},
		{"a read of several", "several", queryLine, "a|b", "own"},
		{"a read of one of several", "several", queryLine, "c", "own"},
		{"a push for another", "several", pushLine, "d", "own"},
		{"a push for anybody", "every", pushLine, "whoever", "own"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := startEveryKind(t, u.addr, func(*Settings) {})
			once := TenantLimits{RequestsPerSecond: 0.001}
			for _, tenant := range []string{"a", "b", "c", "d", "tenant-b", "whoever"} {
				g.shares.Limit(tenant, &once)
			}
			fields := []string{"Authorization: " + basicOf(test.user)}
			if test.names != "" {
				fields = append(fields, "X-Scope-OrgID: "+test.names)
			}
			for range 3 {
				if r := g.ask(t, requestAs(test.line, fields...)); r.status != 200 {
					t.Fatalf("with limits for the others: answered %v", r)
				}
			}
			g.shares.Limit(test.pays, &once)
			if r := g.ask(t, requestAs(test.line, fields...)); r.status != 200 {
				t.Errorf("the first with limits for %s: answered %v", test.pays, r)
			}
			if r := g.ask(t, requestAs(test.line, fields...)); r.reason != "tenant_limited" {
				t.Errorf("the second with limits for %s: answered %v", test.pays, r)
			}
		})
	}
}

// TestAConnectionOfTwoTenants: what a connection remembers is of one of them, and each request is of its own. Who comes again
// on it still counts as under way.
func TestAConnectionOfTwoTenants(t *testing.T) {
	p := New(Options{Shares: NewShares()})
	p.shares.Limit("a", &TenantLimits{MaxInFlight: 5})
	p.shares.Limit("b", &TenantLimits{MaxInFlight: 5})
	x := newArrival(p, &route{slots: new(slots)}, "")
	for i, tenant := range []string{"a", "b", "b", "c", "a", "c", "a", "a"} {
		x.identity = &authcache.Identity{Tenant: tenant}
		if f := x.admit(); f != nil {
			t.Fatal(f)
		}
		own, _ := p.shares.tenants.find(tenant)
		if x.share != own {
			t.Errorf("request %d, of %s, takes from the share of another", i, tenant)
		}
		if own != nil && own.users.Load() != 2 {
			t.Errorf("request %d: the share of %s has %d users, want the request and the limits", i, tenant, own.users.Load())
		}
		x.leave()
		x.share, x.slots = nil, x.slotsBuf[:0]
	}
}

// TestATokenOfSeveralTakesFromItsFirst: of the tenants that its issuer wrote into it, not of those that its bearer names.
func TestATokenOfSeveralTakesFromItsFirst(t *testing.T) {
	reach, err := authcache.NewReach([]string{"c", "b"}, []string{"c", "b"}, []string{"c", "b"})
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{identity: &authcache.Identity{Reach: reach}, tenant: "c"}
	if got := x.payer(); got != "b" {
		t.Errorf("it takes from the share of %q, want b", got)
	}
}

// TestATenantsRequestsUnderWayAreBounded: beyond max_in_flight a request waits for one of its own tenant to end.
func TestATenantsRequestsUnderWayAreBounded(t *testing.T) {
	arrived, answer := make(chan string, 4), make(chan struct{})
	cortex := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.Header.Get(tenantHeader)
		<-answer
	}))
	defer cortex.Close()
	g, shares := limitedBefore(t, cortex.Listener.Addr().String(), 10*time.Second)
	shares.Limit("tenant-a", &TenantLimits{MaxInFlight: 1})
	statuses := make(chan int, 3)
	send := func(basic string) {
		client := g.dial(t)
		go func() { statuses <- sendOn(t, client, bufio.NewReader(client), pushOf(basic, "x")).StatusCode }()
	}
	send(basicA)
	<-arrived
	send(basicA)
	own, _ := shares.tenants.find("tenant-a")
	for own.inFlight.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	send(basicB)
	if tenant := <-arrived; tenant != "tenant-b" {
		t.Errorf("%s came through, want tenant-b", tenant)
	}
	close(answer)
	for range 3 {
		if status := <-statuses; status != 200 {
			t.Errorf("status %d, want 200", status)
		}
	}
	for g.InFlight() > 0 {
		time.Sleep(time.Millisecond)
	}
	own.inFlight.wantEmpty(t)
	g.writes.wantEmpty(t)
	g.snapshot.Load().routes.all[0].connections.wantEmpty(t)
	if users := own.users.Load(); users != 1 { // the limits
		t.Errorf("its share has %d users, want one", users)
	}
}

// TestARequestALittleEarlyWaits: with a queue_timeout a request that comes a little early is late instead of refused.
func TestARequestALittleEarlyWaits(t *testing.T) {
	g, _, shares := startLimited(t, 5*time.Second)
	shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 20})
	client := g.dial(t)
	br := bufio.NewReader(client)
	for i := range 10 {
		if answer := sendOn(t, client, br, pushOf(basicA, "x")); answer.StatusCode != 200 {
			t.Errorf("push %d: %s, want 200", i, answer.Status)
		}
	}
}

// newArrival is a request of a tenant that is about to be admitted.
func newArrival(p *Proxy, r *route, tenant string) *exchange {
	x := &exchange{
		proxy: p, route: r, snapshot: new(Snapshot), identity: &authcache.Identity{Tenant: tenant},
		conn: &client{Conn: new(wire.Conn)}, head: new(wire.RequestHead),
	}
	x.slots = x.slotsBuf[:0]
	return x
}

// shareLoop takes and gives back what limits are about, again and again, as a connection does: the share of the tenant with
// its rates and its slot, the process's slot, and an upstream connection.
func shareLoop(x *exchange) func() {
	return func() {
		x.head.Length, x.received = 1000, 0
		if f := x.admit(); f != nil {
			panic(f)
		}
		if !x.takeSlot(x.route.connections, x.payer()) {
			panic("no connection")
		}
		x.received = 1000
		x.leave()
		x.share, x.paid, x.charged, x.slots = nil, nil, 0, x.slotsBuf[:0]
	}
}

// limitedTenants makes a process with tenants of these names; with a limit for all of them, for the last one, or for none.
func limitedTenants(limited string, names []string) *Proxy {
	p := New(Options{Shares: NewShares()})
	limits := &TenantLimits{RequestsPerSecond: 1e9, BytesPerSecond: 1 << 50, MaxInFlight: 1000}
	switch limited {
	case "others":
		p.shares.LimitOthers(*limits)
	case "all":
		for _, name := range names {
			p.shares.Limit(name, limits)
		}
	case "another":
		p.shares.Limit("another", limits)
	}
	p.writes.bound(10_000)
	return p
}

// crowdedSlots makes slots of which so many are taken that it is counted who has them.
func crowdedSlots(limit int64) *slots {
	s := bounded(limit)
	s.used.Store(limit / 2)
	return s
}

// BenchmarkShare is what limits, slots and an upstream connection's turn add to a push: for tenants without limits, also
// where another has some, and for tenants with their own or those of all others; and where so much is in use that it is
// counted who has it.
func BenchmarkShare(b *testing.B) {
	for _, c := range []struct {
		limited string
		crowded bool
	}{{"none", false}, {"another", false}, {"others", false}, {"all", false}, {"none", true}, {"all", true}} {
		for _, tenants := range []int{1, 100_000} {
			b.Run(fmt.Sprintf("limited=%s/crowded=%v/tenants=%d", c.limited, c.crowded, tenants), func(b *testing.B) {
				names := make([]string, tenants)
				for i := range names {
					names[i] = "tenant-" + strconv.Itoa(i)
				}
				p := limitedTenants(c.limited, names)
				r := &route{slots: new(slots), connections: bounded(512)}
				if c.crowded {
					r.connections = crowdedSlots(512)
					p.writes.used.Store(5000)
				}
				var at atomic.Int64
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					// A connection has one client.
					push := shareLoop(newArrival(p, r, names[int(at.Add(1))%tenants]))
					for pb.Next() {
						push()
					}
				})
			})
		}
	}
}

// TestATenantOfManyConnectionsTakesNoMoreThanHalf: however many connections one tenant sends on, another's push passes
// all of the first one's that wait, and shows up at Cortex after a handful of them.
func TestATenantOfManyConnectionsTakesNoMoreThanHalf(t *testing.T) {
	const slots, connections = 8, 200
	var many atomic.Int64
	var passed atomic.Int64 // pushes of the many by the time that the other's came
	cortex := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get(tenantHeader) == "tenant-b" {
			passed.Store(many.Load())
			return
		}
		many.Add(1)
		time.Sleep(2 * time.Millisecond) // a Cortex that has work to do
	}))
	defer cortex.Close()
	g, _ := limitedBefore(t, cortex.Listener.Addr().String(), time.Minute)
	g.writes.bound(slots)
	var stop atomic.Bool
	var all sync.WaitGroup
	defer all.Wait()
	defer stop.Store(true)
	for range connections {
		client := g.dial(t)
		all.Go(func() {
			for br := bufio.NewReader(client); !stop.Load(); {
				if answer := sendOn(t, client, br, pushOf(basicA, "x")); answer.StatusCode != 200 {
					t.Errorf("a push of the many: %s", answer.Status)
					return
				}
			}
		})
	}
	for g.writes.waiting.Load() < connections/2 {
		time.Sleep(time.Millisecond)
	}
	client := g.dial(t)
	br := bufio.NewReader(client)
	var before []int64
	for range 20 {
		at := many.Load()
		if answer := sendOn(t, client, br, pushOf(basicB, "x")); answer.StatusCode != 200 {
			t.Fatalf("the other's push: %s", answer.Status)
		}
		before = append(before, passed.Load()-at)
	}
	slices.Sort(before)
	// In a plain queue it would be all that wait, close to 200.
	if median := before[len(before)/2]; median > 2*slots {
		t.Errorf("half of the other's pushes came after %d of the many, want a few: %v", median, before)
	}
}
