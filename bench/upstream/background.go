package upstream

import (
	"net/netip"

	"github.com/headgate/headgate/bench/socket"
)

// Start serves on a free port of the loopback, on a thread of its own, for as long as the process lives; it is meant for
// tests. It panics when serving fails.
func Start() (netip.AddrPort, error) {
	type opened struct {
		server *Server
		err    error
	}
	result := make(chan opened)
	go func() {
		poller, err := socket.NewPoller()
		if err != nil {
			result <- opened{err: err}
			return
		}
		server, err := Listen(poller, netip.MustParseAddrPort("127.0.0.1:0"))
		result <- opened{server, err}
		if err == nil {
			panic(server.Serve())
		}
	}()
	o := <-result
	if o.err != nil {
		return netip.AddrPort{}, o.err
	}
	return o.server.Addr(), nil
}
