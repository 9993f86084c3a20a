package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// scripted is an upstream whose connections do what a test says, byte for byte and fault by fault.
type scripted struct {
	addr   string
	seen   atomic.Int64  // requests whose whole head has arrived
	opened atomic.Int64  // connections
	closed atomic.Int64  // connections that have ended
	over   chan struct{} // closed when the test ends

	mu    sync.Mutex
	conns map[*line]bool
	times map[string]int // requests by their X-Nonce
}

// line is one connection of a scripted upstream, for the goroutine that plays it.
type line struct {
	net.Conn
	tcp    *net.TCPConn // below TLS, or the same
	up     *scripted
	number int64 // counted from 1
	br     *bufio.Reader

	requestLine string
	nonce       string // X-Nonce of the request in hand
	length      int64  // of its body; -1: chunked
}

// startScripted plays every connection in a goroutine of its own and closes it when play returns.
func startScripted(t testing.TB, play func(*line)) *scripted {
	t.Helper()
	return wiring{}.start(t, play)
}

func playOn(t testing.TB, ln net.Listener, play func(*line)) *scripted {
	u := &scripted{addr: ln.Addr().String(), over: make(chan struct{}), conns: make(map[*line]bool), times: make(map[string]int)}
	var running sync.WaitGroup
	t.Cleanup(func() {
		close(u.over)
		ln.Close()
		u.mu.Lock()
		for l := range u.conns {
			l.tcp.Close()
		}
		u.mu.Unlock()
		running.Wait()
	})
	running.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			l := &line{Conn: c, up: u, number: u.opened.Add(1), br: bufio.NewReaderSize(c, 64<<10)}
			secure, isTLS := c.(*tls.Conn)
			if isTLS {
				c = secure.NetConn()
			}
			l.tcp = c.(*net.TCPConn)
			u.mu.Lock()
			u.conns[l] = true
			u.mu.Unlock()
			running.Go(func() {
				if !isTLS || secure.Handshake() == nil {
					play(l)
				}
				l.Close()
				u.mu.Lock()
				delete(u.conns, l)
				u.mu.Unlock()
				u.closed.Add(1)
			})
		}
	})
	return u
}

// startRefusing gives an address that refuses every connection, and that no other test can be given meanwhile.
func startRefusing(t testing.TB) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet4).Port)
}

// most is how often the request that was seen most often was seen.
func (u *scripted) most() (times int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range u.times {
		times = max(times, n)
	}
	return times
}

// head reads the next request's head and reports whether there was one.
func (l *line) head() bool {
	l.requestLine, l.nonce, l.length = "", "", 0
	for {
		text, err := l.br.ReadString('\n')
		if err != nil {
			return false
		}
		text = strings.TrimSuffix(text, "\r\n")
		if l.requestLine == "" {
			l.requestLine = text
			continue
		}
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ": ")
		switch strings.ToLower(name) {
		case "content-length":
			if l.length, err = strconv.ParseInt(value, 10, 64); err != nil {
				return false
			}
		case "transfer-encoding":
			l.length = -1
		case "x-nonce":
			l.nonce = value
		}
	}
	l.up.seen.Add(1)
	l.up.mu.Lock()
	if l.nonce != "" {
		l.up.times[l.nonce]++
	}
	l.up.mu.Unlock()
	return true
}

// body reads the body of the request in hand and reports whether all of it came.
func (l *line) body() bool {
	if l.length >= 0 {
		_, err := io.CopyN(io.Discard, l.br, l.length)
		return err == nil
	}
	for {
		text, err := l.br.ReadString('\n')
		if err != nil {
			return false
		}
		size, err := strconv.ParseInt(strings.TrimSuffix(text, "\r\n"), 16, 64)
		if err != nil {
			return false
		}
		if _, err := io.CopyN(io.Discard, l.br, size+2); err != nil {
			return false
		}
		if size == 0 {
			return true
		}
	}
}

// request reads a whole request.
func (l *line) request() bool { return l.head() && l.body() }

// say writes raw bytes; that the other side has gone is for the test to find out from there.
func (l *line) say(raw string) {
	io.WriteString(l, raw) //nolint:errcheck // see above
}

// reset ends the connection with an RST.
func (l *line) reset() {
	reset(l.tcp) //nolint:errcheck // a connection that is gone needs no reset
}

// endSending ends the host's side of the connection.
func (l *line) endSending() {
	if secure, ok := l.Conn.(*tls.Conn); ok {
		secure.CloseWrite() //nolint:errcheck // the client tells
	}
	l.tcp.CloseWrite() //nolint:errcheck // the client tells
}

// stall does not even read, until the test ends.
func (l *line) stall() { <-l.up.over }

// hang does nothing until the other side ends the connection, or the test does.
func (l *line) hang() {
	io.Copy(io.Discard, l.br) //nolint:errcheck // any end will do
}

// answerOK is the answer of Cortex to a push.
const answerOK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// healthy answers every request.
func healthy(l *line) {
	for l.request() {
		l.say(answerOK)
	}
}

// answering answers every request with the same bytes.
func answering(raw string) func(*line) {
	return func(l *line) {
		for l.request() {
			l.say(raw)
		}
	}
}

// status is an answer with a status and a short body.
func status(code int, reason string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: 5\r\n\r\nsorry", code, reason)
}
