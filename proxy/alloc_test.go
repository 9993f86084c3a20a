//go:build !race

package proxy

import (
	"bytes"
	"net"
	"runtime"
	"testing"
)

// endOfPush is what the pushes of these tests end with, so that the upstream need not read their heads.
var endOfPush = []byte("the end of a push")

// frugalUpstream answers pushes that end with endOfPush, without a single allocation once it runs.
func frugalUpstream(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, n := make([]byte, 4<<20), 0
				for {
					m, err := c.Read(buf[n:])
					if err != nil {
						return
					}
					if n += m; !bytes.HasSuffix(buf[:n], endOfPush) {
						continue
					}
					n = 0
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// TestPushAllocates counts what the whole process allocates for a push in steady state, gateway and all.
func TestPushAllocates(t *testing.T) {
	const pushes = 10000
	for _, c := range []struct {
		name        string
		size, piece int
	}{
		{"1 KiB", 1 << 10, 4 << 20}, {"60 KiB", 60 << 10, 4 << 20}, {"500 KiB", 500 << 10, 4 << 20},
		{"500 KiB in pieces", 500 << 10, 20 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := c.size
			g := startPatient(t, testRoutes(testPool(t, frugalUpstream(t)), nil))
			raw := prometheusPush(append(bytes.Repeat([]byte("x"), size), endOfPush...))
			client, answer := g.caller(t), make([]byte, 4<<10)
			send := func() {
				for rest := raw; len(rest) > 0; {
					n, err := client.Write(rest[:min(c.piece, len(rest))])
					if err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				if n, err := client.Conn.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
					t.Fatalf("%q, %v", answer[:n], err)
				}
			}
			for range 100 {
				send()
			}
			n := pushes
			if size > 100<<10 {
				n /= 20
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range n {
				send()
			}
			runtime.ReadMemStats(&after)
			each := float64(after.Mallocs-before.Mallocs) / float64(n)
			t.Logf("%.3f allocations, %.0f bytes for each push", each, float64(after.TotalAlloc-before.TotalAlloc)/float64(n))
			if each > 0.5 { // the collector itself needs some
				t.Errorf("%.2f allocations for each push, want none", each)
			}
		})
	}
}

// TestMatchAndHeadPassDoNotAllocate: what every request goes through leaves nothing to collect.
func TestMatchAndHeadPassDoNotAllocate(t *testing.T) {
	s := benchSnapshot(t)
	for _, c := range matchCases {
		t.Run("match "+c.name, func(t *testing.T) {
			match := matcher(s, c.method, c.path)
			if n := testing.AllocsPerRun(1000, func() { match() }); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	t.Run("head pass", func(t *testing.T) {
		pass := headPass(t, s)
		if n := testing.AllocsPerRun(1000, func() { pass() }); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
