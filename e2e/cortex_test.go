package e2e

import (
	"fmt"
	"testing"
)

// cortex is one running Cortex, all components in a process, with
// authentication on: it believes whatever X-Scope-OrgID says.
type cortex struct {
	*process
	port int
	url  string
}

// cortexOptions are the settings that differ between stories.
type cortexOptions struct {
	Federation bool // tenant federation: X-Scope-OrgID: a|b reads both
}

// startCortex runs Cortex in a folder of its own and waits until it is ready.
func startCortex(t *testing.T, o cortexOptions) *cortex {
	t.Helper()
	bin := cortexBinary(t)
	c := &cortex{port: freePort(t)}
	c.url = fmt.Sprintf("http://127.0.0.1:%d", c.port)
	config := writeConfig(t, "cortex.yaml", struct {
		cortexOptions
		Dir                string
		HTTPPort, GRPCPort int
	}{o, t.TempDir(), c.port, freePort(t)})
	// These addresses have flags but no keys. Without them Cortex looks for eth0.
	c.process = start(t, "cortex", bin, "-config.file="+config,
		"-frontend.instance-addr=127.0.0.1", "-querier.instance-addr=127.0.0.1")
	c.awaitReady(t, c.url+"/ready")
	return c
}
