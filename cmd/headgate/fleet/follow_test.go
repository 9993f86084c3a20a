package fleet

import (
	"errors"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// TestFollow: what is there, what changes, what an operator deletes and what just goes.
func TestFollow(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s, admin := open(t, under(etcd)), etcd.Admin(t)
	etcd.Put(t, "/t/a", "1")
	etcd.Put(t, "/t/left", mark)
	told := followed(t, under(etcd))
	told.expect(t, "listed map[a:1] -left!")
	etcd.Put(t, "/t/b", "2")
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

// TestABatchIsOneChange: what comes within a moment is told at once, each key with what it held last.
func TestABatchIsOneChange(t *testing.T) {
	t.Parallel()
	answers := make(chan clientv3.WatchResponse, 2)
	w := &watching{store: &Store{options: Options{Prefix: "/t/"}}, events: answers}
	put := func(key, text string, revision int64) *clientv3.Event {
		return &clientv3.Event{Type: clientv3.EventTypePut, Kv: keyValue("/t/"+key, text, revision)}
	}
	gone := func(key string, revision int64) *clientv3.Event {
		return &clientv3.Event{Type: clientv3.EventTypeDelete, Kv: keyValue("/t/"+key, "", revision)}
	}
	answers <- clientv3.WatchResponse{Events: []*clientv3.Event{put("b", "2", 8), put("c", mark, 8), put("d", mark, 8)}}
	answers <- clientv3.WatchResponse{Events: []*clientv3.Event{put("a", "3", 9), gone("c", 9), put("d", "4", 9), gone("b", 9)}}
	changes, err := w.gather(t.Context(), clientv3.WatchResponse{Events: []*clientv3.Event{put("a", "1", 7)}})
	if err != nil {
		t.Fatal(err)
	}
	told := make(seen, 1)
	told.Changed(changes)
	told.expect(t, "changed a=3 -b -c! d=4")
	if w.revision.Load() != 9 {
		t.Errorf("the follower is said to know revision %d, want 9", w.revision.Load())
	}
}

// TestFollowOutlivesEtcd: it goes and comes back, and what changed meanwhile is not missed.
func TestFollowOutlivesEtcd(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	etcd.Put(t, "/t/a", "1")
	told := followed(t, under(etcd))
	told.expect(t, "listed map[a:1]")
	etcd.Kill()
	told.expectAway(t, "connection refused")
	etcd.Start(t)
	told.expectBack(t, "listed map[a:1]")
	etcd.Put(t, "/t/b", "2")
	told.expect(t, "changed b=2")
}

// TestFollowWaitsForEtcd: it is not there at the start, which is not waited for.
func TestFollowWaitsForEtcd(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	etcd.Kill()
	told := followed(t, under(etcd))
	told.expectAway(t, etcd.Endpoint)
	etcd.Start(t)
	told.expectBack(t, "listed map[]")
}

// TestFollowWithUsers: a wrong password is no end, and tokens that etcd has forgotten are nobody's concern.
func TestFollowWithUsers(t *testing.T) {
	t.Parallel()
	etcd := fleettest.NewSecure(t, "/t/")
	etcd.Put(t, "/t/a", "1")
	o := under(etcd.Server)
	o.TLS, o.Username, o.Password = etcd.TLS(t), fleettest.Gateway, "wrong"
	told := followed(t, o)
	told.expectAway(t, "authentication failed")
	etcd.SetPassword(t, fleettest.Gateway, "wrong") // and so it is right
	told.expectBack(t, "listed map[a:1]")
	etcd.Put(t, "/t/b", "2")
	told.expect(t, "changed b=2")
	etcd.Kill() // with all its tokens
	told.expectAway(t, etcd.Endpoint)
	etcd.Start(t)
	told.expectBack(t, "listed map[a:1 b:2]")
	etcd.Put(t, "/t/c", "3")
	told.expect(t, "changed c=3")
}

// TestTheWatchSaysWhatItMissed: revisions that etcd has compacted, and an etcd that was put back to an earlier state.
func TestTheWatchSaysWhatItMissed(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s, admin := open(t, under(etcd)), etcd.Admin(t)
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
	for _, after := range []int64{last - 2, last + 1000} {
		if err := s.watch(t.Context(), make(seen, 10), after); !errors.Is(err, errMissed) {
			t.Errorf("after revision %d of %d: %v", after, last, err)
		}
	}
}
