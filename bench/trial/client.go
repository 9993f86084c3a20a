package trial

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// client sends one request after the other on a kept connection.
type client struct {
	addr   netip.AddrPort
	conn   net.Conn
	reader *bufio.Reader
}

// clientPatience is how long a client waits for an answer.
const clientPatience = 30 * time.Second

// send sends a whole request and returns the status of the answer, and how long it took from the last byte of the request.
// After an error the next request goes over a new connection.
func (c *client) send(request []byte) (status int, took time.Duration, err error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.addr.String(), clientPatience)
		if err != nil {
			return 0, 0, fmt.Errorf("connect: %w", err)
		}
		c.conn, c.reader = conn, bufio.NewReaderSize(conn, 1<<10)
	}
	status, took, err = c.exchange(request)
	if err != nil {
		c.close()
	}
	return status, took, err
}

func (c *client) exchange(request []byte) (int, time.Duration, error) {
	if err := c.conn.SetDeadline(time.Now().Add(clientPatience)); err != nil {
		return 0, 0, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, 0, err
	}
	sent := time.Now()
	if _, err := c.reader.Peek(1); err != nil {
		return 0, 0, err
	}
	took := time.Since(sent)
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err == nil && answer.Close {
		c.close()
	}
	return answer.StatusCode, took, err
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close() // Nothing more is expected of it.
		c.conn = nil
	}
}
