package fleet

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
)

// TestKeysAreSwappedOnlyAsTheyWere: two operators do not overwrite each other.
func TestKeysAreSwappedOnlyAsTheyWere(t *testing.T) {
	t.Parallel()
	s := open(t, fleettest.New(t))
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if v, err := s.Get(ctx, "a"); err != nil || v != (Value{}) {
		t.Fatalf("a key that is not there: %+v, %v", v, err)
	}
	must(s.Put(ctx, "a", "one", 0))
	if err := s.Put(ctx, "a", "two", 0); !errors.Is(err, ErrChanged) {
		t.Errorf("written over what is there: %v", err)
	}
	v, err := s.Get(ctx, "a")
	must(err)
	must(s.Put(ctx, "a", "two", v.Revision))
	if err := s.Put(ctx, "a", "three", v.Revision); !errors.Is(err, ErrChanged) {
		t.Errorf("written over another's change: %v", err)
	}
	if err := s.Delete(ctx, "a", v.Revision); !errors.Is(err, ErrChanged) {
		t.Errorf("deleted after another's change: %v", err)
	}
	v, err = s.Get(ctx, "a")
	must(err)
	must(s.Delete(ctx, "a", v.Revision))
	if v, err := s.Get(ctx, "a"); err != nil || v != (Value{}) {
		t.Errorf("a key that was deleted: %+v, %v", v, err)
	}
	must(s.Put(ctx, "a", "again", 0))
	// An operator's machine may stop between the wish and the end.
	_, err = s.client.Put(ctx, "/t/half", tombstone)
	must(err)
	if v, err := s.Get(ctx, "half"); err != nil || v != (Value{}) {
		t.Errorf("a key that is about to go: %+v, %v", v, err)
	}
	must(s.Put(ctx, "half", "new", 0))
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
		if v.Revision == 0 {
			t.Errorf("%s has no revision", key)
		}
	}
	if want := map[string]string{"a": "again", "half": "new", "b": "1", "c": "1"}; !maps.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

// TestAListIsOfOneMoment: more keys than fit a page, with neighbours that are not under the prefix.
func TestAListIsOfOneMoment(t *testing.T) {
	t.Parallel()
	s := open(t, fleettest.New(t))
	const keys = 2*pageSize + 1
	var writes []Write
	for i := range keys {
		writes = append(writes, Write{Key: fmt.Sprintf("%06d", i), Text: "x"})
	}
	if n, err := s.PutAll(t.Context(), writes); n != keys || err != nil {
		t.Fatalf("%d written, %v", n, err)
	}
	for _, other := range []string{"/s", "/t", "/t0", "/u"} {
		if _, err := s.client.Put(t.Context(), other, "other"); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.List(t.Context())
	if err != nil || len(all) != keys {
		t.Fatalf("%d keys, %v; want %d", len(all), err, keys)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s, err := Open(Options{Endpoints: []string{"http://" + fleettest.FreeAddress(t)}, Prefix: "/t/"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Get(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "etcd") {
		t.Errorf("got %v, want an error of etcd", err)
	}
}
