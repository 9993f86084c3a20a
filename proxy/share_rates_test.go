package proxy

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/proxy/wire"
)

// wantRate fails the test unless got is rate's in ten seconds, give or take 5 % (or one).
func wantRate(t testing.TB, got, rate float64) {
	t.Helper()
	want := 10 * rate
	if got < min(0.95*want, want-1) || got > max(1.05*want, want+1) {
		t.Errorf("at %v in a second %v were taken in ten, want %v, give or take 5 %%", rate, got, want)
	}
}

// TestRequestsHoldTheirRate: for ten seconds more senders than the rate has room for ask for as much as they can.
func TestRequestsHoldTheirRate(t *testing.T) {
	for _, rate := range []float64{0.5, 7, 100, 20_000} {
		for _, senders := range []int{2, 64} {
			for _, patience := range []time.Duration{0, time.Second} {
				t.Run(fmt.Sprint(rate, " in a second, senders ", senders, ", queue_timeout ", patience), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						p := New(Options{Shares: NewShares()})
						p.shares.Limit("team-a", &TenantLimits{RequestsPerSecond: rate})
						p.writes.bound(10_000)
						r, end := &route{slots: new(slots)}, time.Now().Add(10*time.Second)
						var got atomic.Int64
						var all sync.WaitGroup
						for range senders {
							all.Go(func() {
								x := newArrival(p, r, "team-a")
								for time.Now().Before(end) {
									x.snapshot.limits.QueueTimeout, x.queued = patience, 0
									switch f := x.admit(); {
									case f != nil:
										time.Sleep(5 * time.Millisecond)
									case time.Now().Before(end):
										got.Add(1)
									}
									x.leave()
									x.share, x.paid, x.slots, x.charged = nil, nil, x.slotsBuf[:0], 0
								}
							})
						}
						all.Wait()
						wantRate(t, float64(got.Load()), rate)
					})
				})
			}
		}
	}
}

// TestBytesHoldTheirRate: for ten seconds senders push bodies of either framing that come in pieces, as many as they may.
func TestBytesHoldTheirRate(t *testing.T) {
	for _, c := range []struct {
		rate    int64
		senders int
		body    func(since time.Duration) int
	}{
		{100_000, 3, func(time.Duration) int { return 10_000 }},
		{100_000, 200, func(time.Duration) int { return 10_000 }},
		{1_000_000, 60, func(time.Duration) int { return 1 + rand.IntN(100_000) }},
		{1_000_000, 60, func(since time.Duration) int { return 5000 + int(since/(9*time.Second))*50_000 }}, // suddenly more
	} {
		for _, framing := range []string{"declared", "chunked", "either"} {
			for _, patience := range []time.Duration{0, time.Second} {
				t.Run(fmt.Sprint(c.rate, " in a second, senders ", c.senders, ", ", framing, ", queue_timeout ", patience), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						p := New(Options{Shares: NewShares()})
						p.shares.Limit("team-a", &TenantLimits{BytesPerSecond: c.rate})
						p.writes.bound(10_000)
						start, end := time.Now(), time.Now().Add(10*time.Second)
						var got atomic.Int64
						var all sync.WaitGroup
						for i := range c.senders {
							all.Go(func() {
								for time.Now().Before(end) {
									chunked := framing == "chunked" || framing == "either" && i%2 == 0
									if f := admitBody(t, p, patience, chunked, c.body(time.Since(start)), func(n int) {
										if time.Now().Before(end) {
											got.Add(int64(n))
										}
									}); f != nil {
										time.Sleep(100 * time.Millisecond)
									}
								}
							})
						}
						all.Wait()
						wantRate(t, float64(got.Load()), float64(c.rate))
					})
				})
			}
		}
	}
}

// admitBody admits a request whose body of n bytes comes in three pieces, and reads it.
func admitBody(t testing.TB, p *Proxy, patience time.Duration, chunked bool, n int, came func(int)) *failure {
	sender, end := net.Pipe()
	var sent sync.WaitGroup
	defer sent.Wait()
	defer sender.Close()
	defer end.Close()
	sent.Go(func() { sendSlowly(sender, chunked, n) })
	x := newArrival(p, &route{slots: new(slots)}, "team-a")
	x.conn.Conn = wire.NewConn(end, &wire.Limits{MaxHeaderSize: 16 << 10})
	if _, err := x.conn.Read(make([]byte, 512)); err != nil {
		t.Error(err)
	}
	x.head = x.conn.Head()
	x.snapshot.limits.QueueTimeout = patience
	defer x.leave()
	if x.failure = x.admit(); x.failure != nil {
		return x.failure
	}
	for buf := make([]byte, 64<<10); ; {
		m, f := x.readBody(buf)
		if f != nil {
			t.Error(f.detail)
		}
		if m == 0 {
			return nil
		}
		came(m)
	}
}

// sendSlowly sends a push whose body of n bytes comes in three pieces, until the connection ends.
func sendSlowly(c net.Conn, chunked bool, n int) {
	framing, end := fmt.Sprint("Content-Length: ", n), ""
	if chunked {
		framing, end = "Transfer-Encoding: chunked", "0\r\n\r\n"
	}
	if _, err := io.WriteString(c, "POST /api/v1/push HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n\r\n"); err != nil {
		return
	}
	for left, parts := n, 3; parts > 0; parts-- {
		piece := make([]byte, left/parts)
		left -= len(piece)
		if chunked && len(piece) > 0 {
			piece = fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
		}
		time.Sleep(10 * time.Millisecond)
		if _, err := c.Write(piece); err != nil {
			return
		}
	}
	io.WriteString(c, end) //nolint:errcheck // it is the last
}
