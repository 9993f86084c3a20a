package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var testLimits = Limits{HeaderTimeout: 8 * time.Second, IdleTimeout: 64 * time.Second, MaxHeaderSize: testLimit}

// connect gives both ends of a connection: the client's, and the Conn that a server reads.
func connect(t *testing.T) (net.Conn, *Conn) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, NewConn(server, &testLimits)
}

// sendAll writes in the background; what the server does not take is dropped when the test ends.
func sendAll(client net.Conn, raw string) {
	go io.WriteString(client, raw) //nolint:errcheck // the server may close
}

const plainHead = "GET /a?b HTTP/1.1\r\nHost: gw.test\r\n\r\n"

func TestAConnectionShowsTheLoopAStandIn(t *testing.T) {
	client, c := connect(t)
	sendAll(client, "PUT /a/b?secret HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Basic x\r\nContent-Length: 5\r\n\r\nhello")
	var p [4096]byte
	n, err := c.Read(p[:])
	if want := "PUT /a/b HTTP/1.1\r\nHost: h\r\n\r\n"; err != nil || string(p[:n]) != want {
		t.Fatalf("%q, %v; want %q", p[:n], err, want)
	}
	if c.Fault() != nil || string(c.Head().Query) != "secret" || string(c.Head().Authorization) != "Basic x" {
		t.Errorf("%v, %s", c.Fault(), describe(c.Head()))
	}
	if n, err := c.Write([]byte("HTTP/1.1 200 OK")); n != 15 || err != nil {
		t.Errorf("the loop's answer: %d, %v", n, err)
	}
	if body, err := io.ReadAll(readerFunc(c.ReadBody)); string(body) != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestAStandInComesInPiecesToo gives the loop room for a byte at a time.
func TestAStandInComesInPiecesToo(t *testing.T) {
	client, c := connect(t)
	sendAll(client, plainHead)
	var got []byte
	for range len("GET /a HTTP/1.1\r\nHost: h\r\n\r\n") {
		var p [1]byte
		if n, err := c.Read(p[:]); n != 1 || err != nil {
			t.Fatalf("%d, %v after %q", n, err, got)
		}
		got = append(got, p[0])
	}
	if string(got) != "GET /a HTTP/1.1\r\nHost: h\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestTheLongestStandInFitsOneReadOfTheLoop(t *testing.T) {
	client, c := connect(t)
	sendAll(client, strings.Repeat("A", 24)+" /"+strings.Repeat("a", maxPath-1)+" HTTP/1.1\r\nHost: a\r\n\r\n")
	var p [4096]byte
	n, err := c.Read(p[:])
	if err != nil || len(c.standIn) != 0 || !bytes.HasSuffix(p[:n], []byte("\r\n\r\n")) {
		t.Errorf("%d bytes, %d left, %v", n, len(c.standIn), err)
	}
}

func TestAFaultyHeadIsARequestToRefuse(t *testing.T) {
	client, c := connect(t)
	sendAll(client, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\nFoo : bar\r\n\r\n")
	var p [4096]byte
	if n, err := c.Read(p[:]); err != nil || string(p[:n]) != string(faultyStandIn) {
		t.Fatalf("%q, %v", p[:n], err)
	}
	if c.Fault() != faultName || !c.Head().Close || c.Head().Authorization != nil || len(c.Head().Fields) != 0 || !c.Body().Whole() {
		t.Errorf("%v, %s", c.Fault(), describe(c.Head()))
	}
}

func TestPipelinedRequestsComeOneByOne(t *testing.T) {
	client, c := connect(t)
	var raw strings.Builder
	const requests = 50
	for i := range requests {
		fmt.Fprintf(&raw, "POST /%d HTTP/1.1\r\nHost: gw.test\r\nContent-Length: %d\r\n\r\n%s", i, i, strings.Repeat("x", i))
	}
	sendAll(client, raw.String())
	for i := range requests {
		var p [4096]byte
		n, err := c.Read(p[:])
		if err != nil || !strings.HasPrefix(string(p[:n]), fmt.Sprintf("POST /%d HTTP/1.1", i)) {
			t.Fatalf("request %d: %q, %v", i, p[:n], err)
		}
		if body, err := io.ReadAll(readerFunc(c.ReadBody)); err != nil || len(body) != i {
			t.Fatalf("request %d: %d bytes, %v", i, len(body), err)
		}
	}
}

// TestTimeoutsOfAHead tells, on a clock of its own, when a connection ends whose client is slow.
func TestTimeoutsOfAHead(t *testing.T) {
	const late = 9 // an alarm may be an eighth late: nine eighths of the limit
	header, idle := testLimits.HeaderTimeout, testLimits.IdleTimeout
	for _, c := range []struct {
		name  string
		talk  func(client net.Conn)
		early time.Duration // the connection must live until then
		limit time.Duration
	}{
		{"silence", func(net.Conn) {}, idle, idle},
		{"a first byte", func(client net.Conn) { client.Write([]byte("G")) }, header, header},
		{"a first byte after a while", func(client net.Conn) {
			time.Sleep(idle - time.Second)
			client.Write([]byte("G"))
		}, idle - time.Second + header, 0},
		{"a byte a second", func(client net.Conn) {
			for _, b := range []byte(plainHead) {
				if _, err := client.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, header, header},
		{"all but the last byte", func(client net.Conn) { io.WriteString(client, plainHead[:len(plainHead)-1]) }, header, header},
		{"only carriage returns", func(client net.Conn) { io.WriteString(client, strings.ReplaceAll(plainHead, "\r\n", "\r")) }, 0, header},
		{"a field without end, slowly", func(client net.Conn) {
			io.WriteString(client, "GET / HTTP/1.1\r\nFoo: ")
			for {
				if _, err := client.Write([]byte("aaaaaaaaaa")); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}, header, header},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			conn := NewConn(server, &testLimits)
			start := time.Now()
			talked := make(chan struct{})
			go func() {
				defer close(talked)
				c.talk(client)
			}()
			var p [4096]byte
			n, err := conn.Read(p[:])
			took := time.Since(start)
			limit := c.limit
			if limit == 0 {
				limit = c.early
			}
			if took < c.early || took > limit/8*late {
				t.Errorf("%s: ended after %v, want %v, at most an eighth later", c.name, took, limit)
			}
			if err != io.EOF && (err != nil || conn.Fault() == nil) {
				t.Errorf("%s: %q, %v", c.name, p[:n], err)
			}
			client.Close()
			server.Close()
			<-talked
		})
	}
}

func TestASlowButTimelyHeadIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn := NewConn(server, &testLimits)
		go func() {
			time.Sleep(testLimits.IdleTimeout - time.Second)
			io.WriteString(client, plainHead[:10])
			time.Sleep(testLimits.HeaderTimeout - time.Millisecond)
			io.WriteString(client, plainHead[10:])
		}()
		var p [4096]byte
		if n, err := conn.Read(p[:]); err != nil || conn.Fault() != nil || string(conn.Head().Path) != "/a" {
			t.Errorf("%q, %v, %v", p[:n], err, conn.Fault())
		}
		client.Close()
		server.Close()
	})
}

