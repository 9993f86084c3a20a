package sources

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// enlisted is a roster with a clock that a test moves.
type enlisted struct {
	*roster
	t      *testing.T
	cache  *authcache.Cache
	now    time.Time
	limits map[string]config.TenantLimits // in force, of etcd
	others map[string]config.TenantLimits // what another source says
}

func enlist(t *testing.T) *enlisted {
	t.Helper()
	e := &enlisted{t: t, cache: authcache.New(authcache.Options{}), now: time.Unix(1_700_000_000, 0),
		limits: map[string]config.TenantLimits{}, others: map[string]config.TenantLimits{}}
	t.Cleanup(e.cache.Close)
	o := Options{Cache: e.cache, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), AmendLimits: e.amendLimits}
	e.roster = newRoster(o.withDefaults(), config.Default().SharedTenants())
	return e
}

func (e *enlisted) amendLimits(_ string, changes map[string]*config.TenantLimits) map[string]error {
	refused := map[string]error{}
	for tenant, limits := range changes {
		if delete(e.limits, tenant); limits == nil {
			continue
		}
		if other, there := e.others[tenant]; there && other != *limits {
			refused[tenant] = errors.New("another source says otherwise")
			continue
		}
		e.limits[tenant] = *limits
	}
	return refused
}

// value is that of a client with a password.
func value(id, user, password, more string) string {
	return fmt.Sprintf("id = %q\nusername = %q\npassword_sha256 = \"%x\"\n%s", id, user, sha256.Sum256([]byte(password)), more)
}

// clients are those of so many users u0, u1 …, by key.
func clients(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		user := fmt.Sprint("u", i)
		all[user] = value("team-"+user, user, "old", "")
	}
	return all
}

func (e *enlisted) puts(key, text string) { e.change([]fleet.Change{{Key: key, Text: text}}, e.now) }

func (e *enlisted) loses(keys ...string) {
	var changes []fleet.Change
	for _, key := range keys {
		changes = append(changes, fleet.Change{Key: key, Gone: true})
	}
	e.change(changes, e.now)
}

func (e *enlisted) removes(key string) {
	e.change([]fleet.Change{{Key: key, Gone: true, Meant: true}}, e.now)
}

func (e *enlisted) passes(d time.Duration) {
	e.now = e.now.Add(d)
	e.expire(e.now)
}

// knows wants exactly these in force, as user:password=tenant.
func (e *enlisted) knows(users []string, want ...string) {
	e.t.Helper()
	var got []string
	for _, user := range users {
		for _, password := range []string{"old", "new"} {
			cred := authcache.Credential{Scheme: authcache.Basic, User: []byte(user), Secret: []byte(password)}
			if identity, verdict := e.cache.Authenticate(cred); verdict == authcache.Accepted {
				got = append(got, user+":"+password+"="+identity.Tenant)
			}
		}
	}
	if !slices.Equal(got, want) {
		e.t.Errorf("known are %q, want %q", got, want)
	}
}

// holds wants so many keys held, and so many clients in force.
func (e *enlisted) holds(held, inForce int) {
	e.t.Helper()
	got := 0
	err, _ := e.problem()
	if h, ok := errors.AsType[*authcache.HeldError](err); ok {
		got = len(h.Clients)
	}
	if got != held || e.cache.Len() != inForce || len(e.inForce) != inForce {
		e.t.Errorf("%d are held, %d in force and %d known; want %d held of %d", got, len(e.inForce), e.cache.Len(), held, inForce)
	}
}

// skips wants exactly these keys skipped.
func (e *enlisted) skips(want ...string) {
	e.t.Helper()
	if got := slices.Sorted(maps.Keys(e.skipped)); !slices.Equal(got, want) {
		e.t.Errorf("skipped are %q, want %q", got, want)
	}
}

// A deletion of most keys takes nobody away, however slowly it goes, until somebody says so.
func TestADeletionKeyByKeyIsHeld(t *testing.T) {
	e := enlist(t)
	all := clients(20)
	e.list(all, nil, e.now)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		e.passes(50 * time.Millisecond)
		e.loses(key)
	}
	e.holds(20, 20)
	e.passes(time.Hour)
	e.holds(20, 20)
	e.puts("u3", all["u3"])
	e.holds(19, 20)
	e.list(map[string]string{"u3": all["u3"]}, nil, e.now)
	e.holds(19, 20)
	e.passes(time.Hour)
	e.holds(19, 20)
	e.accept(e.now)
	e.holds(0, 1)
	e.passes(time.Hour)
	e.holds(0, 1)
}

