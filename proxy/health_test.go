package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/balancer"
)

// TestHealthFollowsTheUpstreams has two upstreams, of which the second loses its only host and finds it again.
func TestHealthFollowsTheUpstreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := balancer.Options{
			Targets: []balancer.Target{{Kind: balancer.Literal, Host: "192.0.2.1", Port: 9009}}, MaxFails: 1, FailTimeout: time.Hour,
		}
		well, lost := balancer.New(options, nil), balancer.New(options, nil)
		defer well.Close()
		defer lost.Close()
		host := lost.Hosts()[0]
		for _, s := range []*Snapshot{{}, {healthPools: []*balancer.Pool{well, lost}}} {
			if s.upstreamLost() {
				t.Error("lost before anything happened")
			}
		}
		s := &Snapshot{healthPools: []*balancer.Pool{well, lost}}
		host.Failed()
		time.Sleep(patienceWithUpstreams - 1)
		if s.upstreamLost() {
			t.Errorf("lost within %v", patienceWithUpstreams)
		}
		time.Sleep(time.Nanosecond)
		if !s.upstreamLost() {
			t.Errorf("not lost after %v", patienceWithUpstreams)
		}
		host.Succeeded()
		if s.upstreamLost() {
			t.Error("lost with a healthy host")
		}
	})
}
