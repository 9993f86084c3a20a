package proxy

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/balancer"
)

// TestAKeptBodyIsSentAgainFromItsMiddle lets one of two hosts end the connection while a body over 64 KiB is on its way,
// through the kernel or through memory: the other gets all of it, what had been sent already included.
func TestAKeptBodyIsSentAgainFromItsMiddle(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789abcdef", 48<<10) // 768 KiB
	for _, c := range []struct {
		name string
		play func(*line)
	}{
		{"reset", func(l *line) { l.head(); io.CopyN(io.Discard, l.br, 300<<10); l.reset() }}, //nolint:errcheck // any end will do
		{"closed", func(l *line) { l.head(); io.CopyN(io.Discard, l.br, 100<<10) }},           //nolint:errcheck // any end will do
		{"503 behind a part of it", func(l *line) {
			l.head()
			io.CopyN(io.Discard, l.br, 100<<10) //nolint:errcheck // any end will do
			l.say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}},
	} {
		for way, pipes := range map[string]int{"kernel": 0, "memory": noPipes} {
			t.Run(c.name+", "+way, func(t *testing.T) {
				t.Parallel()
				bad, good := startScripted(t, c.play), startRecorder(t, nil)
				g := startGatewayWith(t, testRoutes(testPool(t, bad.addr, good.addr), nil),
					Options{HeaderTimeout: patience, IdleTimeout: patience, MaxHeaderSize: 16 << 10, Pipes: pipes})
				const pushes = 4
				for range pushes {
					if got := g.ask(t, push(body)); got.status != 200 {
						t.Fatalf("client got %v", got)
					}
				}
				got := good.requests()
				if len(got) != pushes || bad.opened.Load() == 0 {
					t.Fatalf("the good host saw %d pushes of %d, the bad one %d connections", len(got), pushes, bad.opened.Load())
				}
				for _, r := range got {
					if !r.complete || r.body != body {
						t.Errorf("the good host got %d bytes, complete %v; want %d", len(r.body), r.complete, len(body))
					}
				}
			})
		}
	}
}

// TestABodyOfManyPiecesLeavesTheKernel: a body that comes in small pieces fills the slots of a pipe long before its bytes
// do, so it goes on through memory, and is as whole at the other host, the first piece and the last.
func TestABodyOfManyPiecesLeavesTheKernel(t *testing.T) {
	t.Parallel()
	const size = 400 << 10
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i % 251)
	}
	var taken atomic.Int64 // bytes of the body that the bad host has
	bad := startScripted(t, func(l *line) {
		if !l.head() {
			return
		}
		b := make([]byte, 64<<10)
		for {
			n, err := l.br.Read(b)
			if taken.Add(int64(n)); err != nil || taken.Load() == size {
				l.reset()
				return
			}
		}
	})
	good := startRecorder(t, nil)
	pool := testPoolWith(t, func(o *balancer.Options) { o.MaxFails = 1 }, bad.addr, good.addr)
	g := startPatient(t, testRoutes(pool, nil))
	for pool.Pick(nil).Addr() != good.addr { // the bad host is next
	}
	client := g.caller(t)
	raw := requestOf("write", "n", string(body))
	head := len(raw) - size
	const ahead = 70 << 10
	if _, err := io.WriteString(client, raw[:head+ahead]); err != nil {
		t.Fatal(err)
	}
	const piece = 700
	for at := ahead; at < size; at += piece { // each is on its way before the next comes
		eventually(t, "the host has what was sent", func() bool { return taken.Load() >= int64(at) })
		if _, err := io.WriteString(client, raw[head+at:head+min(at+piece, size)]); err != nil {
			t.Fatal(err)
		}
	}
	if got := client.read("POST"); got.status != 200 {
		t.Fatalf("client got %v: %s", got, got.body)
	}
	if got := good.requests(); len(got) != 1 || got[0].body != string(body) {
		t.Errorf("the good host saw %d pushes, not one with the body as it was sent", len(got))
	}
	if open := g.pipes.Open(); open != 2 {
		t.Errorf("%d pipes were used, want 2", open)
	}
}
