//go:build !race

package balancer

import (
	"crypto/tls"
	"testing"
	"time"
)

func TestPickDoesNotAllocate(t *testing.T) {
	for _, policy := range []Policy{RoundRobin, LeastConn} {
		for _, n := range []int{1, 3, 100} {
			p := New(Options{Targets: literals(n), Policy: policy, MaxFails: 1}, nil)
			defer p.Close()
			hosts := p.Hosts()
			hosts[n-1].Failed()
			for name, tried := range map[string][]*Host{"a first attempt": nil, "a further attempt": hosts[:1]} {
				if allocs := testing.AllocsPerRun(1000, func() { p.Pick(tried) }); allocs != 0 {
					t.Errorf("%v: %s among %d hosts allocates %v times", policy, name, n, allocs)
				}
			}
		}
	}
}

func TestUsingAConnectionAgainDoesNotAllocate(t *testing.T) {
	u := listen(t, "127.0.0.1:0", nil)
	h := hostOf(t, u, Options{MaxConnections: 10, QueueTimeout: time.Second, MaxConnectionAge: time.Hour})
	acquire(t, h).Release()
	allocs := testing.AllocsPerRun(1000, func() {
		c, err := h.Acquire(time.Now(), time.Second, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		h.Begin()
		h.Succeeded()
		h.End()
		c.Release()
	})
	if allocs != 0 {
		t.Errorf("Acquire and Release allocate %v times", allocs)
	}
	u.next(t)
	u.none(t)
}

// crypto/tls makes one object for each read from the socket, and the look is one.
func TestUsingATLSConnectionAgainAllocatesOnlyInCryptoTLS(t *testing.T) {
	u, h := tlsHost(t, &tls.Config{}, &tls.Config{})
	acquire(t, h).Release()
	allocs := testing.AllocsPerRun(1000, func() { acquire(t, h).Release() })
	if allocs > 1 {
		t.Errorf("Acquire and Release allocate %v times, want at most 1", allocs)
	}
	u.next(t)
	u.none(t)
}
