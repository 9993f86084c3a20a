package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/headgate/headgate/balancer"
)

const largeSize = 16 << 20

// largePush is a push that the buffers between the two sides cannot swallow.
func largePush(chunked bool) string {
	body := strings.Repeat("x", largeSize)
	if chunked {
		return fmt.Sprintf("POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: %s\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", basicA, len(body), body)
	}
	return requestOf("write", "n", body)
}

// TestEarlyAnswer: an upstream refuses a large push before it has taken it, and the client gets that refusal, whether it
// reads while it writes or not. Neither connection is used again.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	withLength, inChunks, wired := largePush(false), largePush(true), wirings(t)
	for name, play := range map[string]func(l *line, raw string){
		"and does nothing more": func(l *line, raw string) {
			l.head()
			l.say(raw)
			l.stall()
		},
		"and closes":         func(l *line, raw string) { l.head(); l.say(raw) },
		"and reads the rest": func(l *line, raw string) { l.head(); l.say(raw); l.hang() },
		"after a megabyte": func(l *line, raw string) {
			l.head()
			io.CopyN(io.Discard, l.br, 1<<20) //nolint:errcheck // the client tells
			l.say(raw)
		},
		"and ends its side first": func(l *line, raw string) {
			l.head()
			l.say(raw)
			l.endSending()
			l.hang()
		},
	} {
		for answer, raw := range map[string]string{
			status(429, "Too Many Requests"): withLength, status(413, "Too Large"): inChunks,
		} {
			for _, late := range []bool{false, true} {
				for _, w := range wired {
					t.Run(fmt.Sprintf("%s/%s/client reads late %v/%s", name, answer[9:12], late, w.name), func(t *testing.T) {
						u := w.start(t, func(l *line) { play(l, answer) })
						checkEarlyAnswer(t, w.pool(t, nil, u.addr), u, answer, raw, late)
					})
				}
			}
		}
	}
}

func checkEarlyAnswer(t *testing.T, pool *balancer.Pool, u *scripted, answer, raw string, late bool) {
	g := startPatient(t, testRoutes(pool, nil))
	client := g.caller(t)
	var got reply
	if late {
		io.WriteString(client, raw) //nolint:errcheck // the gateway may stop reading
		got = client.read("POST")
	} else {
		got = client.ask(raw)
	}
	if fmt.Sprint(got.status) != answer[9:12] || got.reason != "" || got.body != "sorry" || !got.whole {
		t.Errorf("client got %v: %s", got, got.body)
	}
	if !got.last {
		t.Error("the client may send a next request in the middle of a body")
	}
	if seen := u.seen.Load(); seen != 1 {
		t.Errorf("the host saw the push %d times", seen)
	}
	eventually(t, "the upstream connection is given up", func() bool {
		open, _ := pool.Hosts()[0].Connections()
		return open == 0
	})
}

// TestRefusalOfALargePush: a push that headgate itself refuses by its head alone gets its refusal too, and no host is
// asked.
func TestRefusalOfALargePush(t *testing.T) {
	t.Parallel()
	raw := largePush(false)
	for _, c := range []struct {
		name, raw string
		change    func(*Route)
		status    int
		reason    string
	}{
		{"no credentials", strings.Replace(raw, basicA, "Basic eDp5", 1), nil, 401, "unauthorized"},
		{"no route", strings.Replace(raw, "/api/v1/push", "/api/v1/pull", 1), nil, 404, "no_route"},
		{"too large", raw, func(r *Route) { r.MaxBodySize = largeSize - 1 }, 413, "body_too_large"},
		{"too large in chunks", largePush(true), func(r *Route) { r.MaxBodySize = 1 << 19 }, 413, "body_too_large"},
		{"too large by the size of a chunk", strings.Replace(push(""), "Content-Length: 0\r\n\r\n", "", 1) + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfffffffffffffff\r\nx", nil, 413, "body_too_large"},
	} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/client reads late %v", c.name, late), func(t *testing.T) {
				u := startScripted(t, healthy)
				g := startPatient(t, testRoutes(testPool(t, u.addr), c.change))
				client := g.caller(t)
				var got reply
				if late {
					io.WriteString(client, c.raw) //nolint:errcheck // the gateway may stop reading
					got = client.read("POST")
				} else {
					got = client.ask(c.raw)
				}
				if got.status != c.status || got.reason != c.reason || !got.whole || !got.last {
					t.Errorf("client got %v", got)
				}
				if opened := u.opened.Load(); opened != 0 {
					t.Errorf("%d upstream connections", opened)
				}
			})
		}
	}
}
