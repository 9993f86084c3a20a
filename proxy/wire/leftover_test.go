package wire

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// TestAnUnreadBodyIsNeverTheNextRequest goes on to the next request without reading the body of the first, wholly or in
// part: what is left must not be taken for a head, whoever forgot about it.
func TestAnUnreadBodyIsNeverTheNextRequest(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, raw := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\n" + smuggled,
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled,
	} {
		client, c := connect(t)
		sendAll(client, raw)
		var p [4096]byte
		if _, err := c.Read(p[:]); err != nil || c.Fault() != nil {
			t.Fatal(err, c.Fault())
		}
		if n, err := c.Read(p[:]); err != io.EOF {
			t.Errorf("the loop gets %q, %v", p[:n], err)
		}
	}
}

// TestNoContinueOnceTheBodyHasCome reads a body that came with its head beyond its end.
func TestNoContinueOnceTheBodyHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn := NewConn(server, &testLimits)
		heard := make(chan string)
		go func() {
			io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
			all, _ := io.ReadAll(client)
			heard <- string(all)
		}()
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(readerFunc(conn.ReadBody)); string(body) != "hello" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		server.Close()
		if got := <-heard; got != "" {
			t.Errorf("the client heard %q", got)
		}
		client.Close()
	})
}
