package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// heldRequest starts a query that the upstream holds, and returns where its answer will be.
func heldRequest(t *testing.T, r *running, cortex *upstream) <-chan answer {
	t.Helper()
	return held(t, cortex, request{method: "GET", url: r.url("/prometheus/api/v1/query?query=slow"), user: "prometheus-a", password: "one"})
}

// held starts a request that the upstream holds.
func held(t *testing.T, cortex *upstream, request request) <-chan answer {
	t.Helper()
	client := newClient(t)
	answers := make(chan answer, 1)
	go func() {
		a, err := request.send(client)
		if err != nil {
			a.body = err.Error()
		}
		answers <- a
	}()
	eventually(t, "the upstream has the request", func() bool { return len(cortex.seen()) > 0 })
	return answers
}

func holding(t *testing.T) *upstream {
	t.Helper()
	cortex := newUpstream(t)
	cortex.hold = make(chan struct{})
	return cortex
}

func TestDrainServesUntilTheDelayIsOverAndFinishesWhatRuns(t *testing.T) {
	cortex := holding(t)
	r := start(t, strings.Replace(gate(everything(cortex.URL)+tenant("team-a", "prometheus-a", "one")), `drain_delay = "0s"`, `drain_delay = "10m"`, 1))
	client := newClient(t)
	slow := heldRequest(t, r, cortex)

	r.signal(syscall.SIGTERM)
	eventually(t, "health fails", func() bool {
		return request{method: "GET", url: r.url("/healthz")}.must(t, client).status == 503
	})
	if ready := (request{method: "GET", url: r.adminURL("/ready")}).must(t, client); ready.status != 503 {
		t.Errorf("/ready while draining: %d", ready.status)
	}
	if status := (request{method: "GET", url: r.adminURL("/status")}).must(t, client); !strings.Contains(status.body, `"state": "draining"`) {
		t.Errorf("/status while draining:\n%s", status.body)
	}
	// Balancers have not noticed yet: what they still send is served, on connections that end.
	late := request{method: "GET", url: r.url("/ingester/ring"), user: "prometheus-a", password: "one"}.must(t, newClient(t))
	if late.status != 404 {
		t.Errorf("a request while draining: %d %q", late.status, late.body)
	}
	if problems := r.Reload(); len(problems) == 0 {
		t.Error("a reload while draining was accepted")
	}

	address := r.Addrs()[0].String()
	r.signal(syscall.SIGHUP) // means nothing now
	r.signal(syscall.SIGTERM)
	eventually(t, "the listener closes", func() bool { return refusesConnections(address) })
	select {
	case err := <-r.ended:
		t.Fatalf("Run ended with a request under way: %v", err)
	default:
	}
	close(cortex.hold)
	if a := <-slow; a.status != 200 || a.body != "for team-a" {
		t.Errorf("the request under way was answered %d %q", a.status, a.body)
	}
	if err := r.wait(); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestDrainEndsAtOnceWithNothingInFlight(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			r := start(t, gate(everything("http://127.0.0.1:1")+"[[routes]]\npath = \"/for-ever\"\nupstream = \"all\"\nscope = \"read\"\ntimeout = \"0s\"\n"))
			idle := newClient(t)
			request{method: "GET", url: r.url("/healthz")}.must(t, idle) // a connection that stays open
			r.signal(s)
			if err := r.wait(); err != nil {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
}

// heldOfEveryKind are requests that take as long as an upstream likes, for ever.
var heldOfEveryKind = []request{
	{method: "GET", url: "/prometheus/api/v1/query?query=slow"},
	{method: "POST", url: "/api/v1/push", body: "samples"},
	{method: "POST", url: "/api/v1/rules/ns", body: "groups"},
}

// patiently is a configuration with no timeout that would end a request.
func patiently(cortex *upstream, drain string) string {
	const none = "timeout = \"0s\"\nread_timeout = \"0s\"\nwrite_timeout = \"0s\"\n"
	toml := gate(everything(cortex.URL) + none + tenant("team-a", "prometheus-a", "one"))
	return strings.Replace(toml, `drain_delay = "0s"`, "drain_delay = \"0s\"\n"+drain, 1)
}

func TestDrainTimeoutCutsWhatIsLeft(t *testing.T) {
	for _, request := range heldOfEveryKind {
		t.Run(request.url, func(t *testing.T) {
			cortex := holding(t)
			r := start(t, patiently(cortex, `drain_timeout = "50ms"`))
			request.url, request.user, request.password = r.url(request.url), "prometheus-a", "one"
			slow := held(t, cortex, request)
			r.signal(syscall.SIGTERM)
			r.wantCut(slow)
			if !strings.Contains(r.log.String(), "requests were cut") {
				t.Error("the log does not say that a request was cut")
			}
			close(cortex.hold)
		})
	}
}

func TestAThirdSignalCutsWhatIsLeft(t *testing.T) {
	for _, request := range heldOfEveryKind {
		t.Run(request.url, func(t *testing.T) {
			cortex := holding(t)
			r := start(t, patiently(cortex, ""))
			request.url, request.user, request.password = r.url(request.url), "prometheus-a", "one"
			slow := held(t, cortex, request)
			address := r.Addrs()[0].String()
			r.signal(syscall.SIGINT)
			eventually(t, "the listener closes", func() bool { return refusesConnections(address) })
			r.signal(syscall.SIGINT)
			r.wantCut(slow)
			close(cortex.hold)
		})
	}
}

// wantCut wants Run to end and a request to have lost its connection.
func (r *running) wantCut(slow <-chan answer) {
	r.t.Helper()
	if err := r.wait(); err != nil {
		r.t.Errorf("Run ended with %v", err)
	}
	if a := <-slow; a.status != 0 {
		r.t.Errorf("the request was answered %d %q, want its connection cut", a.status, a.body)
	}
}

func TestCloseWithoutRunFreesEverything(t *testing.T) {
	checkLeaks(t)
	cortex := newUpstream(t)
	r := &running{t: t, file: t.TempDir() + "/headgate.toml", log: &lockedBuffer{}}
	r.write(gate(everything(cortex.URL)))
	app, err := New(AppOptions{ConfigFile: r.file, Log: r.log})
	if err != nil {
		t.Fatal(err)
	}
	addresses := []string{app.Addrs()[0].String(), app.AdminAddr().String()}
	app.Close()
	app.Close()
	for _, address := range addresses {
		if !refusesConnections(address) {
			t.Errorf("%s is still bound", address)
		}
	}
}
