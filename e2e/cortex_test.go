package e2e

import (
	"fmt"
	"testing"
)

// cortex is one running Cortex, all components in a process, with
// authentication on: it believes whatever X-Scope-OrgID says.
type cortex struct {
	*process
	port   int
	url    string
	config string
}

// cortexOptions are the settings that differ between stories.
type cortexOptions struct {
	Federation       bool   // tenant federation: X-Scope-OrgID: a|b reads both
	OutOfOrderWindow string // how much older than its newest a sample may be; empty: not at all
	Traces           string // address that takes spans over OTLP/gRPC; empty: there are none
}

// startCortex runs Cortex in a folder of its own and waits until it is ready.
func startCortex(t *testing.T, o cortexOptions) *cortex {
	t.Helper()
	c := &cortex{port: freePort(t)}
	c.url = fmt.Sprintf("http://127.0.0.1:%d", c.port)
	c.config = writeConfig(t, "cortex.yaml", struct {
		cortexOptions
		Dir                string
		HTTPPort, GRPCPort int
	}{o, t.TempDir(), c.port, freePort(t)})
	c.run(t)
	c.awaitReady(t, c.url+"/ready")
	return c
}

// run starts Cortex, with what an earlier run left on disk: its write-ahead log
// holds every sample that it has accepted, whether it was ended or killed.
func (c *cortex) run(t *testing.T) {
	t.Helper()
	// These addresses have flags but no keys. Without them Cortex looks for eth0.
	c.process = start(t, "cortex", cortexBinary(t), "-config.file="+c.config,
		"-frontend.instance-addr=127.0.0.1", "-querier.instance-addr=127.0.0.1")
}
