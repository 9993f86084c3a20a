package proxy

import (
	"io"
	"strings"
	"testing"
)

// TestARefusedHeadEndsWithoutAReset sends more behind a head that is refused than is read of it. The answer must be
// readable and the end an orderly one: a reset can overtake the answer.
func TestARefusedHeadEndsWithoutAReset(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"431":                  "GET /" + strings.Repeat("a", 200<<10) + " HTTP/1.1\r\nHost: gw.test\r\n\r\n",
		"400 with a body":      "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 204800\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("a", 200<<10),
		"path_not_clean, body": "POST //api/v1/push HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 204800\r\n\r\n" + strings.Repeat("a", 200<<10),
		"401 with a body":      "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 204800\r\n\r\n" + strings.Repeat("a", 200<<10),
		"417 with a body":      "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nExpect: x\r\nContent-Length: 204800\r\n\r\n" + strings.Repeat("a", 200<<10),
		"bad chunks":           "POST /api/v1/push HTTP/1.1\r\nHost: gw.test\r\nAuthorization: " + basicA + "\r\nTransfer-Encoding: chunked\r\n\r\nG\r\n" + strings.Repeat("a", 200<<10),
	} {
		t.Run(name, func(t *testing.T) {
			upstream := startRecorder(t, nil)
			g := startGateway(t, testRoutes(testPool(t, upstream.addr), nil))
			for range 5 {
				c := g.dial(t)
				sent := make(chan error, 1)
				go func() {
					_, err := io.WriteString(c, raw)
					c.(interface{ CloseWrite() error }).CloseWrite()
					sent <- err
				}()
				answer, err := io.ReadAll(c)
				if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
					t.Errorf("read %.40q, %v", answer, err)
				}
				if err := <-sent; err != nil {
					t.Errorf("sending ended with %v", err)
				}
			}
		})
	}
}
