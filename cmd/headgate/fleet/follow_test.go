package fleet

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// TestFollow: what is there, what changes, what an operator deletes and what just goes.
func TestFollow(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s, admin := open(t, etcd), etcd.Admin(t)
	put := func(key, text string) {
		t.Helper()
		if _, err := admin.Put(t.Context(), "/t/"+key, text); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "1")
	put("half", tombstone)
	told := follow(t, s)
	told.expect(t, "listed map[a:1]")
	put("b", "2")
	told.expect(t, "changed b=2")
	if _, err := admin.Txn(t.Context()).Then(clientv3.OpPut("/t/c", "3"), clientv3.OpDelete("/t/a"), clientv3.OpPut("/other", "x")).Commit(); err != nil {
		t.Fatal(err)
	}
	told.expect(t, "changed c=3 -a")
	v, err := s.Get(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "b", v.Revision); err != nil {
		t.Fatal(err)
	}
	told.expect(t, "changed -b!")
}

// TestFollowOutlivesEtcd: it goes and comes back, and what changed meanwhile is not missed.
func TestFollowOutlivesEtcd(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s := open(t, etcd)
	if err := s.Put(t.Context(), "a", "1", 0); err != nil {
		t.Fatal(err)
	}
	told := follow(t, s)
	told.expect(t, "listed map[a:1]")
	etcd.Kill()
	told.expect(t, "away")
	etcd.Start(t)
	if _, err := etcd.Admin(t).Put(t.Context(), "/t/b", "2"); err != nil {
		t.Fatal(err)
	}
	for {
		switch got := <-told; got {
		case "away", "changed": // another reason, or back before the change
		case "changed b=2":
			return
		default:
			t.Fatalf("told %q", got)
		}
	}
}

// TestFollowWaitsForEtcd: it is not there at the start.
func TestFollowWaitsForEtcd(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	etcd.Kill()
	told := follow(t, open(t, etcd))
	told.expect(t, "away")
	etcd.Start(t)
	for got := range told {
		if got == "listed map[]" {
			return
		}
		if got != "away" {
			t.Fatalf("told %q", got)
		}
	}
}

// TestFollowListsAgainAfterCompaction: the changes that it missed are forgotten.
func TestFollowListsAgainAfterCompaction(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s, admin := open(t, etcd), etcd.Admin(t)
	var last int64
	for _, text := range []string{"1", "2", "3"} {
		answer, err := admin.Put(t.Context(), "/t/a", text)
		if err != nil {
			t.Fatal(err)
		}
		last = answer.Header.Revision
	}
	if _, err := admin.Compact(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	told := make(seen, 10)
	w := &watching{store: s, follower: told, next: last - 1}
	if _, err := w.follow(t.Context()); err != errCompacted {
		t.Fatalf("from a revision that is forgotten: %v", err)
	}
	ctx := t.Context()
	go w.follow(ctx) //nolint:errcheck // ends with the test
	told.expect(t, "listed map[a:3]")
}
