package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fleetSize is how many gateways a fleet has.
const fleetSize = 3

// gatewayFleet are gateways at one port of several addresses, with one etcd, and a name
// that stands for all of them.
type gatewayFleet struct {
	etcd     *etcd
	operator operator
	gateways []*gateway
	port     int
	name     *nameserver
}

// startGatewayFleet starts one before an upstream.
func startGatewayFleet(t *testing.T, upstream string) *gatewayFleet {
	t.Helper()
	f := &gatewayFleet{etcd: newEtcd(t, nil)}
	f.etcd.start(t)
	f.operator = newOperator(t, f.etcd)
	var addresses []string
	for i := range fleetSize {
		address := fmt.Sprintf("127.0.0.%d", 31+i)
		needAddress(t, address)
		addresses = append(addresses, address)
	}
	f.port = freePort(t, addresses...)
	f.name = startNameserver(t, "gateway.example", addresses...)
	f.operator.must(t, "set", "--id", "team-0", "--username", "first")
	for _, address := range addresses {
		g := newGateway(t, gatewayOptions{
			Upstreams: []string{upstream}, Address: address, Port: f.port, LogLevel: "info", Etcd: f.etcd.access(t, etcdGateway, copyFile(t)),
		})
		g.run(t)
		f.gateways = append(f.gateways, g)
	}
	return f
}

// TestFleet is the life of three gateways with one set of clients: what an
// operator changes is in force on all of them at once, and one that is killed is
// missed by nobody.
func TestFleet(t *testing.T) {
	t.Parallel()
	upstream := startRecorder(t)
	f := startGatewayFleet(t, upstream.url)
	f.changes(t, 200)
	f.losesOne(t, upstream)
	for _, g := range f.gateways {
		g.endWell(t)
	}
}

