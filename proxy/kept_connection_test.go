package proxy

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// delivered waits until the other side's kernel has everything that was written, so that whoever looks will see it.
func (l *line) delivered() {
	raw, err := l.tcp.SyscallConn()
	if err != nil {
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for left := 1; left > 0; <-tick.C {
		err := raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		if err != nil {
			return
		}
	}
}

// TestKeptConnectionClosedUnderARequest: the host takes the second request of a connection and closes it without a byte.
// Only what may be done twice is done again, on a fresh connection, and that is no attempt of its own.
func TestKeptConnectionClosedUnderARequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scope string
		want
	}{
		{"write", want{200, "", 2}},
		{"read", want{200, "", 2}},
		{"rules", want{502, "upstream_closed", 1}},
	} {
		t.Run(c.scope, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, func(l *line) {
				if l.request() {
					l.say(answerOK)
					l.request()
				}
			})
			g := startPatient(t, testRoutes(testPool(t, u.addr), func(r *Route) { r.Retries = 0 }))
			client := g.caller(t)
			if got := client.ask(requestOf("write", "first", "samples")); got.status != 200 {
				t.Fatal(got)
			}
			got := client.ask(requestOf(c.scope, "second", "samples"))
			if got.status != c.status || got.reason != c.reason {
				t.Errorf("client got %v, want %+v", got, c.want)
			}
			if seen := u.seen.Load() - 1; seen != c.seen {
				t.Errorf("the host saw the request %d times, want %d", seen, c.seen)
			}
		})
	}
}

// TestKeptConnectionClosedWhileIdle: nobody notices, whatever the scope, because nothing was sent on it.
func TestKeptConnectionClosedWhileIdle(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"write", "read", "rules"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{})
			u := startScripted(t, func(l *line) {
				l.request()
				l.say(answerOK)
				l.delivered()
				l.Close()
				closed <- struct{}{}
			})
			g := startPatient(t, testRoutes(testPool(t, u.addr), func(r *Route) { r.Retries = 0 }))
			client := g.caller(t)
			for i := range 50 {
				if got := client.ask(requestOf(scope, fmt.Sprint(i), "samples")); got.status != 200 {
					t.Fatalf("request %d: %v", i, got)
				}
				<-closed
			}
			if most := u.most(); most != 1 {
				t.Errorf("a request was sent %d times", most)
			}
		})
	}
}

// TestKeptConnectionsDie: a host that closes after every answer, in the middle of traffic, costs no push and no read.
func TestKeptConnectionsDie(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"write", "read"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, func(l *line) {
				for i := int64(0); i <= l.number%3 && l.request(); i++ {
					l.say(answerOK)
				}
			})
			g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
			var sent atomic.Int64
			var running sync.WaitGroup
			for range 8 {
				client := g.caller(t)
				running.Go(func() {
					for n := sent.Add(1); n <= 2000; n = sent.Add(1) {
						if got := client.ask(requestOf(scope, fmt.Sprint(n), "samples")); got.status != 200 {
							t.Errorf("request %d: %v: %s", n, got, got.body)
							return
						}
					}
				})
			}
			running.Wait()
		})
	}
}

// echo answers with the tenant and the nonce of the request.
func echo(l *line) string {
	body := "nonce " + l.nonce
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestUnsolicitedAnswer: what a host sends on an idle connection, or behind an answer, is never the next client's.
func TestUnsolicitedAnswer(t *testing.T) {
	t.Parallel()
	const stray = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
	for name, play := range map[string]func(*line, chan struct{}){
		"while idle": func(l *line, idle chan struct{}) {
			for l.request() {
				l.say(echo(l))
				<-idle
				l.say(stray)
				l.delivered()
				idle <- struct{}{}
			}
		},
		"behind the answer": func(l *line, idle chan struct{}) {
			for l.request() {
				l.say(echo(l) + stray)
				<-idle
				idle <- struct{}{}
			}
		},
		"one byte": func(l *line, idle chan struct{}) {
			for l.request() {
				l.say(echo(l) + "H")
				<-idle
				idle <- struct{}{}
			}
		},
		"a 408 before it closes": func(l *line, idle chan struct{}) {
			for l.request() {
				l.say(echo(l))
				<-idle
				l.say("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				l.delivered()
				l.Close()
				idle <- struct{}{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idle := make(chan struct{})
			u := startScripted(t, func(l *line) { play(l, idle) })
			g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
			client := g.caller(t)
			for i, scope := range []string{"read", "write", "rules", "read", "rules", "write"} {
				got := client.ask(requestOf(scope, fmt.Sprint(i), "samples"))
				if got.status != 200 || got.body != "nonce "+fmt.Sprint(i) {
					t.Fatalf("request %d was answered with %v: %q", i, got, got.body)
				}
				idle <- struct{}{}
				<-idle
			}
			if most := u.most(); most != 1 {
				t.Errorf("a request was sent %d times", most)
			}
			if opened := u.opened.Load(); opened != 6 {
				t.Errorf("%d connections, want one for each request", opened)
			}
		})
	}
}

// TestAnswersAreNeverSwapped: many clients of two tenants, and a host that closes, adds bytes and cuts as it likes. Every
// answer that a client gets is the one to its own request. The bytes to spare come together with the answer: some that
// come by themselves, in the moment between the look at the connection and the next answer, nobody can tell from it.
func TestAnswersAreNeverSwapped(t *testing.T) {
	t.Parallel()
	var nth atomic.Int64
	u := startScripted(t, func(l *line) {
		for l.request() {
			switch n := nth.Add(1); {
			case n%7 == 0:
				l.say(echo(l) + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
			case n%13 == 0:
				l.say(echo(l))
				return
			case n%17 == 0:
				return
			case n%19 == 0:
				l.say(strings.Replace(echo(l), "nonce", "non", 1)) // shorter than its length
				return
			case n%23 == 0:
				io.WriteString(l, "HTTP/1.1 100 Continue\r\n\r\n"+echo(l)) //nolint:errcheck // the client will say
			default:
				l.say(echo(l))
			}
		}
	})
	g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
	var answered atomic.Int64
	var running sync.WaitGroup
	for worker := range 16 {
		running.Go(func() {
			client := g.caller(t)
			for i := range 200 {
				nonce := fmt.Sprintf("%d-%d", worker, i)
				raw := requestOf([]string{"write", "read", "rules"}[i%3], nonce, "samples")
				if worker%2 == 1 {
					raw = strings.Replace(raw, basicA, basicB, 1)
				}
				got := client.ask(raw)
				switch {
				case got.err != nil || got.last:
					client = g.caller(t)
				case got.status == 200 && got.body != "nonce "+nonce:
					t.Errorf("the answer to %s was %q", nonce, got.body)
				case got.status == 200:
					answered.Add(1)
				}
			}
		})
	}
	running.Wait()
	if n := answered.Load(); n < 16*200*3/4 {
		t.Errorf("only %d requests were answered", n)
	}
}
