package balancer

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// descriptors returns how many files the process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files in /proc/self/fd")
	}
	return len(entries)
}

// IdleTimeout is short because fasthttp's cleaner sleeps through it before it sees that no connection is left.
func TestClosedPoolLeavesNoGoroutineAndNoDescriptor(t *testing.T) {
	ca := newAuthority(t)
	plain := listen(t, "127.0.0.1:0", nil)
	secure := listen(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1")}})
	closed := listen(t, "127.0.0.1:0", nil)
	_ = closed.Close()
	resolver := &scriptedResolver{ips: map[string][]string{"a.test": {"127.0.0.1"}}}
	tests := []struct {
		name    string
		to      *upstream
		options Options
	}{
		{"plain", plain, Options{}},
		{"TLS", secure, Options{TLS: &tls.Config{RootCAs: ca.pool}}},
		{"TLS that is not trusted", secure, Options{TLS: &tls.Config{}}},
		{"a host that refuses", closed, Options{}},
		{"a host found in DNS", plain, Options{
			Targets: []Target{{Name, "a.test", plain.target().Port}}, Resolver: resolver,
		}},
		{"fewer connections than requests", plain, Options{MaxConnections: 2, QueueTimeout: time.Microsecond}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := descriptors(t)
			others := goleak.IgnoreCurrent()
			o := tt.options
			o.IdleTimeout = 10 * time.Millisecond
			if o.Targets == nil {
				o.Targets = []Target{tt.to.target()}
			}
			p := New(o, nil)
			p.Wait(t.Context())
			h := p.Pick(nil)
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					c, err := h.Acquire(time.Now(), 0, time.Hour)
					if err != nil {
						return
					}
					if i%3 == 0 {
						c.Discard()
					} else {
						c.Release()
					}
				})
			}
			wg.Wait()
			p.Close()
			goleak.VerifyNone(t, others)
			if tt.to != closed {
				for range h.series.dials.Load() {
					_ = (<-tt.to.accepted).Close()
				}
			}
			if open, _ := h.Connections(); open != 0 {
				t.Errorf("%d connections left, want 0", open)
			}
			if after := descriptors(t); after > before {
				t.Errorf("%d open files, %d before", after, before)
			}
		})
	}
}

// An idle connection goes by itself, and with the last one the cleaner.
func TestIdleConnectionIsClosedAfterItsTime(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	others := goleak.IgnoreCurrent()
	h := hostOf(t, u, Options{IdleTimeout: 10 * time.Millisecond})
	acquire(t, h).Release()
	wantClosed(t, u.next(t))
	goleak.VerifyNone(t, others)
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, secure := range []bool{false, true} {
		_, h := tlsHost(b, &tls.Config{}, &tls.Config{})
		if !secure {
			h = hostOf(b, listen(b, "127.0.0.1:0", nil), Options{})
		}
		acquire(b, h).Release()
		b.Run(fmt.Sprintf("tls=%v", secure), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, err := h.Acquire(time.Now(), time.Second, time.Hour)
				if err != nil {
					b.Fatal(err)
				}
				c.Release()
			}
		})
		b.Run(fmt.Sprintf("tls=%v/parallel", secure), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					c, err := h.Acquire(time.Now(), time.Second, time.Hour)
					if err != nil {
						b.Error(err)
						return
					}
					c.Release()
				}
			})
		})
		b.Run(fmt.Sprintf("tls=%v/look", secure), func(b *testing.B) {
			c := acquire(b, h)
			for b.Loop() {
				if !c.conn.socket.quiet() {
					b.Fatal("not quiet")
				}
			}
			c.Release()
		})
	}
}
