package proxy

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/balancer"
)

func TestWhenEveryHostIsTheWrongMachineOnePushAMinuteFindsOut(t *testing.T) {
	a, b := new(balancer.Host), new(balancer.Host)
	all := []*balancer.Host{a, b}
	asked, other := []byte("POST /api/v1/push"), []byte("POST /api/v1/otlp/v1/metrics")
	now := time.Unix(1_000_000, 0)
	var w wrongMachines
	w.is(a, asked, all, now)
	if !w.maySend(asked, all, now) {
		t.Fatal("one wrong machine of two keeps pushes from the other")
	}
	w.is(b, asked, all, now)
	if w.maySend(asked, all, now) || w.maySend(asked, all, now.Add(59*time.Second)) {
		t.Error("pushes are sent though every host is the wrong machine")
	}
	if !w.maySend(other, all, now) {
		t.Error("what is wrong with one path keeps pushes from another")
	}
	if !w.maySend(asked, all, now.Add(time.Minute)) {
		t.Error("no push finds out after a minute")
	}
	if w.maySend(asked, all, now.Add(time.Minute)) {
		t.Error("a second push finds out beside the first")
	}
	w.is(a, asked, all, now.Add(time.Minute))
	w.is(b, asked, all, now.Add(time.Minute))
	if w.maySend(asked, all, now.Add(2*time.Minute-time.Second)) {
		t.Error("the next minute did not begin with what the push found out")
	}
	w.right(asked)
	if !w.maySend(asked, all, now.Add(time.Minute)) {
		t.Error("pushes are not sent again though a host took one")
	}
	w.is(a, asked, all, now)
	if !w.maySend(asked, all, now) {
		t.Error("what was known before a push was taken still counts")
	}
}

// TestOnlyTheHostsThatAreThereCount: DNS may mend what was wrong.
func TestOnlyTheHostsThatAreThereCount(t *testing.T) {
	a, b, c := new(balancer.Host), new(balancer.Host), new(balancer.Host)
	asked := []byte("POST /api/v1/push")
	now := time.Unix(1_000_000, 0)
	var w wrongMachines
	w.is(a, asked, []*balancer.Host{a, b}, now)
	w.is(b, asked, []*balancer.Host{a, b}, now)
	if w.maySend(asked, []*balancer.Host{a, b}, now) {
		t.Fatal("pushes are sent though every host is the wrong machine")
	}
	for range 2 {
		if !w.maySend(asked, []*balancer.Host{a, c}, now) {
			t.Error("a host that has just come gets no push")
		}
	}
	if w.maySend(asked, []*balancer.Host{a}, now) {
		t.Error("a host that has gone keeps the others from being the wrong machines")
	}
	if !w.maySend(asked, nil, now) {
		t.Error("without hosts, there is nobody who said so")
	}
}

// TestWhatHostsSaidLongAgoDoesNotCount: a host that said so an hour ago may have become another machine.
func TestWhatHostsSaidLongAgoDoesNotCount(t *testing.T) {
	a, b := new(balancer.Host), new(balancer.Host)
	all := []*balancer.Host{a, b}
	asked := []byte("POST /api/v1/push")
	now := time.Unix(1_000_000, 0)
	var w wrongMachines
	w.is(a, asked, all, now)
	now = now.Add(time.Hour)
	w.is(b, asked, all, now)
	if !w.maySend(asked, all, now) {
		t.Error("pushes are held back by what one of two hosts said an hour ago")
	}
}

// TestAPushThatFindsNothingOutIsFollowedByAnother: its sender may have gone away.
func TestAPushThatFindsNothingOutIsFollowedByAnother(t *testing.T) {
	h := new(balancer.Host)
	all := []*balancer.Host{h}
	asked := []byte("POST /api/v1/push")
	now := time.Unix(1_000_000, 0)
	var w wrongMachines
	w.is(h, asked, all, now)
	now = now.Add(time.Minute)
	for range 3 {
		if !w.maySend(asked, all, now) {
			t.Error("nobody finds out")
		}
		now = now.Add(wrongTry)
	}
}

