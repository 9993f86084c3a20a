package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/proxy/wire"
)

// TestTruncatedAnswers cuts answers at every byte, with a FIN and with a reset: whatever the scope and the client's
// version of HTTP, the client never gets a message of the upstream's that looks complete.
func TestTruncatedAnswers(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"chunked":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX-A: b\r\n\r\n",
		"with a length": "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhelloabc",
		"interim first": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhelloabc",
	} {
		for ending, end := range map[string]func(*line){"closed": func(*line) {}, "reset": (*line).reset} {
			t.Run(name+"/"+ending, func(t *testing.T) {
				t.Parallel()
				u := startScripted(t, func(l *line) {
					for l.request() {
						at, err := strconv.Atoi(l.nonce)
						if err != nil {
							t.Errorf("nonce %q: %v", l.nonce, err)
						}
						l.say(raw[:at])
						if at < len(raw) {
							l.delivered()
							end(l)
							return
						}
					}
				})
				g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
				for at := range len(raw) + 1 {
					for _, scope := range []string{"write", "read", "rules"} {
						for _, version := range []string{"1.1", "1.0"} {
							request := requestOf(scope, strconv.Itoa(at), "samples")
							request = strings.Replace(request, "HTTP/1.1", "HTTP/"+version, 1)
							what := fmt.Sprintf("%s over HTTP/%s, cut at %d of %d", scope, version, at, len(raw))
							checkCut(t, what, g.ask(t, request), at == len(raw))
						}
					}
				}
			})
		}
	}
}

// checkCut looks at what came of an answer that was cut, or was whole.
func checkCut(t *testing.T, what string, got reply, whole bool) {
	t.Helper()
	switch {
	case whole && (got.status != 200 || got.body != "helloabc" || !got.whole):
		t.Errorf("%s: the whole answer came as %v: %q", what, got, got.body)
	case !whole && got.whole && (got.status != 502 || got.reason != "upstream_closed"):
		t.Errorf("%s: the client got a complete message, %v: %q", what, got, got.body)
	}
}

// TestTruncatedLargeAnswers does the same at some places of answers that are passed on as they come.
func TestTruncatedLargeAnswers(t *testing.T) {
	t.Parallel()
	const size = 300 << 10
	body := strings.Repeat("0123456789abcdef", size/16)
	answers := map[string]string{
		"chunked":       fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, body),
		"with a length": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body),
	}
	for name, raw := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startScripted(t, func(l *line) {
				for l.request() {
					at, _ := strconv.Atoi(l.nonce)
					l.say(raw[:at])
					if at < len(raw) {
						return
					}
				}
			})
			g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
			for _, at := range []int{1 << 10, 64 << 10, 65<<10 + 1, 128 << 10, 256 << 10, len(raw) - 8, len(raw) - 5, len(raw) - 2, len(raw) - 1, len(raw)} {
				got := g.ask(t, requestOf("read", strconv.Itoa(at), ""))
				if whole := at == len(raw); got.whole != whole || whole && got.body != body {
					t.Errorf("cut at %d of %d: %v", at, len(raw), got)
				}
			}
		})
	}
}

// TestAnswersEndedByTheConnection: where only its end tells the length, a reset is not that end.
func TestAnswersEndedByTheConnection(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 100 << 10} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, reset %v", size, reset), func(t *testing.T) {
				t.Parallel()
				body := strings.Repeat("x", size)
				received := make(chan struct{})
				u := startScripted(t, func(l *line) {
					l.request()
					l.say("HTTP/1.1 200 OK\r\n\r\n" + body)
					if reset {
						<-received
						l.reset()
					}
				})
				g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
				client := g.caller(t)
				if reset {
					go func() {
						client.br.Peek(100) //nolint:errcheck // the head has come, or the connection has ended
						close(received)
					}()
					if _, err := client.Write([]byte(query)); err != nil {
						t.Fatal(err)
					}
					<-received
					if got := client.read("GET"); got.whole {
						t.Errorf("after a reset the client got a complete message: %v", got)
					}
					return
				}
				if got := client.ask(query); !got.whole || got.body != body {
					t.Errorf("%v", got)
				}
			})
		}
	}
}

// dyingReader gives what it has, then the kernel's word that nobody acknowledges anything any more, then the end, as a
// socket does.
type dyingReader struct{ left []string }

func (r *dyingReader) Read(p []byte) (int, error) {
	switch len(r.left) {
	case 0:
		return 0, io.EOF
	case 1:
		r.left = nil
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	}
	n := copy(p, r.left[0])
	r.left = r.left[1:]
	return n, nil
}

// TestAnswerOfAMachineThatDied: ETIMEDOUT is the end of a connection, not of somebody's patience; read over, it would make
// the answer look whole.
func TestAnswerOfAMachineThatDied(t *testing.T) {
	t.Parallel()
	var a wire.Answer
	a.Reset(&dyingReader{left: []string{"HTTP/1.1 200 OK\r\n\r\nhel", ""}})
	if err := a.ReadHead(maxAnswerHead, false); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := a.Body.Read(buf); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := a.Body.Read(buf); wire.IsTimeout(err) || !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("the kernel's timeout is taken for a deadline: %v", err)
	}
	if _, err := a.Body.Read(buf); err == io.EOF || a.Body.Whole() {
		t.Errorf("half of an answer became a whole one: %v", err)
	}
}
