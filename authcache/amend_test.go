package authcache

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// at puts an entry at a place.
func at(where string, e Entry) Entry {
	e.Where = where
	return e
}

func TestAmendChangesSingleEntries(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	if _, refused := c.Amend("etcd", []Entry{at("1", plain("a", "u", "p")), at("2", plain("a", "u", "q")), at("3", plain("b", "v", "p"))}, nil); refused != nil {
		t.Fatal(refused)
	}
	steps := []struct {
		name    string
		changed []Entry
		gone    []string
		change  string
		refused string
		known   string // user:password=tenant
	}{
		{"nothing", nil, nil, "+0 -0 ~0", "", "u:p=a u:q=a v:p=b"},
		{"another password", []Entry{at("1", plain("a", "u", "r"))}, nil, "+0 -0 ~1", "", "u:q=a u:r=a v:p=b"},
		{"one more, one less", []Entry{at("4", plain("d", "w", "p"))}, []string{"3"}, "+1 -1 ~0", "", "u:q=a u:r=a w:p=d"},
		{"nobody knows the place", nil, []string{"9"}, "+0 -0 ~0", "", "u:q=a u:r=a w:p=d"},
		{"the same name of another tenant", []Entry{at("5", plain("b", "u", "s"))}, nil, "+0 -0 ~0", "5", "u:q=a u:r=a w:p=d"},
		{"the same credential twice", []Entry{at("5", plain("a", "u", "q"))}, nil, "+0 -0 ~0", "5", "u:q=a u:r=a w:p=d"},
		{"it moves", []Entry{at("5", plain("a", "u", "q"))}, []string{"2"}, "+0 -0 ~0", "", "u:q=a u:r=a w:p=d"},
		{"and is known where it is", nil, []string{"5"}, "+0 -0 ~1", "", "u:r=a w:p=d"},
		{"a bad one beside a good one", []Entry{at("6", plain("e", "x:", "p")), at("7", plain("e", "x", "p"))}, nil, "+1 -0 ~0", "6", "u:r=a w:p=d x:p=e"},
		{"the name goes to another tenant", []Entry{at("8", plain("b", "u", "t"))}, []string{"1"}, "+1 -1 ~0", "", "u:t=b w:p=d x:p=e"},
		{"one that cannot go is in the way", []Entry{at("8", plain("b", ":", "t")), at("9", plain("c", "u", "t"))}, nil, "+0 -0 ~0", "8 9", "u:t=b w:p=d x:p=e"},
		{"another identity", []Entry{at("7", plain("f", "x", "p"))}, nil, "+1 -1 ~0", "", "u:t=b w:p=d x:p=f"},
	}
	for _, step := range steps {
		change, refused := c.Amend("etcd", step.changed, step.gone)
		var places []string
		for _, r := range refused {
			places = append(places, r.Where)
		}
		if got := strings.Join(places, " "); got != step.refused {
			t.Errorf("%s: refused %q, want %q: %v", step.name, got, step.refused, refused)
		}
		if change.String() != step.change {
			t.Errorf("%s: %v, want %s", step.name, change, step.change)
		}
		var known []string
		for _, user := range []string{"u", "v", "w", "x"} {
			for _, password := range []string{"p", "q", "r", "s", "t"} {
				if identity, verdict := c.Authenticate(basic(user, password)); verdict == Accepted {
					known = append(known, user+":"+password+"="+identity.Tenant)
				}
			}
		}
		if got := strings.Join(known, " "); got != step.known {
			t.Errorf("%s: known are %s, want %s", step.name, got, step.known)
		}
	}
	if n := c.Len(); n != 3 {
		t.Errorf("%d credentials at the end, want 3", n)
	}
}

// TestStands: an amendment settles nothing by itself, so that there is no moment in which a source that is in doubt is
// taken to be whole.
func TestStands(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	c.Expect("etcd")
	c.Amend("etcd", []Entry{at("1", plain("a", "u", "p"))}, nil)
	then := time.Unix(1_700_000_000, 0)
	held := &HeldError{Source: "etcd", Clients: []string{"u"}, Removed: 1, Of: 1}
	for _, step := range []struct {
		name    string
		at      time.Time
		err     error
		verdict Verdict
	}{
		{"never read", time.Time{}, nil, Unready},
		{"a copy of it", then, errors.New("away"), Unready},
		{"whole", then, nil, Rejected},
		{"something is held", then, errors.Join(held, errors.New("away")), Unready},
		{"whole again", then.Add(time.Hour), nil, Rejected},
	} {
		c.Stands("etcd", step.at, step.err)
		c.Amend("etcd", nil, nil)
		if _, verdict := c.Authenticate(basic("x", "p")); verdict != step.verdict {
			t.Errorf("%s: an unknown credential is %v, want %v", step.name, verdict, step.verdict)
		}
		if _, verdict := c.Authenticate(basic("u", "p")); verdict != Accepted {
			t.Errorf("%s: a known credential is %v", step.name, verdict)
		}
		s := c.Sources()[0]
		if !s.At.Equal(step.at) || s.Read != !step.at.IsZero() || !errors.Is(s.Err, step.err) {
			t.Errorf("%s: status %+v", step.name, s)
		}
		if wantHeld := errors.Is(step.err, ErrHeld); wantHeld != (len(s.Held) > 0) {
			t.Errorf("%s: held are %v", step.name, s.Held)
		}
	}
}

