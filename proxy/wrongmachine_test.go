package proxy

import (
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

func TestWhenEveryHostIsTheWrongMachineOnePushAMinuteFindsOut(t *testing.T) {
	a, b := new(balancer.Host), new(balancer.Host)
	all := []*balancer.Host{a, b}
	now := time.Unix(1_000_000, 0)
	var w wrongMachines
	w.is(a, all, now)
	if !w.maySend(now) {
		t.Fatal("one wrong machine of two keeps pushes from the other")
	}
	w.is(b, all, now)
	if w.maySend(now) || w.maySend(now.Add(59*time.Second)) {
		t.Error("pushes are sent though every host is the wrong machine")
	}
	if !w.maySend(now.Add(time.Minute)) {
		t.Error("no push finds out after a minute")
	}
	if w.maySend(now.Add(time.Minute)) {
		t.Error("a second push finds out in the same minute")
	}
	w.right()
	if !w.maySend(now.Add(time.Minute)) {
		t.Error("pushes are not sent again though a host took one")
	}
	w.is(a, all, now)
	if !w.maySend(now) {
		t.Error("what was known before a push was taken still counts")
	}
}

// TestWrongMachinesAreAskedOnce counts what two upstreams that are not Cortex see of many pushes.
func TestWrongMachinesAreAskedOnce(t *testing.T) {
	t.Parallel()
	login := func(*received) string { return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" }
	one, two := startRecorder(t, login), startRecorder(t, login)
	g := startGateway(t, testRoutes(testPool(t, one.addr, two.addr), nil))
	for range 20 {
		v := exchangeRaw(t, g.addr, []byte(push("data")), true, 5*time.Second)
		if v.final() != 502 {
			t.Fatalf("answered %v, want 502", v.statuses)
		}
	}
	if seen := len(one.requests()) + len(two.requests()); seen > 3 {
		t.Errorf("20 pushes were sent %d times to hosts that are not Cortex, want no more than the first push's 3 attempts", seen)
	}
	// A query to the same machines is their own business.
	if v := exchangeRaw(t, g.addr, []byte(query), true, 5*time.Second); v.final() != 404 {
		t.Errorf("a query was answered %v, want the upstream's 404", v.statuses)
	}
}
