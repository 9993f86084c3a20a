package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cortexAddresses are those that Cortex's name can have: each is a wire of its
// own to the same Cortex.
var cortexAddresses = []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}

// battlefield is a Prometheus and a vmagent that write through headgate into
// Cortex, over wires and names that can be broken.
//
//	Prometheus, vmagent → front → headgate → one of three wires → Cortex
type battlefield struct {
	cortex  *cortex
	gateway *gateway
	tenants *tenantsFolder
	names   *nameserver
	front   *relay   // before headgate
	wires   []*relay // between headgate and Cortex, by cortexAddresses

	prometheus *prometheus
	vmagent    *vmagent
	shopA      *target
	shopB      *target
	witness    *recorder
}

// startBattlefield starts all of it. Cortex takes samples out of order, because
// a push whose answer was lost is repeated: without that it answers 400 to all
// but the newest sample of each series in it, although it holds them, and the
// sender counts them as failed.
func startBattlefield(t *testing.T) *battlefield {
	t.Helper()
	for _, address := range cortexAddresses {
		needAddress(t, address)
	}
	b := &battlefield{cortex: startCortex(t, cortexOptions{OutOfOrderWindow: "30m"})}
	port := freePort(t, cortexAddresses...)
	for _, address := range cortexAddresses {
		b.wires = append(b.wires, startRelay(t, fmt.Sprintf("%s:%d", address, port), strings.TrimPrefix(b.cortex.url, "http://")))
	}
	b.names = startNameserver(t, "cortex.e2e.test", cortexAddresses...)
	b.tenants = newTenantsFolder(t)
	b.gateway = newGateway(t, gatewayOptions{
		Upstreams: []string{fmt.Sprintf("http://cortex.e2e.test:%d", port)}, DNS: b.names.addr, IdleTimeout: "2s",
		TenantsDir: b.tenants.path,
	})
	b.gateway.run(t)
	b.front = startRelay(t, fmt.Sprintf("127.0.0.1:%d", freePort(t)), b.gateway.host)

	b.shopA, b.shopB, b.witness = startStockedTarget(t, 100), startStockedTarget(t, 100), startRecorder(t)
	through := func(user string) caller {
		c := b.gateway.as(user)
		c.url = "http://" + b.front.addr
		return c
	}
	b.prometheus = startPrometheus(t, "prometheus", prometheusOptions{
		Owner:  "team-a",
		Target: b.shopA.addr,
		Write:  &endpoint{caller: through("prometheus-a"), Path: "/api/v1/push"},
		// With a deadline it drops what a Cortex that is away has not taken when it changes the number of its shards.
		Patient: true,
		// Repeated ones are a 400 from Cortex, whatever may be out of order.
		NoExemplars: true,
	})
	b.vmagent = startVmagent(t, vmagentOptions{
		Owner:   "team-b",
		Target:  b.shopB.addr,
		Write:   endpoint{caller: through("prometheus-b"), Path: "/api/v1/push", PasswordFile: passwordFile(t, passwordB)},
		Witness: b.witness.url,
	})
	return b
}

// fault is one thing that goes wrong.
type fault struct {
	name   string
	happen func(*testing.T, *battlefield, *rand.Rand)
}

