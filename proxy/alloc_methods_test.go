//go:build !race

package proxy

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"runtime"
	"testing"
	"time"
)

// TestNoMethodAllocates: a push costs no memory whatever proves who sends it, once that was seen; nor does a read that
// gets its default, or names one of its tenants.
func TestNoMethodAllocates(t *testing.T) {
	const requests = 5000
	upstream := frugalUpstream(t)
	g := startEveryKind(t, upstream, nil)
	ca := newAuthority(t)
	secure := ca.secure(t, tls.VerifyClientCertIfGiven)
	agent := ca.client(ca.issue(t, "agent", time.Hour))
	const ofTLS = 2 // crypto/tls allocates for each record it reads; there are two ends here
	for _, test := range []struct {
		name, authorization string
		more                string
		caller              func() *caller
		others              float64 // allocations that are not the gateway's
	}{
		{name: "token", authorization: bearerA},
		{name: "signed token", authorization: "Bearer " + tokenOfJane},
		{name: "slow password", authorization: basicOf("slow")},
		{name: "bound to addresses", authorization: basicOf("inside"), caller: func() *caller { return g.callerFrom(t, "10.1.2.3") }},
		{name: "nothing, from an open address", caller: func() *caller { return g.callerFrom(t, "192.0.2.7") }},
		{name: "a tenant that does not count", authorization: basicA, more: "X-Scope-OrgID: tenant-a\r\n"},
		{name: "a tenant of several", authorization: basicOf("several"), more: "X-Scope-OrgID: d\r\n"},
		{name: "password over TLS", authorization: basicA, others: ofTLS, caller: func() *caller { return g.callerOn(t, secure, ca.client()) }},
		{name: "certificate", others: ofTLS, caller: func() *caller { return g.callerOn(t, secure, agent) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			head := "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\n"
			if test.authorization != "" {
				head += "Authorization: " + test.authorization + "\r\n"
			}
			body := append(bytes.Repeat([]byte("x"), 1<<10), endOfPush...)
			raw := fmt.Appendf(nil, "%s%sContent-Length: %d\r\n\r\n%s", head, test.more, len(body), body)
			c := g.caller(t)
			if test.caller != nil {
				c = test.caller()
			}
			answer := make([]byte, 4<<10)
			send := func() {
				if _, err := c.Write(raw); err != nil {
					t.Fatal(err)
				}
				if n, err := c.Conn.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
					t.Fatalf("%q, %v", answer[:n], err)
				}
			}
			for range 100 {
				send()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range requests {
				send()
			}
			runtime.ReadMemStats(&after)
			each := float64(after.Mallocs-before.Mallocs) / requests
			t.Logf("%.3f allocations each", each)
			if each-test.others > 0.5 { // the collector itself needs some
				t.Errorf("%.2f allocations for each, want %v", each, test.others)
			}
		})
	}
}
