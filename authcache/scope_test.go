package authcache

import "testing"

func TestScopesHaveTheNamesOfTheConfiguration(t *testing.T) {
	tests := []struct {
		name string
		want Scope
		ok   bool
	}{
		{"write", Write, true}, {"read", Read, true}, {"rules", Rules, true}, {"alerts", Alerts, true},
		{"operator", Operator, true},
		{"", 0, false}, {"Write", 0, false}, {"write,read", 0, false}, {"none", 0, false},
	}
	for _, test := range tests {
		got, ok := ParseScope(test.name)
		if got != test.want || ok != test.ok {
			t.Errorf("%q: got %v, %v", test.name, got, ok)
		}
		if ok && got.String() != test.name {
			t.Errorf("%q prints as %q", test.name, got)
		}
	}
	if got := (Operator | Write | Read).String(); got != "write,read,operator" {
		t.Errorf("got %q", got)
	}
	if got := Scope(0).String(); got != "none" {
		t.Errorf("got %q", got)
	}
	if s := Write | Rules; !s.Has(Write) || !s.Has(Write|Rules) || s.Has(Read) || s.Has(Write|Read) {
		t.Error("Has is wrong")
	}
}
