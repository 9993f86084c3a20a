package wire

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestContinue tells a client that waits to go on, once, when its body is wanted, and no other client.
func TestContinue(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: a\r\n"
	for _, c := range []struct {
		name, head, body string
		waits            bool // the body is sent after 100 Continue only
		want             bool
	}{
		{"a length", head + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "hello", true, true},
		{"chunks", head + "expect: 100-CONTINUE\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", true, true},
		{"the body is there already", head + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "", false, false},
		{"nobody waits", head + "Content-Length: 5\r\n\r\n", "hello", false, false},
		{"HTTP/1.0", strings.Replace(head, "1.1", "1.0", 1) + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "hello", false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			conn := NewConn(server, &testLimits)
			heard := make(chan string)
			go func() {
				io.WriteString(client, c.head)
				if c.waits {
					line, _ := bufio.NewReader(io.LimitReader(client, int64(len(continueLine)))).ReadString('\n')
					io.WriteString(client, c.body)
					rest, _ := io.ReadAll(client)
					heard <- line + string(rest)
					return
				}
				if c.body != "" {
					io.WriteString(client, c.body)
				}
				all, _ := io.ReadAll(client)
				heard <- string(all)
			}()
			if _, err := conn.Read(make([]byte, 4096)); err != nil || conn.Fault() != nil {
				t.Fatalf("%s: %v, %v", c.name, err, conn.Fault())
			}
			synctest.Wait()
			var body [5]byte
			if _, err := io.ReadFull(readerFunc(conn.ReadBody), body[:]); string(body[:]) != "hello" || err != nil {
				t.Errorf("%s: %q, %v", c.name, body, err)
			}
			server.Close()
			want := ""
			if c.want {
				want = "HTTP/1.1 100 Continue\r\n"
			}
			if got := <-heard; got != want {
				t.Errorf("%s: the client heard %q, want %q", c.name, got, want)
			}
			client.Close()
		})
	}
}

// TestContinueOnAConnectionThatWasIdle asks to go on when the deadline of the answer before has long passed.
func TestContinueOnAConnectionThatWasIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn := NewConn(server, &testLimits)
		heard := make(chan string)
		go func() {
			io.WriteString(client, plainHead)
			io.ReadFull(client, make([]byte, len("answer")))
			time.Sleep(30 * time.Second)
			io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
			line, _ := bufio.NewReader(io.LimitReader(client, int64(len(continueLine)))).ReadString('\n')
			io.WriteString(client, "hello")
			heard <- line
		}()
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		if err := conn.SendWithin(time.Now(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Send([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 4096)); err != nil || conn.Fault() != nil {
			t.Fatal(err, conn.Fault())
		}
		body, err := io.ReadAll(readerFunc(conn.ReadBody))
		if string(body) != "hello" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		server.Close()
		if line := <-heard; line != "HTTP/1.1 100 Continue\r\n" {
			t.Errorf("the client heard %q", line)
		}
		client.Close()
	})
}

// halfCloser is a connection whose sending side can end by itself.
type halfCloser struct {
	net.Conn
	halfClosed bool
}

func (h *halfCloser) CloseWrite() error { h.halfClosed = true; return nil }

// TestLingerIsBounded lets a client send on and on, slowly and fast, and stop.
func TestLingerIsBounded(t *testing.T) {
	for _, c := range []struct {
		name  string
		piece int           // bytes of a write
		every time.Duration // between two writes
		count int           // of writes
		want  time.Duration // how long it lingers
	}{
		{"nothing comes", 0, 0, 0, lingerTime},
		{"a slow client", 10, 10 * time.Millisecond, 1 << 20, lingerTime},
		{"a fast client", 4 << 10, 0, 1 << 20, 0},
		{"a client that ends", 10, time.Millisecond, 20, 20 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			half := &halfCloser{Conn: server}
			conn := NewConn(half, &testLimits)
			sent := 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range c.count {
					n, err := client.Write(make([]byte, c.piece))
					sent += n
					if err != nil {
						return
					}
					time.Sleep(c.every)
				}
				if c.count > 0 {
					client.Close()
				}
			}()
			start := time.Now()
			conn.Linger()
			took := time.Since(start)
			server.Close()
			<-done
			client.Close()
			if took != c.want || !half.halfClosed {
				t.Errorf("%s: lingered %v, want %v; the sending side ended: %v", c.name, took, c.want, half.halfClosed)
			}
			if sent > lingerBytes+c.piece {
				t.Errorf("%s: %d bytes were listened to, want at most %d", c.name, sent, lingerBytes)
			}
		})
	}
}

func TestLingerNeedsAHalfClose(t *testing.T) {
	_, c := connect(t)
	c.Linger() // a pipe cannot close half: it must return at once instead of waiting for a client that cannot know
}

// TestARefusalIsReadableWhileTheClientSends uses real sockets: closing with unread bytes would send a reset.
func TestARefusalIsReadableWhileTheClientSends(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	go func() {
		accepted, err := ln.Accept()
		if err != nil {
			served <- err
			return
		}
		defer accepted.Close()
		c := NewConn(accepted, &testLimits)
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			served <- err
			return
		}
		if _, err := c.Send([]byte("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")); err != nil {
			served <- err
			return
		}
		c.Linger()
		served <- nil
	}()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const size = 128 << 10
	if _, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 131072\r\n\r\n"+strings.Repeat("x", size)); err != nil {
		t.Fatal(err)
	}
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(client)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
		t.Errorf("%q, %v", answer, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestDeadlinesReachTheConnection asks for a limit, for none, and for one again.
func TestDeadlinesReachTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn := NewConn(server, &testLimits)
		start := time.Now()
		if err := conn.ReadWithin(start, 800*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		_, err := server.Read(make([]byte, 1))
		if took := time.Since(start); !IsTimeout(err) || took < 800*time.Millisecond || took > 900*time.Millisecond {
			t.Errorf("reading ended after %v: %v", took, err)
		}
		start = time.Now()
		if err := conn.SendWithin(start, 800*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		_, err = conn.Send([]byte("nobody reads"))
		if took := time.Since(start); !IsTimeout(err) || took < 800*time.Millisecond || took > 900*time.Millisecond {
			t.Errorf("writing ended after %v: %v", took, err)
		}
		if err := conn.ReadWithin(time.Now(), 0); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(24 * time.Hour)
			io.WriteString(client, "x")
		}()
		if n, err := server.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("without a limit: %d, %v", n, err)
		}
		client.Close()
		server.Close()
	})
}

func TestIsTimeout(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {io.EOF, false}, {io.ErrUnexpectedEOF, false}, {faultTrailer, false}, {net.ErrClosed, false},
		{timeoutError{}, true}, {&net.OpError{Op: "read", Err: timeoutError{}}, true},
	} {
		if IsTimeout(c.err) != c.want {
			t.Errorf("IsTimeout(%v) = %v", c.err, !c.want)
		}
	}
}