// TestEachRequestHasItsOwnTime serves requests for longer than any of the limits.
func TestEachRequestHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn := NewConn(server, &testLimits)
		go func() {
			for range 100 {
				io.WriteString(client, plainHead[:10])
				time.Sleep(testLimits.HeaderTimeout / 2)
				io.WriteString(client, plainHead[10:])
				time.Sleep(testLimits.IdleTimeout / 2)
			}
			client.Close()
		}()
		var p [4096]byte
		for i := range 100 {
			if _, err := conn.Read(p[:]); err != nil || conn.Fault() != nil {
				t.Fatalf("request %d: %v, %v", i, err, conn.Fault())
			}
		}
		if _, err := conn.Read(p[:]); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
		server.Close()
	})
}

func TestIdleIsTheTimeWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn := NewConn(server, &testLimits)
		read := make(chan error)
		next := func() {
			go func() { _, err := conn.Read(make([]byte, 4096)); read <- err }()
			synctest.Wait()
		}
		start := time.Now()
		time.Sleep(time.Second)
		if !conn.Idle().Equal(start) {
			t.Errorf("before the first request: idle since %v, want %v", conn.Idle(), start)
		}
		next()
		io.WriteString(client, plainHead)
		if err := <-read; err != nil || !conn.Idle().IsZero() {
			t.Errorf("%v; during a request: idle since %v", err, conn.Idle())
		}
		time.Sleep(time.Second)
		before := time.Now()
		next()
		time.Sleep(time.Second)
		if !conn.Idle().Equal(before) {
			t.Errorf("after a request: idle since %v, want %v", conn.Idle(), before)
		}
		client.Close()
		<-read
		server.Close()
	})
}

func TestEveryEndOfAConnectionIsAnEnd(t *testing.T) {
	for at := range plainHead {
		client, c := connect(t)
		go func() {
			io.WriteString(client, plainHead[:at])
			client.Close()
		}()
		if n, err := c.Read(make([]byte, 4096)); n != 0 || err != io.EOF {
			t.Errorf("cut at %d: %d, %v: fasthttp would answer", at, n, err)
		}
	}
}

// TestFaultyLineIsWhatWasSent: a head with a fault is empty to everybody, but for its first line.
func TestFaultyLineIsWhatWasSent(t *testing.T) {
	for raw, want := range map[string]string{
		"POST //push HTTP/9.9\r\nHost: a\r\n\r\n":             "POST //push HTTP/9.9\r",
		"\r\nPOST /push HTTP/1.1\r\nHost : a\r\n\r\n":         "POST /push HTTP/1.1\r",
		"POST /push?" + strings.Repeat("a", 100):              "POST /push?" + strings.Repeat("a", 53),
		"POST /push HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n": "POST /push HTTP/1.1\r",
	} {
		client, server := net.Pipe()
		defer client.Close()
		go io.WriteString(client, raw) //nolint:errcheck // whatever is not read is not wanted
		c := NewConn(server, &Limits{MaxHeaderSize: 64})
		if _, err := c.Read(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if got := string(c.FaultyLine()); c.Fault() == nil || !strings.HasPrefix(got, want) || len(c.Head().Path) > 0 {
			t.Errorf("of %.40q: %q, want %q, and an empty head", raw, got, want)
		}
	}
}