// While some are held, the ones that come back leave the rest held: nobody goes because half of a restore is done.
func TestARestoreHalfDoneTakesNobodyAway(t *testing.T) {
	e := enlist(t)
	all := clients(20)
	e.list(all, nil, e.now)
	keys := slices.Sorted(maps.Keys(all))
	e.loses(keys[:12]...)
	for _, key := range keys[:11] {
		e.passes(time.Minute)
		e.puts(key, all[key])
	}
	e.holds(1, 20)
	e.passes(time.Hour)
	e.holds(1, 20)
}

// A few go by themselves: of a small set at once, of a larger one when it is clear that most others stay.
func TestAFewGoByThemselves(t *testing.T) {
	e := enlist(t)
	all := clients(12)
	e.list(all, nil, e.now)
	e.loses("u0", "u1")
	e.holds(0, 12)
	e.passes(holdWindow - time.Millisecond)
	e.holds(0, 12)
	if next := e.nextDue(); next != e.now.Add(time.Millisecond) {
		t.Errorf("the next may go at %v, want in a millisecond", next.Sub(e.now))
	}
	e.passes(time.Millisecond)
	e.holds(0, 10)
	e.removes("u2")
	e.holds(0, 9)
	e.loses("u3", "u4", "u5", "u6", "u7", "u8")
	e.holds(0, 3)
	if !e.nextDue().IsZero() {
		t.Error("somebody may still go")
	}
}

// What an operator removes goes at once, what is held too, and marks of it count after any pause.
func TestOperatorsRemoveAtOnce(t *testing.T) {
	e := enlist(t)
	e.fill(clients(12))
	e.list(map[string]string{"u0": clients(1)["u0"]}, []string{"u1", "u2", "u3", "u4", "u5", "u6", "u7"}, e.now)
	e.holds(0, 5) // four are leaving, of five
	e.passes(holdWindow)
	e.holds(0, 1)

	e = enlist(t)
	e.list(clients(12), nil, e.now)
	e.loses(slices.Sorted(maps.Keys(clients(7)))...)
	e.holds(7, 12)
	e.removes("u0")
	e.holds(6, 11)
	e.list(clients(12), []string{"u1"}, e.now)
	e.holds(0, 12)

	// What is removed is no part of what just goes.
	e.loses("u0", "u1", "u2", "u3", "u4")
	var changes []fleet.Change
	for i := range 7 {
		changes = append(changes, fleet.Change{Key: fmt.Sprint("u", i), Gone: true, Meant: i < 5})
	}
	e.change(changes, e.now)
	e.holds(0, 7)
}

// A key that comes back with another value while it is held is that value, once.
func TestAHeldKeyComesBackChanged(t *testing.T) {
	e := enlist(t)
	e.list(clients(12), nil, e.now)
	e.loses("u0", "u1", "u2", "u3", "u4", "u5", "u7", "u8")
	e.change([]fleet.Change{{Key: "u0", Text: value("team-u0", "u0", "new", "")}, {Key: "u6", Gone: true}}, e.now)
	e.holds(8, 12)
	e.knows([]string{"u0"}, "u0:new=team-u0")
	e.removes("u0")
	e.knows([]string{"u0"})
	e.holds(8, 11)
}

// A key that holds something bad beside the value in force counts once when it goes.
func TestABadValueThatGoesCountsOnce(t *testing.T) {
	e := enlist(t)
	all := clients(12)
	e.list(all, nil, e.now)
	for i := range 4 {
		e.puts(fmt.Sprint("u", i), "cut sho")
		delete(all, fmt.Sprint("u", i))
	}
	e.skips("u0", "u1", "u2", "u3")
	e.list(all, nil, e.now)
	e.skips()
	e.holds(0, 12)
	e.passes(holdWindow)
	e.holds(0, 8)
}

// What is tried again is what etcd holds, not what is held.
func TestRetryBringsNothingBack(t *testing.T) {
	e := enlist(t)
	all := clients(12)
	e.list(all, nil, e.now)
	e.puts("u0", value("team-u1", "u1", "old", "")) // which is u1's credential
	e.skips("u0")
	e.loses("u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7")
	e.retry(e.now)
	e.holds(8, 12)
	e.accept(e.now)
	e.holds(0, 4)
	e.skips()
}