// changes has operators add so many clients, and remove them, and measures how
// long it takes from when they are told so until it is so on every gateway.
func (f *gatewayFleet) changes(t *testing.T, n int) {
	const operators = 4
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	var working sync.WaitGroup
	for o := range operators {
		working.Go(func() {
			for i := o; i < n; i += operators {
				user := fmt.Sprintf("client-%d", i)
				added, password, err := f.add(user)
				if err != nil {
					t.Error(err)
					return
				}
				removed, err := f.remove(user, password)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				took["added"], took["removed"] = append(took["added"], added), append(took["removed"], removed)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	for what, all := range took {
		slices.Sort(all)
		p50, p99 := all[len(all)/2], all[len(all)*99/100]
		t.Logf("%d clients %s, in force on %d gateways: median %s, p99 %s, at most %s", len(all), what, fleetSize, p50, p99, all[len(all)-1])
		// The promise is a second at the 99th percentile, on a machine that does
		// nothing else. Here other stories run beside this one, and two late turns
		// of a process would fail it; so the half has to be in time, and of the
		// rest nothing may have waited for anything.
		if p50 > time.Second || p99 > 5*time.Second {
			t.Errorf("%s: the median is %s and p99 %s, want under a second and five", what, p50, p99)
		}
	}
}

// add adds a client, and returns how long it took from then until every gateway
// knew it.
func (f *gatewayFleet) add(user string) (took time.Duration, password string, err error) {
	out, err := f.operator.tenants("set", "--id", "team-1", "--username", user, "--scopes", "write")
	if err != nil {
		return 0, "", err
	}
	told := time.Now()
	_, password, _ = strings.Cut(strings.TrimSpace(out), "password ")
	err = f.all(user, password, http.StatusNoContent)
	return time.Since(told), password, err
}

// remove removes a client, and returns how long it took from then until no
// gateway knew it.
func (f *gatewayFleet) remove(user, password string) (time.Duration, error) {
	if _, err := f.operator.tenants("delete", user); err != nil {
		return 0, err
	}
	told := time.Now()
	err := f.all(user, password, http.StatusUnauthorized)
	return time.Since(told), err
}

// all waits until a push gets this status from every gateway.
func (f *gatewayFleet) all(user, password string, status int) error {
	deadline := time.Now().Add(patience)
	for _, g := range f.gateways {
		c := caller{url: g.url, user: user, password: password}
		for {
			req, err := c.pushRequest("change", user, time.Now(), 1)
			if err != nil {
				return err
			}
			got, err := do(req)
			if err == nil && got.status == status {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s at %s: %s, %v; want %d", user, g.host, got, err, status)
			}
			letPass(2 * time.Millisecond)
		}
	}
	return nil
}

// losesOne kills a gateway under load, and again when it is back.
func (f *gatewayFleet) losesOne(t *testing.T, upstream *recorder) {
	const user = "sender"
	made := f.operator.must(t, "set", "--id", "team-2", "--username", user, "--scopes", "write")
	_, password, _ := strings.Cut(strings.TrimSpace(made), "password ")
	if err := f.all(user, password, http.StatusNoContent); err != nil {
		t.Fatal(err)
	}
	senders := startSenders(t, f, caller{user: user, password: password}, 16)
	for _, g := range f.gateways[1:] {
		senders.goOn(t, 500)
		g.kill()
		senders.goOn(t, 500)
		g.run(t)
		if err := f.all(user, password, http.StatusNoContent); err != nil {
			t.Fatal(err)
		}
	}
	senders.goOn(t, 500)
	sent := senders.stop()
	held, err := upstream.history()
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for series, times := range sent {
		for at, value := range times {
			if held[series][at] != value {
				lost++
			}
		}
	}
	if lost != 0 || sent.samples() == 0 {
		t.Errorf("%d of %d samples are lost", lost, sent.samples())
	}
	if senders.repeated.Load() == 0 {
		t.Error("nobody had to repeat anything: the gateways were killed under no load")
	}
	t.Logf("%d samples sent, %d pushes repeated, none lost", sent.samples(), senders.repeated.Load())
}

// TestEtcdOfAFleet is the life of a gateway beside an etcd that wants TLS and to
// know who asks: it starts after the gateway, is killed, comes back, and forgets
// what the gateway has not seen.
func TestEtcdOfAFleet(t *testing.T) {
	t.Parallel()
	e := newEtcd(t, newAuthority(t))
	e.start(t)
	o := newOperator(t, e)
	passwords := map[string]string{}
	add := func(user string) {
		t.Helper()
		_, passwords[user], _ = strings.Cut(strings.TrimSpace(o.must(t, "set", "--id", "team-1", "--username", user)), "password ")
	}
	add("first")
	e.kill()

	copied := copyFile(t)
	g := newGateway(t, gatewayOptions{Upstreams: []string{startRecorder(t).url}, LogLevel: "info", Etcd: e.access(t, etcdGateway, copied)})
	g.run(t)
	becomes := func(user string, status int) {
		t.Helper()
		eventually(t, fmt.Sprintf("a push of %s gets %d", user, status), func() error {
			req, err := caller{url: g.url, user: user, password: cmp.Or(passwords[user], "x")}.pushRequest("up", user, time.Now(), 1)
			if err != nil {
				return err
			}
			got, err := do(req)
			if err == nil && got.status != status {
				err = fmt.Errorf("%s", got)
			}
			return err
		})
	}
	const known, unknown, unready = http.StatusNoContent, http.StatusUnauthorized, http.StatusServiceUnavailable
	says := func(want string) {
		t.Helper()
		eventually(t, "/ready says "+want, func() error {
			got, err := caller{url: g.admin}.try(http.MethodGet, "/ready", "")
			if err == nil && !strings.Contains(string(got.body), want) {
				err = fmt.Errorf("%s", got)
			}
			return err
		})
	}

	becomes("first", unready) // it may be in etcd
	says("there is no copy of its tenants")
	e.start(t)
	becomes("first", known)
	becomes("nobody", unknown)

	e.kill()
	becomes("nobody", unready)
	becomes("first", known)
	says("etcd is away")
	e.start(t) // it has forgotten all tokens
	add("second")
	becomes("second", known)
	becomes("nobody", unknown)

	// While the gateway does not look, etcd is started again, changed, and
	// compacted: what happened in between is not to be had any more.
	if err := g.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	e.kill()
	e.start(t)
	add("third")
	o.must(t, "delete", "second")
	e.compact(t)
	if err := g.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	becomes("third", known)
	becomes("second", unknown)
	becomes("first", known)

	// And under its eyes, which changes nothing for it.
	add("fourth")
	e.compact(t)
	becomes("fourth", known)

	// A gateway that is started again without etcd goes on from its copy.
	e.kill()
	becomes("nobody", unready)
	g.end(t)
	g.run(t)
	becomes("fourth", known)
	becomes("nobody", unready)
	says("in force is what it held at 20")
	e.start(t)
	o.must(t, "delete", "fourth")
	becomes("fourth", unknown)
	g.endWell(t)
}
