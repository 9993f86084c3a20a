package proxy

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

// wiring is what the gateway's connections to scripted hosts are made of: TCP, with TLS on it or without.
type wiring struct {
	name   string
	server *tls.Config // nil: without
	client *tls.Config
}

// wirings are both. Of what a host may do, hardly anything may make a difference between them.
func wirings(t testing.TB) []wiring {
	t.Helper()
	ca := newAuthority(t)
	certificates := []tls.Certificate{ca.issue(t, "gw.test", time.Hour)}
	return []wiring{{name: "plain"}, {"TLS", &tls.Config{Certificates: certificates}, ca.client()}}
}

// start is startScripted.
func (w wiring) start(t testing.TB, play func(*line)) *scripted {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if w.server == nil {
		return playOn(t, ln, play)
	}
	return playOn(t, tls.NewListener(ln, w.server), play)
}

// pool is testPoolWith.
func (w wiring) pool(t testing.TB, change func(*balancer.Options), addrs ...string) *balancer.Pool {
	t.Helper()
	return testPoolWith(t, func(o *balancer.Options) {
		o.TLS = w.client
		if change != nil {
			change(o)
		}
	}, addrs...)
}