// Of two values that are in each other's way the first key's is in force on every gateway.
func TestConflictsAreDecidedByTheKey(t *testing.T) {
	for range 20 {
		e := enlist(t)
		e.list(map[string]string{"b": value("t2", "u", "new", ""), "a": value("t1", "u", "old", ""), "c": value("t1", "u", "old", "")}, nil, e.now)
		e.knows([]string{"u"}, "u:old=t1")
		e.skips("b", "c")
	}
}

// What was in conflict comes into force when what was in its way goes, here or in another source, without a gap.
func TestConflictsAreDecidedAgain(t *testing.T) {
	e := enlist(t)
	e.list(map[string]string{"a": value("t1", "u", "old", "")}, nil, e.now)
	e.puts("b", value("t2", "u", "new", ""))
	e.skips("b")
	e.removes("a")
	e.knows([]string{"u"}, "u:new=t2")
	e.skips()

	// A client whose other credential is in the way of its new tenant.
	e.puts("b+2", value("t2", "u", "old", ""))
	e.puts("b", value("t9", "u", "new", ""))
	e.skips("b")
	e.knows([]string{"u"}, "u:old=t2", "u:new=t2")
	e.removes("b+2")
	e.knows([]string{"u"}, "u:new=t9")

	own := authcache.Entry{Identity: &authcache.Identity{Tenant: "t3", Client: "v"}, User: "v", Password: "old", Where: "file"}
	if _, err := e.cache.Replace("file", []authcache.Entry{own}); err != nil {
		t.Fatal(err)
	}
	e.puts("v", value("t4", "v", "new", ""))
	e.skips("v")
	if e.retry(e.now) {
		t.Error("a retry that changes nothing says that it has")
	}
	e.cache.Drop("file")
	if !e.retry(e.now) {
		t.Error("a retry that changes something does not say so")
	}
	e.knows([]string{"v"}, "v:new=t4")
	e.skips()
}

// A change of a client in force is not held up by one that waits for its name.
func TestAChangeGoesBeforeWhatWaits(t *testing.T) {
	e := enlist(t)
	e.list(map[string]string{"b": value("t1", "u", "old", "")}, nil, e.now)
	e.change([]fleet.Change{{Key: "a", Text: value("t2", "u", "new", "")}, {Key: "b", Text: value("t1", "u", "new", "")}}, e.now)
	e.skips("a")
	e.knows([]string{"u"}, "u:new=t1")
	e.puts("b", value("t1", "u", "old", ""))
	e.knows([]string{"u"}, "u:old=t1")
	e.skips("a")

	// Nor by one in force that waits for another name.
	e.removes("a")
	e.puts("a", value("t2", "v", "old", ""))
	e.puts("a", value("t2", "u", "new", ""))
	e.skips("a")
	e.puts("b", value("t1", "u", "new", ""))
	e.knows([]string{"u", "v"}, "u:new=t1", "v:old=t2")
	e.skips("a")
}

// A value that another configuration refuses is out, and back with the one before.
func TestRulesThatComeAndGo(t *testing.T) {
	e := enlist(t)
	all := map[string]string{"a": value("team.a", "a", "old", ""), "b": value("team-b", "b", "old", "")}
	e.list(all, nil, e.now)
	strict := config.Default()
	strict.Cortex.TenantFederation.RegexMatcherEnabled = true
	for range 2 {
		e.reread(strict.SharedTenants(), e.now)
		e.knows([]string{"a", "b"}, "b:old=team-b")
		e.skips("a")
		if got := e.content(); !maps.Equal(got, all) {
			t.Errorf("the copy would have %q", got)
		}
		e.reread(config.Default().SharedTenants(), e.now)
		e.knows([]string{"a", "b"}, "a:old=team.a", "b:old=team-b")
		e.skips()
	}
}

