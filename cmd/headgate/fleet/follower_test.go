package fleet

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// under names the keys under /t/.
func under(s *fleettest.Server) Options {
	return Options{Endpoints: []string{s.Endpoint}, Prefix: "/t/"}
}

// open opens them.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	store, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// seen is a follower that says what it is told.
type seen chan string

func (s seen) Listed(all map[string]string, removed []string) {
	text := fmt.Sprint("listed ", all)
	for _, key := range removed {
		text += " -" + key + "!"
	}
	s <- text
}

func (s seen) Changed(changes []Change) {
	text := "changed"
	for _, c := range changes {
		switch {
		case c.Meant:
			text += " -" + c.Key + "!"
		case c.Gone:
			text += " -" + c.Key
		default:
			text += " " + c.Key + "=" + c.Text
		}
	}
	s <- text
}

// InStep says nothing of what goes without saying.
func (s seen) InStep() {}

func (s seen) Away(err error) { s <- "away: " + err.Error() }

// expect waits for exactly this to be told next.
func (s seen) expect(t *testing.T, want string) {
	t.Helper()
	if got := s.next(t, want); got != want {
		t.Fatalf("told %q, want %q", got, want)
	}
}

// expectAway waits for etcd to be away next, for this cause.
func (s seen) expectAway(t *testing.T, cause string) {
	t.Helper()
	if got := s.next(t, cause); !strings.HasPrefix(got, "away: etcd at ") || !strings.Contains(got, cause) {
		t.Fatalf("told %q, want that etcd is away: %s", got, cause)
	}
}

// expectBack waits for etcd to be away no more.
func (s seen) expectBack(t *testing.T, want string) {
	t.Helper()
	for {
		switch got := s.next(t, want); {
		case got == want:
			return
		case !strings.HasPrefix(got, "away: "): // for another reason
			t.Fatalf("told %q, want %q", got, want)
		}
	}
}

func (s seen) next(t *testing.T, want string) string {
	t.Helper()
	select {
	case got := <-s:
		return got
	case <-time.After(fleettest.Patience):
		t.Fatalf("nothing is told, want %q", want)
		return ""
	}
}

// followed has a follower told until the test ends.
func followed(t *testing.T, o Options) seen {
	t.Helper()
	told := make(seen, 100)
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Follow(ctx, o, told)
	}()
	t.Cleanup(func() { end(); <-done })
	return told
}
