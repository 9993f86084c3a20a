package e2e

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestDrain tells a gateway to end while five hundred pushes of three seconds
// are under way. Each of them gets its answer, and then the gateway is gone.
func TestDrain(t *testing.T) {
	t.Parallel()
	const pushes = 500
	upstream := startStandIn(t, "127.0.0.1", 3*time.Second)
	g := newGateway(t, gatewayOptions{Upstreams: []string{upstream.url}, LogLevel: "info"})
	g.run(t)
	request := pushBytes(t, g.as("prometheus-a"))

	var group sync.WaitGroup
	failures := make(chan error, pushes)
	for range pushes {
		group.Go(func() {
			line, err := dialWire(g.host)
			if err != nil {
				failures <- err
				return
			}
			defer line.close()
			if _, err := line.push(request); err != nil {
				failures <- err
			}
		})
	}
	eventually(t, "all pushes are under way", func() error {
		if n := upstream.pushes.Load(); n != pushes {
			return fmt.Errorf("the upstream has %d", n)
		}
		return nil
	})
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	close(failures)
	for err := range failures {
		t.Errorf("a push under way: %v", err)
	}
	<-g.done
	if code := g.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("headgate ended with %s, want exit status 0", g.cmd.ProcessState)
	}
	if n := upstream.pushes.Load(); n != pushes {
		t.Errorf("the upstream has seen %d pushes, want %d", n, pushes)
	}
}
