package trial

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/headgate/headgate/bench/payload"
)

// A client keeps its connection, and opens a new one when the other side has closed it.
func TestClient(t *testing.T) {
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "close":
			w.Header().Set("Connection", "close")
		case "refuse":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "answer")
	}))
	defer server.Close()
	one := &client{addr: netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))}
	defer one.close()
	for _, step := range []struct {
		body        string
		status      int
		connections int
	}{{"a", 200, 1}, {"refuse", 503, 1}, {"close", 200, 1}, {"b", 200, 2}} {
		status, took, err := one.send(payload.Push("a", "Basic eDp5", []byte(step.body)))
		if err != nil || status != step.status || took <= 0 || len(connections) != step.connections {
			t.Errorf("%q: %d after %s (%v), over %d connections", step.body, status, took, err, len(connections))
		}
	}
	server.Close()
	if _, _, err := one.send(payload.Push("a", "Basic eDp5", nil)); err == nil {
		t.Error("no error without a server")
	}
}