// A first list without a tenant is not believed, and takes nothing from what was in force before.
func TestAFirstListOfNobody(t *testing.T) {
	foreign := map[string]string{"other/key": "hello"}
	for name, all := range map[string]map[string]string{"nothing": {}, "another program's": foreign} {
		t.Run(name, func(t *testing.T) {
			e := enlist(t)
			e.list(all, nil, e.now)
			if held, _ := e.problem(); !errors.Is(held, errNobody) {
				t.Errorf("without anything before: %v", held)
			}
			e.puts("u0", clients(1)["u0"])
			if held, _ := e.problem(); held != nil {
				t.Errorf("with a first tenant: %v", held)
			}

			e = enlist(t)
			e.fill(clients(3))
			e.list(all, nil, e.now)
			e.holds(3, 3)
			e.passes(time.Hour)
			e.holds(3, 3)
			e.list(all, nil, e.now)
			e.holds(3, 3)
			e.list(clients(2), nil, e.now)
			e.holds(1, 3)
			e.accept(e.now)
			e.holds(0, 2)

			e = enlist(t)
			e.fill(clients(3))
			e.list(all, nil, e.now)
			e.accept(e.now)
			e.holds(0, 0)
			if held, _ := e.problem(); held != nil || !e.trusted {
				t.Errorf("after somebody has said so: %v", held)
			}
			e.list(all, nil, e.now)
			if held, _ := e.problem(); held != nil {
				t.Errorf("the same once more: %v", held)
			}
		})
	}
	// Marks of an operator say that the place is right, and so does a copy that was empty before.
	e := enlist(t)
	e.fill(clients(2))
	e.list(nil, []string{"u0", "u1"}, e.now)
	e.holds(0, 0)
	e = enlist(t)
	e.fill(nil)
	e.list(nil, nil, e.now)
	if held, _ := e.problem(); held != nil {
		t.Errorf("an empty copy and an empty list: %v", held)
	}
}

// A reload that names another place takes away what is not there, but for a place where nobody is.
func TestAnotherPlace(t *testing.T) {
	e := enlist(t)
	e.list(clients(12), nil, e.now)
	e.move(config.Default().SharedTenants(), e.now)
	e.list(nil, nil, e.now)
	e.holds(12, 12)
	e.move(config.Default().SharedTenants(), e.now) // it was a slip
	e.list(clients(12), nil, e.now)
	e.holds(0, 12)
	e.move(config.Default().SharedTenants(), e.now)
	e.list(clients(1), nil, e.now)
	e.holds(0, 1)
	if _, skipped := e.problem(); skipped != nil {
		t.Error(skipped)
	}
}

// Limits stay those of the value in force, tenant by tenant.
func TestLimitsOfEtcd(t *testing.T) {
	limit := func(n int) config.TenantLimits { return config.TenantLimits{MaxInFlight: n} }
	text := func(n int) string { return fmt.Sprintf("[limits]\nmax_in_flight = %d\n", n) }
	e := enlist(t)
	e.others["team-x"] = limit(9)
	e.list(map[string]string{
		"a": value("team-a", "a", "old", text(1)), "b": value("team-b", "b", "old", text(2)), "b+2": value("team-b", "b", "new", text(2)),
		"x": value("team-x", "x", "old", text(3)),
	}, nil, e.now)
	expect := func(step string, problems string, want map[string]config.TenantLimits) {
		t.Helper()
		if !maps.Equal(e.limits, want) {
			t.Errorf("%s: in force are %v, want %v", step, e.limits, want)
		}
		var got []string
		for _, err := range e.roster.limits.errors() {
			got = append(got, err.Error())
		}
		if text := strings.Join(got, "; "); problems == "" && text != "" || !strings.Contains(text, problems) {
			t.Errorf("%s: problems %q, want %q", step, text, problems)
		}
	}
	expect("one tenant is another source's", "another source", map[string]config.TenantLimits{"team-a": limit(1), "team-b": limit(2)})
	e.others["team-x"] = limit(3)
	if !e.retry(e.now) {
		t.Error("a retry that ends a contradiction does not say so")
	}
	expect("that agrees", "", map[string]config.TenantLimits{"team-a": limit(1), "team-b": limit(2), "team-x": limit(3)})
	delete(e.others, "team-x")
	e.removes("x")
	expect("it is gone", "", map[string]config.TenantLimits{"team-a": limit(1), "team-b": limit(2)})
	e.puts("b+2", value("team-b", "b", "new", text(4)))
	expect("one of two keys is changed", `"b" and `, map[string]config.TenantLimits{"team-a": limit(1), "team-b": limit(2)})
	e.puts("b", value("team-b", "b", "old", text(4)))
	expect("and the other", "", map[string]config.TenantLimits{"team-a": limit(1), "team-b": limit(4)})
	e.puts("a", value("team-b", "b", "old", "")) // which is b's credential
	e.skips("a")
	expect("a value that is refused", "", map[string]config.TenantLimits{"team-a": limit(1), "team-b": limit(4)})
	e.puts("a", value("team-c", "a", "old", text(5)))
	expect("another tenant", "", map[string]config.TenantLimits{"team-c": limit(5), "team-b": limit(4)})
	e.puts("a", value("team-c", "a", "old", ""))
	e.removes("b")
	e.removes("b+2")
	expect("nothing is said any more", "", map[string]config.TenantLimits{})
}

