package authcache

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func reachOf(t testing.TB, read, fallback, write []string) *Reach {
	t.Helper()
	r, err := NewReach(read, fallback, write)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var anyTenant = []string{AnyTenant}

func TestWhichTenantGoesUpstream(t *testing.T) {
	own := &Identity{Tenant: "own", Client: "c"}
	with := func(read, fallback, write []string) *Identity {
		return &Identity{Tenant: "own", Client: "c", Reach: reachOf(t, read, fallback, write)}
	}
	ab := []string{"a", "b"}
	abc := []string{"c", "b", "a", "b"}
	lists := with(abc, nil, ab)
	preset := with(abc, []string{"b", "a", "b"}, nil)
	presetOne := with(nil, []string{"z"}, nil)
	every := with(anyTenant, nil, anyTenant)
	odd := with([]string{"a.b", "a", "x*"}, []string{"a", "a.b"}, []string{"a.b", "a"})
	token := &Identity{Client: "c", Reach: reachOf(t, ab, ab, ab)}
	dotted := &Identity{Tenant: "own.dotted", Client: "c"}
	open := TenantRules{Federation: true}
	few := TenantRules{Federation: true, MaxTenants: 2}
	regex := TenantRules{Federation: true, RegexMatcher: true}
	check := TenantRules{Check: true}
	none := TenantRules{}
	const (
		federated = true
		single    = false
		bad       = "400"
	)
	no := func(tenant string) string { return "403 " + tenant }

	tests := []struct {
		name      string
		rules     TenantRules
		identity  *Identity
		scope     Scope
		federated bool
		sent      []string
		want      string // the tenant, "400" or "403 tenant"; "ignored:" before it when the client's word did not count
	}{
		{"own, nothing sent", none, own, Write, single, nil, "own"},
		{"own, sent too", none, own, Write, single, []string{"own"}, "own"},
		{"own, another is ignored", none, own, Write, single, []string{"other"}, "ignored:own"},
		{"own, empty is ignored", none, own, Read, federated, []string{""}, "ignored:own"},
		{"own, two headers are ignored", none, own, Read, federated, []string{"own", "own"}, "ignored:own"},
		{"own, nonsense is ignored", none, own, Read, federated, []string{"||"}, "ignored:own"},

		{"check on a write", check, own, Write, single, []string{"other"}, "ignored:own"},
		{"check on a read", check, own, Read, single, []string{"other"}, "ignored:own"},
		{"check on rules", check, own, Rules, single, []string{"other"}, no("other")},
		{"check on alerts", check, own, Alerts, single, []string{"other"}, no("other")},
		{"check on operator", check, own, Operator, single, []string{"other"}, no("other")},
		{"check on rules, own", check, own, Rules, single, []string{"own"}, "own"},
		{"check on rules, nothing", check, own, Rules, single, nil, "own"},
		{"check on rules, two headers", check, own, Rules, single, []string{"own", "own"}, bad},
		{"check on rules, nonsense", check, own, Rules, single, []string{"a b"}, bad},
		{"check with a list", check, lists, Rules, single, []string{"a"}, "a"},
		{"check with a list, outside", check, lists, Rules, single, []string{"own"}, no("own")},

		{"read, nothing sent", open, lists, Read, federated, nil, "own"},
		{"read one", open, lists, Read, federated, []string{"b"}, "b"},
		{"read some, sorted, once", open, lists, Read, federated, []string{"c|a|c|a"}, "a|c"},
		{"read all", open, lists, Read, federated, []string{"a|b|c"}, "a|b|c"},
		{"read the same twice", open, lists, Read, single, []string{"a|a"}, "a"},
		{"read outside", open, lists, Read, federated, []string{"d"}, no("d")},
		{"read partly outside", open, lists, Read, federated, []string{"a|d|b"}, no("d")},
		{"read own, which is not listed", open, lists, Read, federated, []string{"own"}, no("own")},
		{"read empty", open, lists, Read, federated, []string{""}, bad},
		{"read empty part", open, lists, Read, federated, []string{"a||b"}, bad},
		{"read empty last part", open, lists, Read, federated, []string{"a|"}, bad},
		{"read only a separator", open, lists, Read, federated, []string{"|"}, bad},
		{"read empty part before one outside", open, lists, Read, federated, []string{"d||"}, bad},
		{"read two headers", open, lists, Read, federated, []string{"a", "a"}, bad},
		{"read invalid", open, lists, Read, federated, []string{"a/b"}, bad},
		{"read with blanks", open, lists, Read, federated, []string{"a | b"}, bad},
		{"read too long", open, lists, Read, federated, []string{strings.Repeat("a", 151)}, bad},
		{"read reserved", open, every, Read, federated, []string{".."}, bad},
		{"read some where one is wanted", open, lists, Read, single, []string{"a|b"}, bad},
		{"read some without federation", none, lists, Read, federated, []string{"a|b"}, bad},
		{"read one without federation", none, lists, Read, federated, []string{"b"}, "b"},
		{"read as many as there may be", few, lists, Read, federated, []string{"a|b|a"}, "a|b"},
		{"read too many", few, lists, Read, federated, []string{"a|b|c"}, bad},
		{"read any", open, every, Read, federated, []string{"z|y"}, "y|z"},
		{"read own of any", open, every, Read, federated, []string{"own"}, "own"},
		{"star is a tenant like others", open, lists, Read, federated, []string{"*"}, no("*")},
		{"star of any", open, every, Read, federated, []string{"*"}, "*"},

		{"default", open, preset, Read, federated, nil, "a|b"},
		{"default is not for writes", open, preset, Write, single, nil, "own"},
		{"default where one is wanted", open, preset, Read, single, nil, bad},
		{"default without federation", none, preset, Read, federated, nil, bad},
		{"default over the limit", TenantRules{Federation: true, MaxTenants: 1}, preset, Read, federated, nil, bad},
		{"default, and one named", open, preset, Read, single, []string{"c"}, "c"},
		{"default of one without a list", none, presetOne, Read, single, []string{"x"}, "ignored:z"},
		{"default of one, named", none, presetOne, Read, single, []string{"z"}, "z"},

		{"write, nothing sent", open, lists, Write, single, nil, "own"},
		{"write one", open, lists, Write, single, []string{"a"}, "a"},
		{"rules one", open, lists, Rules, single, []string{"b"}, "b"},
		{"alerts one", open, lists, Alerts, single, []string{"b"}, "b"},
		{"write outside", open, lists, Write, single, []string{"c"}, no("c")},
		{"write two", open, lists, Write, single, []string{"a|b"}, bad},
		{"write the same twice", open, lists, Write, single, []string{"a|a"}, bad},
		{"write empty", open, lists, Write, single, []string{""}, bad},
		{"write two headers", open, lists, Write, single, []string{"a", "b"}, bad},
		{"write any", open, every, Write, single, []string{"z"}, "z"},
		{"write any, invalid", open, every, Write, single, []string{"a b"}, bad},
		{"operator has no list", open, lists, Operator, single, []string{"a"}, "ignored:own"},

		{"token of several reads", open, token, Read, federated, nil, "a|b"},
		{"token of several reads a subset", open, token, Read, federated, []string{"b"}, "b"},
		{"token of several reads where one is wanted", open, token, Read, single, nil, bad},
		{"token of several writes nobody's", open, token, Write, single, nil, bad},
		{"token of several writes", open, token, Write, single, []string{"b"}, "b"},
		{"token of several writes another's", open, token, Write, single, []string{"c"}, no("c")},
		{"token of several operates nobody", open, token, Operator, single, nil, bad},
		{"token of several operates", open, token, Operator, single, []string{"a"}, "a"},

		{"regex, own", regex, own, Read, federated, nil, "own"},
		{"regex, own could be a pattern", regex, dotted, Write, single, nil, no("own.dotted")},
		{"no regex, own could be a pattern", open, dotted, Write, single, nil, "own.dotted"},
		{"regex, default could be a pattern", regex, odd, Read, federated, nil, no("a.b")},
		{"regex, listed could be a pattern", regex, odd, Read, federated, []string{"a.b"}, bad},
		{"regex, several", regex, odd, Read, federated, []string{"a|x*"}, bad},
		{"regex, listed", regex, odd, Read, federated, []string{"a"}, "a"},
		{"regex, write", regex, odd, Write, single, []string{"a.b"}, bad},
		{"regex, any", regex, every, Read, federated, []string{".*"}, bad},
		{"regex, any, quote", regex, every, Write, single, []string{"a'b"}, bad},
		{"regex, own of any", regex, &Identity{Tenant: "o.o", Client: "c", Reach: reachOf(t, anyTenant, nil, nil)}, Read, federated, []string{"o.o"}, bad},
		{"no regex, any", open, every, Read, federated, []string{".*"}, ".*"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ask := TenantAsk{Scope: test.scope, Federated: test.federated, Headers: len(test.sent)}
			if len(test.sent) > 0 {
				ask.Sent = []byte(test.sent[0])
			}
			got := shown(test.rules.Tenant(test.identity, ask))
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// shown is an answer in the words of the table.
func shown(answer TenantAnswer, err error) string {
	if err != nil {
		refused, ok := errors.AsType[*TenantError](err)
		switch {
		case !ok || answer != (TenantAnswer{}):
			return fmt.Sprintf("%T with %v", err, answer)
		case refused.Denied():
			return "403 " + refused.Tenant
		}
		return "400"
	}
	if answer.Ignored {
		return "ignored:" + answer.Tenant
	}
	return answer.Tenant
}

func TestReachRefusesWhatCannotBe(t *testing.T) {
	tests := []struct {
		name                  string
		read, fallback, write []string
		want                  string
	}{
		{"invalid", []string{"a", "a|b"}, nil, nil, `read_tenants[1]: tenant ID "a|b"`},
		{"empty", nil, nil, []string{""}, "write_tenants[0]: the tenant ID is empty"},
		{"star beside others", []string{"a", "*"}, nil, nil, `read_tenants: "*" stands for every tenant; want it alone`},
		{"default of all", nil, []string{"*"}, nil, "read_default holds"},
		{"default invalid", nil, []string{"a", ".."}, nil, "read_default[1]: "},
	}
	for _, test := range tests {
		if _, err := NewReach(test.read, test.fallback, test.write); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
	}
	if r, err := NewReach(nil, []string{}, nil); r != nil || err != nil {
		t.Errorf("got %v, %v", r, err)
	}
	r := reachOf(t, []string{"b", "a", "b"}, nil, anyTenant)
	if !reflect.DeepEqual(r.ReadTenants(), []string{"a", "b"}) || !reflect.DeepEqual(r.WriteTenants(), anyTenant) || len(r.ReadDefault()) != 0 {
		t.Errorf("it tells %v %v %v", r.ReadTenants(), r.ReadDefault(), r.WriteTenants())
	}
	if !r.equal(reachOf(t, []string{"a", "b"}, nil, anyTenant)) || r.equal(reachOf(t, []string{"a"}, nil, anyTenant)) || r.equal(nil) {
		t.Error("equal is wrong")
	}
	var nothing *Reach
	if nothing.ReadTenants() != nil || nothing.ReadDefault() != nil || nothing.WriteTenants() != nil || !nothing.equal(nil) {
		t.Error("nil is not nothing")
	}
}

// naive decides with sets and the words of the design, and nothing clever.
func naive(r TenantRules, tenant string, read, fallback, write []string, ask TenantAsk) string {
	list := write
	if ask.Scope == Read {
		list = read
	}
	if ask.Scope == Operator && tenant != "" {
		list = nil
	}
	odd := func(tenant string) bool { return r.RegexMatcher && strings.ContainsAny(tenant, "*().'") }
	several := func(n int) bool {
		return n > 1 && (ask.Scope != Read || !ask.Federated || !r.Federation || r.MaxTenants > 0 && n > r.MaxTenants)
	}
	if ask.Headers == 0 || len(list) == 0 {
		parts := []string{tenant}
		if ask.Scope == Read && len(fallback) > 0 {
			parts = slices.Compact(slices.Sorted(slices.Values(fallback)))
		}
		if several(len(parts)) || parts[0] == "" {
			return "400"
		}
		for _, part := range parts {
			if odd(part) {
				return "403 " + part
			}
		}
		answer := strings.Join(parts, "|")
		if ask.Headers == 1 && string(ask.Sent) == answer || ask.Headers == 0 {
			return answer
		}
		if r.Check && (ask.Scope == Rules || ask.Scope == Alerts || ask.Scope == Operator) {
			if ask.Headers > 1 || ValidTenant(string(ask.Sent)) != nil {
				return "400"
			}
			return "403 " + string(ask.Sent)
		}
		return "ignored:" + answer
	}
	if ask.Headers > 1 {
		return "400"
	}
	parts := strings.Split(string(ask.Sent), "|")
	if len(parts) > 1 && ask.Scope != Read {
		return "400"
	}
	for _, part := range parts {
		if ValidTenant(part) != nil || odd(part) {
			return "400"
		}
	}
	slices.Sort(parts)
	parts = slices.Compact(parts)
	for _, part := range parts {
		if !slices.Equal(list, anyTenant) && !slices.Contains(list, part) {
			return "403 " + part
		}
	}
	if several(len(parts)) {
		return "400"
	}
	return strings.Join(parts, "|")
}

func FuzzTenant(f *testing.F) {
	f.Add("own", "a b c", "a", "a b", "a|b", uint8(3), uint16(0x1ff))
	f.Add("", "*", "", "*", "", uint8(1), uint16(2))
	f.Add("o.o", "a.b", "a.b", "a.b x*", ".*", uint8(1), uint16(0xff))
	// Of several that are refused the first in order is told, not the first that was sent (bits: federation, read, federated).
	f.Add("own", "1", "", "", "2|0", uint8(1), uint16(0x61))
	f.Fuzz(func(t *testing.T, tenant, read, fallback, write, sent string, headers uint8, bits uint16) {
		lists := [3][]string{strings.Fields(read), strings.Fields(fallback), strings.Fields(write)}
		reach, err := NewReach(lists[0], lists[1], lists[2])
		if err != nil || tenant != "" && ValidTenant(tenant) != nil {
			return
		}
		rules := TenantRules{Federation: bits&1 != 0, RegexMatcher: bits&2 != 0, Check: bits&4 != 0, MaxTenants: int(bits>>3) & 3}
		ask := TenantAsk{Scope: []Scope{Write, Read, Rules, Alerts, Operator}[int(bits>>6)%5], Federated: bits&0x20 != 0, Sent: []byte(sent), Headers: int(headers % 3)}
		if ask.Headers == 0 {
			ask.Sent = nil
		}
		got := shown(rules.Tenant(&Identity{Tenant: tenant, Reach: reach}, ask))
		if want := naive(rules, tenant, lists[0], lists[1], lists[2], ask); got != want {
			t.Fatalf("got %q, want %q for %+v %q %+v", got, want, rules, lists, ask)
		}
	})
}