// TestAmendPrefersTheFirst: of new entries that are in each other's way the first one is in force, and one that may not be
// keeps nobody out.
func TestAmendPrefersTheFirst(t *testing.T) {
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("t1", "u", "p"))
	_, refused := c.Amend("etcd", []Entry{
		at("1", plain("t2", "u", "q")), // the file has the name
		at("2", plain("t1", "u", "r")),
		at("3", plain("t3", "v", "p")),
		at("4", plain("t4", "v", "q")),
	}, nil)
	var places []string
	for _, r := range refused {
		places = append(places, r.Where)
	}
	if !slices.Equal(places, []string{"1", "4"}) {
		t.Errorf("refused are %v, want 1 and 4", refused)
	}
	// What is refused again, and what is not there, makes nothing known again that was rejected.
	before := c.generation.Load()
	c.Amend("etcd", []Entry{at("1", plain("t2", "u", "q"))}, []string{"9"})
	if now := c.generation.Load(); now != before {
		t.Error("an amendment that changes nothing has what was rejected forgotten")
	}
}

// TestAmendAgreesWithAMap makes changes at random, of credentials that other sources have too, and compares with a map.
func TestAmendAgreesWithAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c := opened(Options{})
	defer c.Close()
	mustReplace(t, c, "file", plain("t1", "u1", "p0"), plain("t2", "u2", "p1"))
	model := map[string]Entry{} // by place
	before := map[string]bool{"u1:p0": true, "u2:p1": true}
	for round := range 3000 {
		var changed []Entry
		var gone []string
		touched := map[string]bool{}
		for range 1 + random.IntN(4) {
			place := fmt.Sprint(random.IntN(30))
			if touched[place] {
				continue
			}
			touched[place] = true
			user := random.IntN(8)
			if random.IntN(3) == 0 {
				gone = append(gone, place)
				continue
			}
			changed = append(changed, at(place, plain(fmt.Sprintf("t%d", user), fmt.Sprintf("u%d", user), fmt.Sprintf("p%d", random.IntN(6)))))
		}
		change, refused := c.Amend("etcd", changed, gone)
		bad := map[string]bool{}
		for _, r := range refused {
			bad[r.Where] = true
		}
		for _, place := range gone {
			delete(model, place)
		}
		for _, e := range changed {
			if !bad[e.Where] {
				model[e.Where] = e
			}
		}
		want := map[string]bool{"u1:p0": true, "u2:p1": true}
		for _, e := range model {
			want[e.User+":"+e.Password] = true
		}
		got := map[string]bool{}
		for user := range 8 {
			for password := range 6 {
				u, p := fmt.Sprintf("u%d", user), fmt.Sprintf("p%d", password)
				if _, verdict := c.Authenticate(basic(u, p)); verdict == Accepted {
					got[u+":"+p] = true
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("round %d: known are %v, want %v", round, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		var told Change
		for user := range 8 {
			client, prefix := fmt.Sprintf("t%d/u%d", user, user), fmt.Sprintf("u%d:", user)
			of := func(all map[string]bool) map[string]bool {
				mine := maps.Clone(all)
				maps.DeleteFunc(mine, func(credential string, _ bool) bool { return !strings.HasPrefix(credential, prefix) })
				return mine
			}
			switch had, has := of(before), of(want); {
			case maps.Equal(had, has):
			case len(had) == 0:
				told.Added = append(told.Added, client)
			case len(has) == 0:
				told.Removed = append(told.Removed, client)
			default:
				told.Changed = append(told.Changed, client)
			}
		}
		if !reflect.DeepEqual(change, told) {
			t.Fatalf("round %d: the change is %+v, want %+v", round, change, told)
		}
		before = want
		c.mu.Lock()
		s := c.sources["etcd"]
		if len(s.records) != len(model) || len(s.places) != len(model) {
			t.Fatalf("round %d: %d records at %d places, want %d", round, len(s.records), len(s.places), len(model))
		}
		for place, i := range s.places {
			if s.records[i].ownedBy(s).where != place {
				t.Fatalf("round %d: the record at %s says %s", round, place, s.records[i].ownedBy(s).where)
			}
		}
		c.mu.Unlock()
	}
	if c.Amend("etcd", nil, slices.Collect(maps.Keys(model))); c.Len() != 2 {
		t.Errorf("%d credentials are left, want those of the file", c.Len())
	}
}

// BenchmarkAmend is one change among many credentials.
func BenchmarkAmend(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := New(Options{})
			defer c.Close()
			entries := make([]Entry, n)
			for i := range entries {
				entries[i] = at(fmt.Sprint(i), generated("t", fmt.Sprintf("u%d", i), "secret"))
			}
			if _, refused := c.Amend("etcd", entries, nil); refused != nil {
				b.Fatal(refused)
			}
			for i := 0; b.Loop(); i++ {
				e := entries[i%n]
				e.SHA256 = sha256Of(fmt.Sprint("secret", i))
				if _, refused := c.Amend("etcd", []Entry{e}, nil); refused != nil {
					b.Fatal(refused)
				}
			}
		})
	}
}
