package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// startStack starts a Cortex and a headgate before it, and no senders.
func startStack(t *testing.T) *gateway {
	t.Helper()
	needHeadgate(t)
	return startHeadgate(t, gatewayOptions{Upstreams: []string{startCortex(t, cortexOptions{}).url}})
}

// expect sends a request and checks the answer's status, and that its body
// contains a text.
func expect(t *testing.T, c caller, method, path, body string, status int, contains string) {
	t.Helper()
	got := c.call(t, method, path, body)
	if got.status != status || !strings.Contains(string(got.body), contains) {
		t.Errorf("%s %s as %s: %s, want %d with %q", method, path, c.user, got, status, contains)
	}
	if ours := got.header.Get("X-Headgate-Reason"); (ours != "") != (contains == "headgate: ") {
		t.Errorf("%s %s as %s: X-Headgate-Reason is %q, which is wrong for this answer: %s", method, path, c.user, ours, got)
	}
	if got.header.Get("X-Request-ID") == "" {
		t.Errorf("%s %s as %s: no X-Request-ID", method, path, c.user)
	}
	if status == http.StatusMethodNotAllowed && got.header.Get("Allow") == "" {
		t.Errorf("%s %s as %s: 405 without Allow", method, path, c.user)
	}
}
