package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// attention is longer than the gateway needs to notice that a client has gone, and to do something about it.
const attention = 3 * slice

// gone reports whether the gateway ends the connection, rather than wait for the answer.
func (l *line) gone() bool {
	if l.SetReadDeadline(time.Now().Add(attention)) != nil {
		return true
	}
	_, err := l.br.ReadByte()
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestClientGoneWhileTheUpstreamWorks: a read that nobody waits for is given up, whatever else its client had sent before
// it went; everything else is done to its end, for its sender may not learn otherwise what came of it. A client that only
// ends its side looks the same as one that has gone.
func TestClientGoneWhileTheUpstreamWorks(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	secure := ca.secure(t, tls.NoClientCert)
	callers := map[string]func(*testing.T, *gateway) *caller{
		"plain": func(t *testing.T, g *gateway) *caller { return g.caller(t) },
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		callers[tls.VersionName(version)] = func(t *testing.T, g *gateway) *caller {
			config := ca.client()
			config.MaxVersion = version
			return g.callerOn(t, secure, config)
		}
	}
	for _, c := range []struct {
		scope   string
		ending  string
		leaves  func(*caller) error
		givenUp bool
	}{
		{"read", "closes", (*caller).Close, true},
		{"read", "resets", (*caller).reset, true},
		{"read", "ends its side", (*caller).endSending, true},
		{"write", "closes", (*caller).Close, false},
		{"write", "resets", (*caller).reset, false},
		{"write", "ends its side", (*caller).endSending, false},
		{"rules", "closes", (*caller).Close, false},
	} {
		for over, call := range callers {
			for name, begun := range map[string]string{"before the answer": "", "in the head": "HTTP/1.1 200 OK\r\nContent-"} {
				for _, pipelined := range []string{"", "GET /healthz HTTP/1.1\r\nHost: gw.test\r\n"} {
					if pipelined != "" && !c.givenUp || begun != "" && over != "plain" {
						continue // nothing new
					}
					t.Run(fmt.Sprintf("%s/%s/%s/%s/%d bytes more", over, c.scope, c.ending, name, len(pipelined)), func(t *testing.T) {
						t.Parallel()
						asked, givenUp := make(chan struct{}), make(chan bool, 1)
						u := startScripted(t, func(l *line) {
							l.request()
							l.say(begun)
							close(asked)
							givenUp <- l.gone()
							l.say(strings.TrimPrefix("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", begun))
						})
						g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
						client := call(t, g)
						if _, err := io.WriteString(client, requestOf(c.scope, "n", "samples")); err != nil {
							t.Fatal(err)
						}
						<-asked
						if _, err := io.WriteString(client, pipelined); err != nil {
							t.Fatal(err)
						}
						if err := c.leaves(client); err != nil {
							t.Fatal(err)
						}
						if got := <-givenUp; got != c.givenUp {
							t.Errorf("given up: %v, want %v", got, c.givenUp)
						}
						if c.ending == "ends its side" && !c.givenUp {
							if got := client.read("POST"); got.status != 200 {
								t.Errorf("the client that still listens got %v", got)
							}
						}
						eventually(t, "the request has ended", func() bool { return g.InFlight() == 0 })
						if c.givenUp {
							eventually(t, "it is counted", func() bool { return g.refusals("client_closed") == "1" })
						} else if seen := u.seen.Load(); seen != 1 {
							t.Errorf("the host saw the request %d times", seen)
						}
					})
				}
			}
		}
	}
}

func reset(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) }

// tcp is the socket of the connection.
func (c *caller) tcp() *net.TCPConn {
	if secure, ok := c.Conn.(*tls.Conn); ok {
		return secure.NetConn().(*net.TCPConn)
	}
	return c.Conn.(*net.TCPConn)
}

func (c *caller) reset() error { return reset(c.tcp()) }

// endSending ends the client's side; what comes back can still be read.
func (c *caller) endSending() error { return c.tcp().CloseWrite() }

// TestClientGoneInItsBody: what has not come whole never looks whole upstream, and a small body leaves no trace there.
func TestClientGoneInItsBody(t *testing.T) {
	t.Parallel()
	head := fmt.Sprintf("POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\n", basicA)
	half := strings.Repeat("x", 2<<20)
	for _, c := range []struct {
		name   string
		sends  string
		opened int64
	}{
		{"small", head + "Content-Length: 10\r\n\r\nhello", 0},
		{"small in chunks", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0},
		{"small in chunks, without the last line", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 0},
		{"medium", head + "Content-Length: 300000\r\n\r\n" + half[:150000], 1},
		{"large", head + "Content-Length: 4194304\r\n\r\n" + half, 1},
		{"large in chunks", head + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + half + "\r\n", 1},
		{"large in chunks, without the last line", head + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + half + "\r\n0\r\n", 1},
	} {
		for ending, leave := range map[string]func(*net.TCPConn) error{"closes": (*net.TCPConn).Close, "ends its side": (*net.TCPConn).CloseWrite} {
			t.Run(c.name+"/"+ending, func(t *testing.T) {
				t.Parallel()
				whole := make(chan bool, 1)
				u := startScripted(t, func(l *line) { whole <- l.request() })
				g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
				client := g.caller(t)
				if _, err := io.WriteString(client, c.sends); err != nil {
					t.Fatal(err)
				}
				if err := leave(client.Conn.(*net.TCPConn)); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the request is given up", func() bool { return g.refusals("client_closed") == "1" })
				if c.opened > 0 && <-whole {
					t.Error("the upstream got a whole push out of half of one")
				}
				if opened := u.opened.Load(); opened != c.opened {
					t.Errorf("%d upstream connections, want %d", opened, c.opened)
				}
				if ending == "ends its side" {
					if err := client.ended(); err != nil {
						t.Errorf("without an answer: %v", err)
					}
				}
			})
		}
	}
}

// TestClientGoneInTheAnswer: the upstream need not produce what nobody takes.
func TestClientGoneInTheAnswer(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"read", "write"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{})
			u := startScripted(t, func(l *line) {
				l.request()
				l.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
				for err, block := error(nil), strings.Repeat("x", 1<<20); err == nil; {
					_, err = io.WriteString(l, block)
				}
				close(ended)
			})
			g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
			client := g.caller(t)
			if _, err := io.WriteString(client, requestOf(scope, "n", "samples")); err != nil {
				t.Fatal(err)
			}
			if _, err := client.br.Peek(4 << 10); err != nil {
				t.Fatal(err)
			}
			client.Close()
			<-ended
			eventually(t, "the request has ended", func() bool { return g.InFlight() == 0 })
		})
	}
}

// TestPipelinedRequests: requests sent ahead are answered in turn, each with its own answer; one sent ahead does not hide
// from the first that the client is there.
func TestPipelinedRequests(t *testing.T) {
	t.Parallel()
	u := startScripted(t, func(l *line) {
		for l.request() {
			l.say(echo(l))
		}
	})
	g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
	client := g.caller(t)
	go io.WriteString(client, requestOf("write", "0", "samples")+requestOf("read", "1", "")+requestOf("rules", "2", "rules")+ //nolint:errcheck // the answers tell
		strings.Replace(requestOf("read", "3", ""), basicA, "Basic eDp5", 1)+requestOf("read", "4", ""))
	for i := range 5 {
		got := client.read("POST")
		if i == 3 {
			if got.status != 401 {
				t.Errorf("answer %d: %v", i, got)
			}
			continue
		}
		if got.status != 200 || got.body != fmt.Sprint("nonce ", i) {
			t.Errorf("answer %d: %v: %q", i, got, got.body)
		}
	}
}