// TestRosterAgreesWithItself: whatever the way, what is in force is what a gateway has that starts now, where nothing is in
// conflict and everybody who had to wait has.
func TestRosterAgreesWithItself(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	e := enlist(t)
	held := map[string]string{"always": value("t", "always", "old", "")} // by etcd
	marks := map[string]bool{}
	e.list(maps.Clone(held), nil, e.now)
	for round := range 2000 {
		var changes []fleet.Change
		seen := map[string]bool{}
		for range 1 + random.IntN(5) {
			user := fmt.Sprint("u", random.IntN(30))
			if seen[user] {
				continue
			}
			seen[user] = true
			switch random.IntN(6) {
			case 0:
				delete(held, user)
				changes = append(changes, fleet.Change{Key: user, Gone: true})
			case 1:
				delete(held, user)
				marks[user] = true
				changes = append(changes, fleet.Change{Key: user, Gone: true, Meant: true})
			case 2:
				held[user] = "cut sh"
				changes = append(changes, fleet.Change{Key: user, Text: held[user]})
			default:
				held[user] = value("t", user, []string{"old", "new"}[random.IntN(2)], "")
				changes = append(changes, fleet.Change{Key: user, Text: held[user]})
			}
			if held[user] != "" {
				delete(marks, user)
			}
		}
		e.change(changes, e.now)
		e.passes(time.Duration(random.IntN(5)) * time.Second)
		if random.IntN(20) == 0 {
			e.list(maps.Clone(held), slices.Collect(maps.Keys(marks)), e.now)
		}
		if len(e.inForce) != e.cache.Len() {
			t.Fatalf("round %d: %d in force, %d known", round, len(e.inForce), e.cache.Len())
		}
		for key, text := range held {
			got, skipped := e.inForce[key].text, e.skipped[key]
			if text == "cut sh" && skipped.text != text || text != "cut sh" && got != text {
				t.Fatalf("round %d: %s holds %q; in force is %q, skipped %q", round, key, text, got, skipped.text)
			}
		}
		if round%100 != 99 {
			continue
		}
		e.accept(e.now)
		for key := range held {
			if held[key] == "cut sh" {
				held[key] = value("t", key, "old", "")
				e.puts(key, held[key])
			}
		}
		if got := e.content(); !maps.Equal(got, held) || len(e.leaving)+len(e.skipped) > 0 {
			t.Fatalf("round %d: has %v, want %v; leaving %v, skipped %v", round, got, held, e.leaving, e.skipped)
		}
	}
}

// Very many values come into force in parts, as if they came at once: a client that moves to another key is known all the
// while, and so is one that takes another's name.
func TestManyComeInParts(t *testing.T) {
	e := enlist(t)
	all := map[string]string{"a": value("t1", "x", "old", ""), "z": value("t2", "y", "old", "")}
	e.list(maps.Clone(all), nil, e.now)
	for i := range atOnce + 10 {
		user := fmt.Sprintf("u%05d", i)
		all[user] = value("t", user, "old", "")
	}
	all["b"] = all["a"]
	delete(all, "a")
	all["c"] = value("t3", "y", "new", "")
	all["z"] = value("t4", "v", "old", "")
	e.list(all, []string{"a"}, e.now)
	e.knows([]string{"v", "x", "y", "u00000", fmt.Sprintf("u%05d", atOnce+9)}, "v:old=t4", "x:old=t1", "y:new=t3", "u00000:old=t", fmt.Sprintf("u%05d:old=t", atOnce+9))
	e.skips()
}