// TestWrongMachinesKeepAFewQuestions: paths below a prefix are the clients' choice.
func TestWrongMachinesKeepAFewQuestions(t *testing.T) {
	h := new(balancer.Host)
	all := []*balancer.Host{h}
	now := time.Unix(1_000_000, 0)
	path := func(i int) []byte { return fmt.Appendf(nil, "POST /%d", i) }
	var w wrongMachines
	for i := range 10 * maxWrong {
		w.is(h, path(i), all, now)
	}
	if n := len(*w.asked.Load()); n != maxWrong {
		t.Errorf("%d questions are kept, want %d", n, maxWrong)
	}
	if w.maySend(path(0), all, now) || !w.maySend(path(10*maxWrong-1), all, now) {
		t.Error("want the first ones kept, and pushes sent where nothing is known")
	}
	now = now.Add(2 * wrongAgain)
	w.is(h, path(10*maxWrong), all, now)
	if n := len(*w.asked.Load()); n != 1 || w.maySend(path(10*maxWrong), all, now) {
		t.Errorf("%d questions are kept when all but one are old", n)
	}
}

// TestManyFindOutAtOnce: one host is wrong and another takes the pushes, over and over.
func TestManyFindOutAtOnce(t *testing.T) {
	a, b := new(balancer.Host), new(balancer.Host)
	all := []*balancer.Host{a, b}
	var w wrongMachines
	var group sync.WaitGroup
	for i := range 8 {
		asked := fmt.Appendf(nil, "POST /%d", i%2)
		group.Go(func() {
			for range 5000 {
				w.is(a, asked, all, time.Now())
				w.maySend(asked, all, time.Now())
				w.right(asked)
			}
		})
	}
	group.Wait()
	if !w.empty() {
		t.Error("something is remembered after the last push was taken")
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

// TestAPathThatOneCortexLacksTakesNoOtherWithIt: an old Cortex has no OTLP, which is no reason to keep remote writes from it.
func TestAPathThatOneCortexLacksTakesNoOtherWithIt(t *testing.T) {
	t.Parallel()
	old := func(l *line) {
		for l.request() {
			if strings.Contains(l.requestLine, "/otlp/") {
				l.say(status(404, "Not Found"))
			} else {
				l.say(answerOK)
			}
		}
	}
	one, two := startScripted(t, old), startScripted(t, old)
	g := startPatient(t, testRoutes(testPool(t, one.addr, two.addr), nil))
	otlp := strings.Replace(push("metrics"), "/api/v1/push", "/api/v1/otlp/v1/metrics", 1)
	for range 20 {
		if got := g.ask(t, otlp); got.status != 502 || got.reason != "wrong_machine" {
			t.Fatalf("OTLP was answered %v", got)
		}
		if got := g.ask(t, push("samples")); got.status != 200 {
			t.Fatalf("a push was answered %v: %s", got, got.body)
		}
	}
	if seen := sawInAll([]*scripted{one, two}); seen > 20+3 {
		t.Errorf("the hosts saw %d requests, want the 20 pushes and the first 3 attempts at OTLP", seen)
	}
}

// TestWhatDependsOnTheClientIsNoWrongMachine: a tenant whose heads are too large for whatever is in front of Cortex keeps
// nobody else out.
func TestWhatDependsOnTheClientIsNoWrongMachine(t *testing.T) {
	t.Parallel()
	for _, code := range []int{408, 411, 431} {
		u := startScripted(t, func(l *line) {
			for l.request() {
				if l.nonce == "large" {
					l.say(status(code, "No"))
				} else {
					l.say(answerOK)
				}
			}
		})
		g := startPatient(t, testRoutes(testPool(t, u.addr), nil))
		for range 3 {
			if got := g.ask(t, requestOf("write", "large", "samples")); got.status != 502 || got.reason != "wrong_machine" {
				t.Errorf("%d became %v", code, got)
			}
			if got := g.ask(t, requestOf("write", "n", "samples")); got.status != 200 {
				t.Errorf("after a %d, another's push was answered %v: %s", code, got, got.body)
			}
		}
	}
}
