package proxy

import (
	"crypto/sha256"
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAnotherHostGetsTheWholeBody: a host fails while the client is still sending a body that is kept. The other host gets
// all of it, from its first byte, and the client notices nothing.
func TestAnotherHostGetsTheWholeBody(t *testing.T) {
	t.Parallel()
	body := make([]byte, 300<<10)
	for i := range body {
		body[i] = byte(i % 251)
	}
	leaves := func(*line) {}
	for _, c := range []struct {
		name, says string
		ends       func(*line)
	}{
		{"reset", "", (*line).reset},
		{"closed", "", leaves},
		{"503", status(503, "Service Unavailable"), leaves},
		{"503 and it stays", status(503, "Service Unavailable"), (*line).stall},
		{"404 and it reads on", status(404, "Not Found"), (*line).hang},
		{"another protocol", "220 smtp.example ESMTP\r\n\r\n", (*line).hang},
		{"half of a head", "HTTP/1.1 200 OK\r\nContent-Le", leaves},
		{"half of a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", leaves},
		{"an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", leaves},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var turned atomic.Int64 // hosts that have done what they do before the second half
			bad := startScripted(t, func(l *line) {
				if l.head() {
					l.say(c.says)
					turned.Add(1)
					c.ends(l)
				}
			})
			good := startScripted(t, func(l *line) {
				for l.head() {
					turned.Add(1)
					got := sha256.New()
					if _, err := io.CopyN(got, l.br, l.length); err != nil {
						return
					}
					if [32]byte(got.Sum(nil)) != sha256.Sum256(body) {
						l.say(status(400, "Another Body"))
						return
					}
					l.say(answerOK)
				}
			})
			g := startPatient(t, testRoutes(testPool(t, bad.addr, good.addr), nil))
			for range 4 { // both hosts have their turns
				pushInHalves(t, g, string(body), &turned)
			}
			if bad.seen.Load() == 0 {
				t.Error("the bad host was never asked")
			}
		})
	}
}

// pushInHalves sends the second half of a body once a host has turned to the first.
func pushInHalves(t *testing.T, g *gateway, body string, turned *atomic.Int64) {
	t.Helper()
	client, before := g.caller(t), turned.Load()
	defer client.Close()
	raw := requestOf("write", "n", body)
	if _, err := io.WriteString(client, raw[:len(raw)/2]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a host has turned to the push", func() bool { return turned.Load() > before })
	if _, err := io.WriteString(client, raw[len(raw)/2:]); err != nil {
		t.Fatal(err)
	}
	if got := client.read("POST"); got.status != 200 {
		t.Errorf("client got %v: %s", got, strings.TrimSpace(got.body))
	}
}
