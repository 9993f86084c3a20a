package fleet

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// open opens the keys under /t/.
func open(t testing.TB, s *fleettest.Server) *Store {
	t.Helper()
	store, err := Open(Options{Endpoints: []string{s.Endpoint}, Prefix: "/t/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// seen is a follower that says what it is told.
type seen chan string

func (s seen) Listed(all map[string]string) { s <- fmt.Sprint("listed ", all) }

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

func (s seen) Away(error) { s <- "away" }

// expect waits for exactly this to be told next.
func (s seen) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s:
		if got != want {
			t.Fatalf("told %q, want %q", got, want)
		}
	case <-time.After(fleettest.Patience):
		t.Fatalf("nothing is told, want %q", want)
	}
}

// follow has a follower told until the test ends.
func follow(t *testing.T, store *Store) seen {
	t.Helper()
	told := make(seen, 100)
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		store.Follow(ctx, told)
	}()
	t.Cleanup(func() { end(); <-done })
	return told
}
