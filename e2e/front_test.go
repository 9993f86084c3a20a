package e2e

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// front is one more address of a Cortex: a listener that passes requests on,
// and counts what it sees of the gateway. It shows from outside how headgate
// spreads its load, whatever headgate says about it.
type front struct {
	requests    atomic.Int64
	connections atomic.Int64 // open now
	wrongTenant atomic.Int64 // requests without exactly one X-Scope-OrgID, tenant
}

// startFront listens on address and port until the test ends. Every request is
// expected to be of one tenant.
func startFront(t *testing.T, address string, port int, c *cortex, tenant string) *front {
	t.Helper()
	f := &front{}
	target, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // a failure is a 502, and fails whoever sent the request
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.requests.Add(1)
			if tenants := r.Header.Values("X-Scope-OrgID"); len(tenants) != 1 || tenants[0] != tenant {
				f.wrongTenant.Add(1)
			}
			proxy.ServeHTTP(w, r)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				f.connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				f.connections.Add(-1)
			}
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return f
}
