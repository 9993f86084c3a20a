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

// TestAChunkedBodyIsChargedForAsItComes: what it owes holds up the next request, and the body itself is never cut.
func TestAChunkedBodyIsChargedForAsItComes(t *testing.T) {
	g, _, shares := startLimited(t, 0)
	shares.Limit("tenant-a", &TenantLimits{BytesPerSecond: 1000})
	client := g.dial(t)
	br := bufio.NewReader(client)
	chunk := strings.Repeat("x", 8000)
	chunked := "POST /api/v1/push HTTP/1.1\r\nHost: h\r\nAuthorization: " + basicA + "\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"1f40\r\n" + chunk + "\r\n0\r\n\r\n"
	if answer := sendOn(t, client, br, chunked); answer.StatusCode != 200 {
		t.Errorf("the body that goes over the rate: %s, want 200", answer.Status)
	}
	for g.InFlight() > 0 {
		time.Sleep(time.Millisecond)
	}
	if answer := sendOn(t, client, br, pushOf(basicA, "x")); answer.StatusCode != 503 {
		t.Errorf("the next push: %s, want 503", answer.Status)
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
		{func() { shares.Limit("tenant-a", &TenantLimits{RequestsPerSecond: 1e9}) }, 503}, // what was taken stays owed
		{func() { shares.Limit("tenant-a", &TenantLimits{}) }, 200},
		{func() { shares.Limit("tenant-a", nil) }, 503},
		{func() { shares.LimitOthers(TenantLimits{}) }, 200},
	}
	for i, step := range steps {
		step.change()
		if got := status(); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

// TestOfSeveralTenantsTheFirstPays: a read of several tenants counts for one of them.
func TestOfSeveralTenantsTheFirstPays(t *testing.T) {
	for tenant, want := range map[string]string{"a": "a", "a|b": "a", "": ""} {
		if got := payer(tenant); got != want {
			t.Errorf("payer(%q) = %q, want %q", tenant, got, want)
		}
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
	own := g.shares.of("tenant-a")
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
	if used := own.inFlight.used.Load(); used != 0 {
		t.Errorf("%d of its requests are still counted", used)
	}
	if held := own.writes.Load(); held != 0 {
		t.Errorf("%d of the process's slots are still counted", held)
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

// BenchmarkShare is what limits add to a push: the look-up of the tenant, its slot, its rates, and the process's slot.
func BenchmarkShare(b *testing.B) {
	for _, tenants := range []int{1, 1000, 100_000} {
		for _, limited := range []bool{false, true} {
			b.Run(fmt.Sprintf("tenants=%d/limited=%v", tenants, limited), func(b *testing.B) {
				p := New(Options{Shares: NewShares()})
				names := make([]string, tenants)
				for i := range names {
					names[i] = "tenant-" + strconv.Itoa(i)
					p.shares.of(names[i])
					if limited {
						p.shares.Limit(names[i], &TenantLimits{RequestsPerSecond: 1e9, BytesPerSecond: 1 << 50, MaxInFlight: 1000})
					}
				}
				identity := &authcache.Identity{Tenant: "x"}
				var at atomic.Int64
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					x := &exchange{proxy: p, snapshot: new(Snapshot), identity: identity, conn: &client{Conn: new(wire.Conn)}}
					x.head = new(wire.RequestHead)
					x.head.Length = 1000
					for i := int(at.Add(1)); pb.Next(); i++ {
						x.tenant = names[i%tenants]
						if f := x.takeShare(); f != nil {
							b.Fatal(f)
						}
						x.received = 1000
						if x.shareSlot {
							x.share.inFlight.free(nil)
						}
						x.settle()
						x.share, x.shareSlot, x.charged = nil, false, 0
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
	g.writes.limit.Store(slots)
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
