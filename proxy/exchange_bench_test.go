package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// plainUpstream answers every request on a connection with the same bytes, without allocating.
func plainUpstream(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
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
						if len(line) > 16 && (line[0]|0x20) == 'c' && strings.EqualFold(string(line[:15]), "content-length:") {
							fmt.Sscan(string(line[15:]), &length)
						}
					}
					if _, err := br.Discard(length); err != nil {
						return
					}
					if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"); err != nil {
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
					if n, err := c.Read(answer); err != nil || !strings.HasPrefix(string(answer[:min(n, 12)]), "HTTP/1.1 200") {
						b.Fatalf("%q, %v", answer[:n], err)
					}
				}
			})
		})
	}
}