// faults are all that can. What a fault stops it starts again.
var faults = []fault{
	{"headgate is restarted", func(t *testing.T, b *battlefield, _ *rand.Rand) {
		b.gateway.end(t)
		if code := b.gateway.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("headgate ended with %s, want exit status 0", b.gateway.cmd.ProcessState)
		}
		b.gateway.run(t)
	}},
	{"headgate is killed", func(t *testing.T, b *battlefield, _ *rand.Rand) {
		b.gateway.kill()
		b.gateway.run(t)
	}},
	{"headgate is reloaded by SIGHUP", func(t *testing.T, b *battlefield, _ *rand.Rand) {
		if err := b.gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Error(err)
		}
	}},
	{"headgate is reloaded by a request", func(t *testing.T, b *battlefield, _ *rand.Rand) {
		if got := (caller{url: b.gateway.admin}).call(t, http.MethodPost, "/reload", ""); got.status != http.StatusOK {
			t.Errorf("reload: %s", got)
		}
	}},
	{"Cortex is restarted", func(t *testing.T, b *battlefield, r *rand.Rand) {
		b.cortex.end(t)
		pause(r, 2*time.Second)
		b.cortex.run(t)
	}},
	{"Cortex is killed", func(t *testing.T, b *battlefield, r *rand.Rand) {
		b.cortex.kill()
		pause(r, 2*time.Second)
		b.cortex.run(t)
	}},
	{"headgate is restarted with a broken tenants file", func(t *testing.T, b *battlefield, r *rand.Rand) {
		b.tenants.halve(t, r)
		b.gateway.end(t)
		b.gateway.run(t)
		pause(r, 2*time.Second)
		b.tenants.fill(t)
	}},
	{"headgate is restarted before the tenants folder is filled", func(t *testing.T, b *battlefield, r *rand.Rand) {
		b.gateway.end(t)
		b.tenants.empty(t)
		b.gateway.run(t)
		pause(r, 2*time.Second)
		b.tenants.fill(t)
	}},
	{"a tenants file is half-written", func(t *testing.T, b *battlefield, r *rand.Rand) {
		b.tenants.halve(t, r)
		pause(r, 3*time.Second)
		b.tenants.fill(t)
	}},
	{"the tenants folder is emptied", func(t *testing.T, b *battlefield, r *rand.Rand) {
		b.tenants.empty(t)
		pause(r, 3*time.Second)
		b.tenants.fill(t)
	}},
	{"the tenants folder is unmounted", func(t *testing.T, b *battlefield, r *rand.Rand) {
		if !b.tenants.mounted {
			return
		}
		b.tenants.unmount(t)
		pause(r, 3*time.Second)
		b.tenants.mount(t)
	}},
	{"senders are cut off", func(_ *testing.T, b *battlefield, _ *rand.Rand) { b.front.cutAll() }},
	{"a sender's message is cut", func(_ *testing.T, b *battlefield, r *rand.Rand) { b.front.cutAfter(r.Int64N(8 << 10)) }},
	{"Cortex is cut off", func(_ *testing.T, b *battlefield, _ *rand.Rand) {
		for _, wire := range b.wires {
			wire.cutAll()
		}
	}},
	{"messages to Cortex are cut", func(_ *testing.T, b *battlefield, r *rand.Rand) {
		for _, wire := range b.wires {
			wire.cutAfter(r.Int64N(8 << 10))
		}
	}},
	{"an address of Cortex is dead", func(_ *testing.T, b *battlefield, r *rand.Rand) {
		wire := b.wires[r.IntN(len(b.wires))]
		wire.refuse(true)
		pause(r, 2*time.Second)
		wire.refuse(false)
	}},
	{"Cortex's name has other addresses", func(_ *testing.T, b *battlefield, r *rand.Rand) {
		var some []string
		for _, i := range r.Perm(len(cortexAddresses))[:1+r.IntN(len(cortexAddresses))] {
			some = append(some, cortexAddresses[i])
		}
		b.names.answer(some...)
	}},
	{"Cortex's name has no address", func(_ *testing.T, b *battlefield, r *rand.Rand) {
		b.names.answer()
		pause(r, 2*time.Second)
		b.names.answer(cortexAddresses...)
	}},
}

// fight lets one thing after the other go wrong, in an order that the seed
// gives, for as long as it is told; at the end everything works again. Every
// fault happens before one happens twice.
func (b *battlefield) fight(t *testing.T, length time.Duration) {
	t.Helper()
	r := seeded(t)
	for started := time.Now(); time.Since(started) < length; {
		for _, i := range r.Perm(len(faults)) {
			if time.Since(started) >= length {
				break
			}
			t.Logf("%4.1fs %s", time.Since(started).Seconds(), faults[i].name)
			faults[i].happen(t, b, r)
			pause(r, 3*time.Second)
		}
	}
	b.names.answer(cortexAddresses...)
	b.front.cutAfter(-1)
	for _, wire := range b.wires {
		wire.cutAfter(-1)
	}
	b.cortex.awaitReady(t, b.cortex.url+"/ready")
}

// pause lets up to that much time pass.
func pause(r *rand.Rand, atMost time.Duration) {
	letPass(time.Duration(r.Int64N(int64(atMost))))
}

// cuts counts the connections that were cut on every wire.
func (b *battlefield) cuts() int {
	n := b.front.wasCut()
	for _, wire := range b.wires {
		n += wire.wasCut()
	}
	return n
}
