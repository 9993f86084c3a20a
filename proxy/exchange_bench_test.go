package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
)

var contentLength, statusOK = []byte("Content-Length:"), []byte("HTTP/1.1 200")

// plainUpstream answers every request on a connection with the same bytes, without allocating.
func plainUpstream(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				br := bufio.NewReaderSize(c, 64<<10)
				for {
					length := 0
					for {
						line, err := br.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(line) == 2 {
							break
						}
						if digits, ok := bytes.CutPrefix(line, contentLength); ok {
							length = 0
							for _, c := range bytes.TrimSpace(digits) {
								length = 10*length + int(c-'0')
							}
						}
					}
					if _, err := br.Discard(length); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// BenchmarkPush is a whole push through real sockets, client and upstream included.
func BenchmarkPush(b *testing.B) {
	for _, size := range []int{1 << 10, 32 << 10, 512 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			g := startGateway(b, testRoutes(testPool(b, plainUpstream(b)), nil))
			raw := []byte(push(strings.Repeat("x", size)))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			b.RunParallel(func(pb *testing.PB) {
				c, err := net.Dial("tcp", g.addr)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				answer := make([]byte, 4<<10)
				for pb.Next() {
					if _, err := c.Write(raw); err != nil {
						b.Fatal(err)
					}
					if n, err := c.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], statusOK) {
						b.Fatalf("%q, %v", answer[:n], err)
					}
				}
			})
		})
	}
}
