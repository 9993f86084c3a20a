package fleet

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// TestKeysAreSwappedOnlyAsTheyWere: two operators do not overwrite each other.
func TestKeysAreSwappedOnlyAsTheyWere(t *testing.T) {
	t.Parallel()
	s := open(t, under(fleettest.New(t)))
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	get := func(key string) Value {
		t.Helper()
		v, err := s.Get(ctx, key)
		must(err)
		return v
	}
	if v := get("a"); v.There() || v != (Value{}) {
		t.Fatalf("a key that is not there: %+v", v)
	}
	must(s.Put(ctx, Write{"a", "one", 0}))
	if err := s.Put(ctx, Write{"a", "two", 0}); !errors.Is(err, ErrChanged) {
		t.Errorf("written over what is there: %v", err)
	}
	v := get("a")
	must(s.Put(ctx, Write{"a", "two", v.Revision}))
	if err := s.Put(ctx, Write{"a", "three", v.Revision}); !errors.Is(err, ErrChanged) {
		t.Errorf("written over another's change: %v", err)
	}
	if err := s.Delete(ctx, "a", v.Revision); !errors.Is(err, ErrChanged) {
		t.Errorf("deleted after another's change: %v", err)
	}
	n, err := s.PutAll(ctx, []Write{{"b", "1", 0}, {"c", "1", 0}})
	if must(err); n != 2 {
		t.Errorf("%d written, want 2", n)
	}
	if n, err := s.PutAll(ctx, []Write{{"d", "1", 0}, {"c", "2", 0}}); n != 0 || !errors.Is(err, ErrChanged) {
		t.Errorf("one of two is not as it was: %d written, %v; want neither", n, err)
	}
	all, err := s.List(ctx)
	must(err)
	got := map[string]string{}
	for key, v := range all {
		got[key] = v.Text
		if !v.There() || v != get(key) {
			t.Errorf("%s is %+v in the list and %+v alone", key, v, get(key))
		}
	}
	if want := map[string]string{"a": "two", "b": "1", "c": "1"}; !maps.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

// TestARemovalLeavesAMark, which ends by itself, is no client, and is in the way of nobody who writes.
func TestARemovalLeavesAMark(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s, ctx := open(t, under(etcd)), t.Context()
	if _, err := s.PutAll(ctx, []Write{{"a", "1", 0}, {"b", "1", 0}}); err != nil {
		t.Fatal(err)
	}
	all, err := s.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for key, v := range all {
		if err := s.Delete(ctx, key, v.Revision); err != nil {
			t.Fatal(err)
		}
	}
	held, err := etcd.Admin(t).Get(ctx, "/t/a")
	if err != nil {
		t.Fatal(err)
	}
	if kv := held.Kvs[0]; string(kv.Value) != mark || kv.Lease == 0 {
		t.Errorf("the key holds %q with lease %d, want a mark that ends", kv.Value, kv.Lease)
	}
	if all, err = s.List(ctx); err != nil || len(all) != 2 {
		t.Fatalf("listed %v, %v", all, err)
	}
	var writes []Write
	for key, v := range all {
		if v.There() || !v.Removed || v.Text != "" {
			t.Errorf("%s: %+v, want removed", key, v)
		}
		writes = append(writes, Write{key, "2", v.Revision})
	}
	if n, err := s.PutAll(ctx, writes); n != 2 || err != nil {
		t.Errorf("%d written over marks, %v; want 2", n, err)
	}
	if v, err := s.Get(ctx, "a"); err != nil || v.Text != "2" {
		t.Errorf("afterwards %+v, %v", v, err)
	}
	if held, err = etcd.Admin(t).Get(ctx, "/t/a"); err != nil || held.Kvs[0].Lease != 0 {
		t.Errorf("a client that is back ends with the mark before it: %v, %v", held.Kvs, err)
	}
}

// TestAListIsOfOneMoment: more keys than fit a page, with neighbours that are not under the prefix.
func TestAListIsOfOneMoment(t *testing.T) {
	t.Parallel()
	etcd := fleettest.New(t)
	s := open(t, under(etcd))
	const keys = 2*pageSize + 1
	var writes []Write
	for i := range keys {
		writes = append(writes, Write{Key: fmt.Sprintf("%06d", i), Text: "x"})
	}
	if n, err := s.PutAll(t.Context(), writes); n != keys || err != nil {
		t.Fatalf("%d written, %v", n, err)
	}
	for _, other := range []string{"/s", "/t", "/t0", "/u"} {
		etcd.Put(t, other, "other")
	}
	all, err := s.List(t.Context())
	if err != nil || len(all) != keys {
		t.Fatalf("%d keys, %v; want %d", len(all), err, keys)
	}
}
