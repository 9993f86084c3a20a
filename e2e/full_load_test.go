package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// loaded is a gateway before three hosts that senders keep as busy as it can,
// and the wires to the hosts.
type loaded struct {
	gateway *gateway
	names   *nameserver
	hosts   []*standIn
	wires   []*relay // to the hosts, by cortexAddresses
}

// trouble is one thing that goes wrong with one of three hosts, and is mended.
type trouble struct {
	name   string
	happen func(*testing.T, *loaded, *rand.Rand)
}

// troubles are all that can. None of them takes a push with it.
var troubles = []trouble{
	{"a host is cut off", func(_ *testing.T, l *loaded, r *rand.Rand) { l.wire(r).cutAll() }},
	{"messages of a host are cut", func(_ *testing.T, l *loaded, r *rand.Rand) {
		wire := l.wire(r)
		for range 20 {
			wire.cutAfter(r.Int64N(8 << 10))
			pause(r, 50*time.Millisecond)
		}
		wire.cutAfter(-1)
	}},
	{"a host is dead", func(_ *testing.T, l *loaded, r *rand.Rand) {
		wire := l.wire(r)
		wire.refuse(true)
		pause(r, 3*time.Second)
		wire.refuse(false)
	}},
	{"a host hangs", func(_ *testing.T, l *loaded, r *rand.Rand) {
		host := l.hosts[r.IntN(len(l.hosts))]
		host.hang(true)
		letPass(10 * time.Second) // longer than read_timeout
		host.hang(false)
	}},
	{"a host leaves the name", func(_ *testing.T, l *loaded, r *rand.Rand) {
		i := r.IntN(len(cortexAddresses))
		l.names.answer(cortexAddresses[i], cortexAddresses[(i+1)%len(cortexAddresses)])
		pause(r, 3*time.Second)
		l.names.answer(cortexAddresses...)
	}},
	{"the gateway is reloaded", func(t *testing.T, l *loaded, _ *rand.Rand) {
		for range 5 {
			if got := (caller{url: l.gateway.admin}).call(t, http.MethodPost, "/reload", ""); got.status != http.StatusOK {
				t.Errorf("reload: %s", got)
			}
			if err := l.gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Error(err)
			}
		}
	}},
}

// wire is one of them.
func (l *loaded) wire(r *rand.Rand) *relay { return l.wires[r.IntN(len(l.wires))] }

// TestFullLoadUnderFaults keeps one gateway busy for as long as SOAK says, with
// one host of three in trouble most of the time and senders that break off in
// the middle. No push fails, and after the first lap (of a minute, when there is
// time) the gateway holds no more goroutines, descriptors and memory.
func TestFullLoadUnderFaults(t *testing.T) {
	for _, address := range cortexAddresses {
		needAddress(t, address)
	}
	l := &loaded{}
	port := freePort(t, cortexAddresses...)
	for _, address := range cortexAddresses {
		host := startStandIn(t, "127.0.0.1", 0)
		l.hosts = append(l.hosts, host)
		l.wires = append(l.wires, startRelay(t, fmt.Sprintf("%s:%d", address, port), host.addr))
	}
	l.names = startNameserver(t, "cortex.e2e.test", cortexAddresses...)
	l.gateway = newGateway(t, gatewayOptions{
		Upstreams: []string{fmt.Sprintf("http://cortex.e2e.test:%d", port)}, DNS: l.names.addr, IdleTimeout: "2s", LogLevel: "warn",
	})
	l.gateway.run(t)
	atStart := l.gateway.mustResources(t)
	senders := startKeepAlive(t, l.gateway.host, l.gateway.as("prometheus-a"), load{Senders: 16})
	quitters := startQuitters(t, l.gateway)

	r := seeded(t)
	length := soakLength(t, time.Minute)
	lap := min(length/6, time.Minute)
	var first *resources
	for started, laps := time.Now(), 1; time.Since(started) < length; {
		for _, i := range r.Perm(len(troubles)) {
			troubles[i].happen(t, l, r)
			pause(r, time.Second)
			if time.Since(started) < time.Duration(laps)*lap {
				continue
			}
			now := l.gateway.mustResources(t)
			t.Logf("%5.0fs: %d pushes, %d broken off, %s", time.Since(started).Seconds(), senders.count(), quitters.count.Load(), now)
			laps = int(time.Since(started)/lap) + 1
			if first == nil {
				first = &now
				continue
			}
			// A moment at which much has piled up passes, a leak does not.
			eventually(t, "the gateway holds no more than after the first lap", func() error {
				if err := now.outgrow(*first); err == nil {
					return nil
				}
				now = l.gateway.mustResources(t)
				return now.outgrow(*first)
			})
		}
	}
	quitters.halt()
	pushed := senders.noneFailed(t)
	said, err := readMetrics(l.gateway.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for _, wire := range l.wires {
		cuts += wire.wasCut()
	}
	t.Logf("%d pushes, %v sent again, %d connections to hosts cut, %d pushes broken off by their senders",
		pushed, said.sum("headgate_retries_total"), cuts, quitters.count.Load())
	l.gateway.comesBackTo(t, atStart)
	l.gateway.endWell(t)
}

// outgrow returns an error when a gateway at work holds more than it did when it
// had worked for a while. What hangs at a moment differs, a leak does not stop.
func (r resources) outgrow(first resources) error {
	const moment, pooled = 60, 16 << 20
	if r.goroutines > first.goroutines+moment || r.descriptors > first.descriptors+moment ||
		r.heap > first.heap+pooled || r.resident > first.resident+2*pooled {
		return fmt.Errorf("%s; after the first lap: %s", r, first)
	}
	return nil
}

// quitters are senders that break off in the middle of a push.
type quitters struct {
	stopped atomic.Bool
	count   atomic.Int64
	group   sync.WaitGroup
}

// startQuitters starts two.
func startQuitters(t *testing.T, g *gateway) *quitters {
	t.Helper()
	q := &quitters{}
	push := pushBytes(t, g.as("prometheus-a"))
	for i := range 2 {
		r := rand.New(rand.NewPCG(uint64(i), 0))
		q.group.Go(func() {
			for !q.stopped.Load() {
				if conn, err := net.DialTimeout("tcp", g.host, patience); err == nil {
					_, _ = conn.Write(push[:r.IntN(len(push))])
					pause(r, 20*time.Millisecond)
					reset(conn)
					q.count.Add(1)
				}
			}
		})
	}
	t.Cleanup(q.halt)
	return q
}

// halt ends them.
func (q *quitters) halt() {
	q.stopped.Store(true)
	q.group.Wait()
}
