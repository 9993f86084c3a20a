package proxy

import (
	"fmt"
	"strings"
	"testing"
)

// TestUnframedAnswersAreKeptForOldClients: a client of HTTP/1.0 knows no chunks, so an answer of unknown length is read
// whole first, as long as it is not too long; one of HTTP/1.1 gets any as it comes.
func TestUnframedAnswersAreKeptForOldClients(t *testing.T) {
	t.Parallel()
	chunk := func(body string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(body), body) }
	for _, c := range []struct {
		name    string
		size    int
		version string
		reason  string
	}{
		{"short", 1, "1.0", ""},
		{"as long as may be", maxUnframed, "1.0", ""},
		{"too long", maxUnframed + 1, "1.0", "answer_too_long"},
		{"too long by far", 4 * maxUnframed, "1.0", "answer_too_long"},
		{"too long for an old client only", 4 * maxUnframed, "1.1", ""},
	} {
		body := strings.Repeat("x", c.size)
		for framing, raw := range map[string]string{
			"chunked":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body) + "0\r\n\r\n",
			"until the connection": "HTTP/1.1 200 OK\r\n\r\n" + body,
		} {
			t.Run(c.name+"/"+framing, func(t *testing.T) {
				t.Parallel()
				u := startScripted(t, partly(raw))
				g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
				got := g.ask(t, strings.Replace(query, "HTTP/1.1", "HTTP/"+c.version, 1))
				switch {
				case !got.whole || got.reason != c.reason:
					t.Errorf("client got %v", got)
				case c.reason == "" && (got.status != 200 || got.body != body):
					t.Errorf("client got %v", got)
				case c.reason != "" && got.status != 502:
					t.Errorf("client got %v", got)
				}
				if seen := u.seen.Load(); seen != 1 {
					t.Errorf("asked %d times", seen)
				}
			})
		}
	}
}
